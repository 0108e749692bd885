"""Find out in seconds what would not work after six hours."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum

from transfer.capabilities import Dates
from transfer.client.base import Source, Target
from transfer.config.settings import Limits, Selection
from transfer.engine.plan import Plan, is_selected, make_plan
from transfer.errors import AuthError, ForbiddenError, SideError, TooLargeError, TransferError, UnsupportedError
from transfer.mapping import ANY, MYSQL_3, MYSQL_3_HINT, NOT_STRICT, NOT_STRICT_HINT, SQLITE, SQLITE_HINT, mapping_for
from transfer.model import DagInfo, SideName

SMALLEST_PROBE = 1_024
"""Bytes: no smaller body can be configured."""
MYSQL = (
    "its database takes no offset in dates: they are sent in UTC without it; as MySQL or MariaDB it keeps six digits of"
    " a duration, and refuses a conf over 64 KB, ids with characters beyond U+FFFF, dates after 2038, and an id that"
    " differs from another only in spaces at its end: those rows are listed as rejected"
)
NAMED = 20
"""DAGs that a finding lists by name."""


class Level(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``hint`` says what to do about it."""

    level: Level
    side: SideName
    text: str
    hint: str = ""


async def check_side(
    name: SideName, side: Source, stranger: AbstractAsyncContextManager[Target]
) -> AsyncIterator[Finding]:
    """Yield whether ``side`` answers us, and whether it refuses ``stranger``, who has no credentials.

    Ends with a FAILURE after which nothing else about this side can be found out.
    """
    try:
        info = await side.info()
    except SideError as error:
        yield Finding(Level.FAILURE, name, error.message, error.hint)
        return
    yield Finding(
        Level.GOOD, name, f"reachable: Airflow {info.airflow_version}, Starship {info.starship_version}, logged in"
    )
    async with stranger as unknown:
        yield await _stranger(name, unknown)


async def _stranger(name: SideName, unknown: Source) -> Finding:
    try:
        await unknown.info()
    except (AuthError, ForbiddenError):
        return Finding(Level.GOOD, name, "refuses requests without credentials")
    except SideError as error:
        return Finding(Level.WARNING, name, f"could not try without credentials: {error.message}", error.hint)
    return Finding(
        Level.WARNING,
        name,
        "answers anybody, without credentials",
        "everyone who reaches it can read connections and passwords: update Starship, or close the network",
    )


async def check_writing(target: Target, limits: Limits) -> AsyncIterator[Finding]:
    """Yield whether the target takes POSTs from us, and how large; nothing is stored."""
    try:
        await target.probe_write(SMALLEST_PROBE)
    except SideError as error:
        yield Finding(Level.FAILURE, "target", f"does not let us write: {error.message}", error.hint)
        return
    yield Finding(Level.GOOD, "target", "lets us write")
    try:
        size = await _largest_body(target, limits.batch_bytes)
    except SideError as error:
        yield Finding(Level.WARNING, "target", f"larger bodies: {error.message}", error.hint)
        return
    if size == limits.batch_bytes:
        yield Finding(Level.GOOD, "target", f"takes bodies of {size} bytes")
    else:
        yield Finding(
            Level.WARNING,
            "target",
            f"takes no bodies of {limits.batch_bytes} bytes; {size} bytes went through",
            f"set limits.batch_bytes = {size}, or raise the limit of the proxy in front of it",
        )


async def _largest_body(target: Target, size: int) -> int:
    """Return the first size that goes through when halving from ``size``; ``SMALLEST_PROBE`` is known to."""
    while size > SMALLEST_PROBE:
        try:
            await target.probe_write(size)
        except TooLargeError:
            size //= 2
        else:
            return size
    return max(size, SMALLEST_PROBE)


