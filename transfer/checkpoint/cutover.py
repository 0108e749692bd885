"""SQL of a cutover: who was paused before it, what was done about it since, and how far it is.

Before a DAG is switched it is written down; afterwards, that it was read back. What was sent stays in doubt until its
own answer has come: until then the deployment may still carry it out, also after this process has ended.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.database import Database
from transfer.checkpoint.encoding import checked, decoding, moment, stamp
from transfer.model import SideName


class Step(StrEnum):
    """What a cutover is at, in this order; an undo may follow any of them."""

    HOLD = "hold the target"  # its DAGs are being paused
    PAUSE = "pause the source"  # DAGs are being paused there, each when none of its runs is under way
    MOVE = "move what is new"
    PARSE = "parse on the target"  # waiting until it has parsed the DAGs after the move
    UNPAUSE = "unpause the target"
    DONE = "done"
    UNDO = "undo"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class CutoverDag:
    """How a DAG was before the cutover; ``runs`` is what the source counted when nothing ran there any more."""

    dag_id: str
    source_paused: bool
    target_paused: bool
    runs: int | None = None


@dataclass(frozen=True, slots=True)
class Switched:
    """The last thing that was done to a DAG on one side.

    ``sure`` tells whether it was read back since. ``doubt`` is when something was last sent of which no answer came.
    """

    paused: bool
    sure: bool
    doubt: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cutover:
    """How far a cutover is, and what is remembered of its DAGs."""

    step: Step
    since: datetime
    dags: Mapping[str, CutoverDag] = field(default_factory=dict)
    switched: Mapping[tuple[str, SideName], Switched] = field(default_factory=dict)


_ENTER: Final = """
    INSERT INTO cutover (id, step, at) VALUES (1, ?, ?)
    ON CONFLICT (id) DO UPDATE SET step = excluded.step, at = excluded.at
"""
_REMEMBER: Final = "INSERT INTO cutover_dag (dag_id, source_paused, target_paused) VALUES (?, ?, ?)"
_INTEND: Final = """
    INSERT INTO cutover_switch (dag_id, side, paused, sure, doubt) VALUES (?, ?, ?, 0, ?)
    ON CONFLICT (dag_id, side) DO UPDATE
    SET paused = excluded.paused, sure = 0, doubt = excluded.doubt
"""
_SURE: Final = "UPDATE cutover_switch SET sure = 1, doubt = ? WHERE dag_id = ? AND side = ?"
_DAGS: Final = "SELECT dag_id, source_paused, target_paused, runs FROM cutover_dag ORDER BY dag_id"
_SWITCHES: Final = "SELECT dag_id, side, paused, sure, doubt FROM cutover_switch"


class CutoverMemory:
    """The part of a checkpoint that a cutover uses; every method is one transaction, as there."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    async def read(self) -> Cutover | None:
        """Return what is remembered, None if there was no cutover yet."""
        return await self._database.run(read_cutover)

    async def begin(self, dags: Sequence[CutoverDag]) -> None:
        """Remember how ``dags`` are before anything is switched, in place of what an earlier cutover remembered.

        What is in doubt stays so.
        """
        now = stamp(self._clock())

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM cutover_dag")
            connection.execute("DELETE FROM cutover_switch WHERE doubt IS NULL")
            rows = [(dag.dag_id, dag.source_paused, dag.target_paused) for dag in dags]
            connection.executemany(_REMEMBER, rows)
            connection.execute(_ENTER, (Step.HOLD, now))

        await self._database.run(work)

    async def enter(self, step: Step) -> None:
        """Record that everything before ``step`` is done."""
        now = stamp(self._clock())
        await self._database.run(lambda connection: connection.execute(_ENTER, (step, now)))

    async def intend(self, side: SideName, dag_ids: Iterable[str], *, paused: bool) -> None:
        """Record that DAGs are going to be switched, which is in doubt from now on."""
        rows = [(dag_id, side, paused, stamp(self._clock())) for dag_id in dag_ids]
        await self._database.run(lambda connection: connection.executemany(_INTEND, rows))

    async def confirm(self, side: SideName, doubts: Mapping[str, datetime | None]) -> None:
        """Record that DAGs were read back as intended, and what is still in doubt of each."""
        rows = [(doubt and stamp(doubt), dag_id, side) for dag_id, doubt in doubts.items()]
        await self._database.run(lambda connection: connection.executemany(_SURE, rows))

    async def count(self, runs: Mapping[str, int]) -> None:
        """Remember how many runs the source has, by DAG, when nothing runs there."""
        rows = [(amount, dag_id) for dag_id, amount in runs.items()]
        update = "UPDATE cutover_dag SET runs = ? WHERE dag_id = ?"
        await self._database.run(lambda connection: connection.executemany(update, rows))


def read_cutover(connection: Connection) -> Cutover | None:
    """Return what is remembered of the last cutover, None if there was none."""
    with decoding():
        found = connection.execute("SELECT step, at FROM cutover").fetchone()
        if found is None:
            return None
        step, at = checked(found, str, str)
        return Cutover(Step(step), moment(at), _read_dags(connection), _read_switches(connection))


def _read_dags(connection: Connection) -> dict[str, CutoverDag]:
    rows = (checked(row, str, int, int, int | None) for row in connection.execute(_DAGS))
    return {
        dag_id: CutoverDag(dag_id, bool(at_source), bool(on_target), runs)
        for dag_id, at_source, on_target, runs in rows
    }


def _read_switches(connection: Connection) -> dict[tuple[str, SideName], Switched]:
    rows = (checked(row, str, str, int, int, str | None) for row in connection.execute(_SWITCHES))
    return {
        (dag_id, "source" if side == "source" else "target"): Switched(
            bool(paused), bool(sure), moment(doubt) if doubt else None
        )
        for dag_id, side, paused, sure, doubt in rows
    }
