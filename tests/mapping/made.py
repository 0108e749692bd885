"""Random rows of any version, and what a target of any version says to rows: a second opinion on ``mapping``."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, Kind, Row
from transfer.mapping import Mapping, mapping_for
from transfer.model import ServerInfo
from transfer.shapes import SHAPES, Field, Shape

VERSIONS = (*(f"2.{minor}.3" for minor in range(4, 12)), "3.1.8")
PAIRS = [(left, right) for left in VERSIONS for right in VERSIONS if left < "3" or right > "3"]
STATES_2 = (
    *("removed", "scheduled", "queued", "running", "success", "restarting", "failed", "up_for_retry", "shutdown"),
    *("up_for_reschedule", "upstream_failed", "skipped", "deferred", "sensing", "none", "", "SUCCESS", "Failed", None),
)
STATES_3 = frozenset(
    {
        *("removed", "scheduled", "queued", "running", "success", "restarting", "failed", "up_for_retry"),
        *("up_for_reschedule", "upstream_failed", "skipped", "deferred"),
        None,
    }
)
RUN_TYPES_2 = ("scheduled", "manual", "backfill", "dataset_triggered", "SCHEDULED", "mine")
RUN_TYPES_3 = frozenset({"scheduled", "manual", "backfill", "asset_triggered"})
TRIGGERED_BY = frozenset({None, "CLI", "OPERATOR", "REST_API", "UI", "TEST", "TIMETABLE", "ASSET", "BACKFILL"})

_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_DATES = st.datetimes().map(lambda moment: f"{moment}+00:00")
_JSON = st.recursive(st.none() | st.booleans() | st.integers() | _TEXTS, lambda inner: st.lists(inner, max_size=3))
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXTS,
    "int": st.integers(-1, 10_000),
    "float": st.floats(0, 1e6),
    "bool": st.booleans(),
    "date": _DATES,
    "json": st.dictionaries(_TEXTS, _JSON, max_size=3),
    "uuid": st.uuids().map(str),
}


def way(source: str, target: str) -> Mapping:
    """Return the mapping between two versions."""
    return mapping_for(ServerInfo(source, "2.10.1"), ServerInfo(target, "2.10.1"))


def shape_of(version: str) -> Shape:
    """Return the shape of a version."""
    major, minor = version.split(".")[:2]
    return SHAPES[int(major), int(minor)]


@st.composite
def rows(draw: st.DrawFn, version: str, kind: Kind) -> list[Row]:
    """Return some rows of ``kind`` as ``version`` might serve them, odd ones included."""
    fields = shape_of(version).of(kind)
    names = draw(st.lists(_TEXTS, min_size=1, max_size=4, unique=True))
    return [{name: draw(_value(kind, field, version)) for name, field in fields.items()} | _key(n) for n in names]


def _key(name: str) -> Row:
    return {"dag_id": "dag", "run_id": f"manual__{name}"}


def _value(kind: Kind, field: Field, version: str) -> st.SearchStrategy[Any]:
    known = _known_values(kind, version).get(field.name)
    if known is not None:
        return known
    return _VALUES[field.type] if field.required else st.none() | _VALUES[field.type]


def _known_values(kind: Kind, version: str) -> dict[str, st.SearchStrategy[Any]]:
    """Return what columns hold that do not just hold anything of their type."""
    is_3 = version > "3"
    never_null = dict.fromkeys(("try_number", "max_tries"), _VALUES["int"]) if is_3 else {}
    never_null |= {"try_number": _VALUES["int"]} if kind is TASK_INSTANCE_HISTORY else {}
    return never_null | {
        "state": st.sampled_from(("success", "failed") if kind is DAG_RUNS else _states(version)),
        "run_type": st.sampled_from(sorted(RUN_TYPES_3) if is_3 else RUN_TYPES_2),
        "triggered_by": st.sampled_from(sorted(TRIGGERED_BY, key=str)),
        "executor_config": st.none(),
        "task_display_name": _TEXTS if is_3 else st.none() | _TEXTS,
        "conf": st.none() | _VALUES["json"] if is_3 else st.none() | _JSON | _VALUES["json"],
    }


def _states(version: str) -> tuple[str | None, ...]:
    return STATES_2 if version < "3" else tuple(sorted(STATES_3 - {None}, key=str))


def objections(version: str, kind: Kind, row: Row) -> Iterator[str]:
    """Yield what a server of ``version`` has against ``row``: what it would refuse, or store and then not show."""
    fields = shape_of(version).of(kind)
    yield from (f"unknown column {name}" for name in row.keys() - fields.keys())
    yield from (f"{name} is null" for name, field in fields.items() if field.required and row.get(name) is None)
    if version < "3":
        if row.get("trigger_id") is not None:
            yield "a trigger that is not there"
        if kind is not DAG_RUNS and "executor_config" not in row:
            yield "no executor_config, which breaks the target's own pages"
        return
    yield from (f"{name} is the server's own" for name in row if fields[name].own)
    if kind is DAG_RUNS:
        yield from _run_objections(row)
    else:
        yield from _task_objections(kind, row)


def _run_objections(row: Row) -> Iterator[str]:
    if row.get("run_type") not in RUN_TYPES_3:
        yield f"run_type {row.get('run_type')}"
    if row.get("triggered_by") not in TRIGGERED_BY:
        yield f"triggered_by {row.get('triggered_by')}"
    if row.get("conf") is not None and not isinstance(row["conf"], dict):
        yield "conf is no object"


def _task_objections(kind: Kind, row: Row) -> Iterator[str]:
    if row.get("state") not in STATES_3:
        yield f"state {row.get('state')}"
    yield from (f"{name} is null" for name in ("try_number", "max_tries") if row.get(name) is None)
    if kind is TASK_INSTANCE_HISTORY and row.get("task_display_name") is None:
        yield "task_display_name is null"