async def check_dags(source: Source, target: Target, selection: Selection) -> AsyncIterator[Finding]:
    """Yield what the selection amounts to and what stands on the target."""
    try:
        plan = await make_plan(source, target, selection)
        there = {dag.dag_id: dag for dag in await target.dags()}
    except TransferError as error:
        side: SideName = "target" if getattr(error, "side", "") == "target" else "source"
        yield Finding(Level.FAILURE, side, error.message, error.hint)
        return
    for note in plan.notes:
        yield Finding(Level.WARNING, "target", note)
    level = Level.FAILURE if not plan.dags else Level.GOOD if plan.run_count else Level.WARNING
    yield Finding(level, "source", f"{len(plan.dags)} DAGs with {plan.run_count} runs to move")
    for finding in (_left_out(plan), _unpaused(plan, there), _history(selection, there)):
        if finding is not None:
            yield finding


async def check_direction(source: Source, target: Target) -> AsyncIterator[Finding]:
    """Yield whether rows can go from one version to the other, and what cannot be carried, by reason."""
    try:
        mapping = mapping_for(await source.info(), await target.info())
    except UnsupportedError as error:
        yield Finding(Level.FAILURE, "target" if error.side == "target" else "source", error.message, error.hint)
        return
    way = f"from {mapping.source.name} to {mapping.target.name}"
    yield Finding(Level.GOOD, "target", f"history can be moved {way}")
    reasons: dict[str, list[str]] = {}
    for loss in mapping.left_behind:
        name = loss.kind if loss.column == ANY else f"{loss.kind}.{loss.column}"
        reasons.setdefault(loss.why, []).append(name)
    for why, names in reasons.items():
        yield Finding(Level.NOTE, "target", f"not carried: {', '.join(names)} ({why})")


async def check_database(target: Target) -> AsyncIterator[Finding]:
    """Yield how the target's database takes dates."""
    try:
        dates = await target.probe_dates()
    except SideError as error:
        yield Finding(Level.WARNING, "target", f"could not try how it takes dates: {error.message}", error.hint)
        return
    match dates:
        case Dates.NOT_AT_ALL:
            yield Finding(Level.FAILURE, "target", SQLITE, SQLITE_HINT)
        case Dates.NO_INSERTS:
            yield Finding(Level.FAILURE, "target", MYSQL_3, MYSQL_3_HINT)
        case Dates.UNCHECKED:
            yield Finding(Level.FAILURE, "target", NOT_STRICT, NOT_STRICT_HINT)
        case Dates.WITHOUT_OFFSET:
            yield Finding(Level.NOTE, "target", MYSQL)
        case Dates.AS_SERVED:
            yield Finding(Level.GOOD, "target", "its database takes dates as the source serves them")


def _left_out(plan: Plan) -> Finding | None:
    if not plan.left_out:
        return None
    return Finding(
        Level.WARNING,
        "target",
        f"{len(plan.left_out)} selected DAGs are left out: {_names(list(plan.left_out))}",
        "deploy them on the target, or use --allow-missing-dags; `transfer plan` gives the reason for each",
    )


def _unpaused(plan: Plan, there: dict[str, DagInfo]) -> Finding | None:
    awake = [dag.dag_id for dag in plan.dags if dag.dag_id in there and not there[dag.dag_id].is_paused]
    if not awake:
        return None
    return Finding(
        Level.WARNING,
        "target",
        f"{len(awake)} DAGs to move are not paused: {_names(awake)}",
        "pause them until the history is there: the scheduler makes runs for the same dates, and ours are then refused",
    )


def _history(selection: Selection, there: dict[str, DagInfo]) -> Finding | None:
    filled = [dag.dag_id for dag in there.values() if dag.run_count and is_selected(dag.dag_id, selection)]
    if not filled:
        return None
    return Finding(
        Level.NOTE,
        "target",
        f"{len(filled)} selected DAGs already have runs: {_names(filled)}",
        "what is there is left as it is, what lacks is added",
    )


def _names(dag_ids: list[str]) -> str:
    shown = ", ".join(dag_ids[:NAMED])
    return shown if len(dag_ids) <= NAMED else f"{shown} and {len(dag_ids) - NAMED} more"
