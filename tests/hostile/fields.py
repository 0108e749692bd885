"""The table of fields that hold something else than they should, one at a time."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

FINE, UNEXPECTED, UNSUPPORTED = "fine", "UnexpectedAnswerError", "UnsupportedError"
NOTHING = "TransferError"
"""There is nothing to move."""

INCOMPLETE = "DAG not complete"

MISSING: Final = object()
ODD: Final[Mapping[str, Any]] = {
    "missing": MISSING,
    "null": None,
    "a list": [1],
    "an object": {"a": 1},
    "a number": 7,
    "a negative number": -1,
    "a fraction": 1.5,
    "true": True,
    "2**63": 2**63,
    "2**70": 2**70,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "text": "x",
    "text with a lone surrogate": "a\ud800",
    "text with a NUL": "a\0b",
    "text of 10,000 characters": "x" * 10_000,
}
"""What stands there instead."""

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the document of one route: how the job ends for odd values, ``but`` for some of them."""

    route: str
    path: Path
    usual: str = UNEXPECTED
    but: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.route}: {'.'.join(map(str, self.path))}"

    def outcome(self, odd: str) -> str:
        """Return how the job ends for the odd value of that name."""
        return self.but.get(odd, self.usual)

    def put(self, document: Any, value: object) -> Any:
        """Return ``document`` with ``value`` in this field, or without it; as it is where it has no such field."""
        at = document = deepcopy(document)
        try:
            for key in self.path[:-1]:
                at = at[key]
            if value is MISSING:
                del at[self.path[-1]]
            else:
                at[self.path[-1]] = value
        except (IndexError, KeyError, TypeError):
            pass
        return document


def _but(outcome: str, *odd: str) -> dict[str, str]:
    return dict.fromkeys(odd, outcome)


_STORABLE = ("text", "text with a NUL")
_TEXTS = tuple(name for name in ODD if name.startswith("text"))

TABLE = (
    Field("info", ("airflow_version",), but=_but(UNSUPPORTED, *_STORABLE)),
    Field("info", ("starship_version",), but=_but(FINE, *_STORABLE)),
    Field("dags", (0,), but=_but(NOTHING, "missing")),
    Field("dags", (0, "dag_id"), but=_but(NOTHING, *_STORABLE)),
    Field("dags", (0, "dag_run_count"), but=_but(FINE, "a number")),
    Field("dags", (0, "is_paused"), but=_but(FINE, "null", "true")),
    Field("dag_runs", ("dag_runs",)),
    Field("dag_runs", ("dag_run_count",), but=_but(INCOMPLETE, "a number")),
    Field("dag_runs", ("dag_runs", 1), but=_but(INCOMPLETE, "missing")),
    Field("dag_runs", ("dag_runs", 1, "dag_id"), but=_but(FINE, "missing")),
    Field("dag_runs", ("dag_runs", 1, "run_id"), but=_but(INCOMPLETE, *_STORABLE)),
    Field("dag_runs", ("dag_runs", 1, "start_date")),
    Field("dag_runs", ("dag_runs", 1, "execution_date")),
    Field("dag_runs", ("dag_runs", 1, "state"), but=_but(FINE, "null", *_TEXTS)),
    Field("dag_runs", ("dag_runs", 1, "conf"), FINE),
    Field("task_instances", ("task_instances",)),
    Field("task_instances", ("dag_run_count",), but=_but(INCOMPLETE, "a number", "missing")),
    Field("task_instances", ("task_instances", 1), but=_but(FINE, "missing")),
    Field("task_instances", ("task_instances", 1, "dag_id"), but=_but(FINE, "missing")),
    Field("task_instances", ("task_instances", 1, "run_id"), but=_but(INCOMPLETE, *_TEXTS)),
    Field("task_instances", ("task_instances", 1, "task_id"), but=_but(FINE, *_STORABLE)),
    Field(
        "task_instances", ("task_instances", 1, "map_index"), but=_but(FINE, "a number", "a negative number", "2**63")
    ),
    Field("task_instances", ("task_instances", 1, "duration"), FINE),
)
