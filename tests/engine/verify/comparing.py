"""Verifications between two tables in this process, and what they must find."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.engine.reading import TableSide
from transfer.config.settings import Endpoint, Limits, NoAuth, Selection, Settings, SideLimits
from transfer.emulator import TableHistory
from transfer.engine.ending import Ending
from transfer.engine.pace import Pace
from transfer.engine.stop import Stop
from transfer.engine.verify.run import Job, verify
from transfer.findings import DagFindings, FindingsStore, Identity, Opening, read_findings
from transfer.kinds import CHILDREN, DAG_RUNS, FINISHED_STATES, Kind, Row
from transfer.losses import settle_for
from transfer.mapping import mapping_for
from transfer.model import Difference, Mark
from transfer.progress import Progress

Found: TypeAlias = tuple[str, str, str, str, str, tuple[str, ...], int]
"""A difference that sorts: mark, kind, DAG, run, key, columns, rows."""


@dataclass(slots=True)
class Verification:
    """Two tables and a state directory; every ``run`` is one run of the program."""

    folder: Path
    source: TableSide
    target: TableSide
    settings: Settings
    sample: float | None = None
    one_way: bool = False
    seed: int | None = None
    stop: Stop = field(default_factory=Stop)
    progress: Progress = field(default_factory=Progress)
    pace: Pace = field(default_factory=Pace)

    async def run(self, *, restart: bool = False) -> Ending:
        """Compare all DAGs of the source."""
        self.stop, self.progress = Stop(), Progress()
        identity = Identity("a", "b", self.settings.selection.model_dump_json(), self.sample, self.one_way)
        async with FindingsStore.open(self.folder, Opening(identity, self.seed, restart)) as store:
            job = Job(
                self.settings,
                self.source,
                self.target,
                store,
                self.progress,
                self.stop,
                self.sample,
                self.one_way,
                mapping=mapping_for(await self.source.info(), await self.target.info()),
                pace=self.pace,
            )
            dags = [(dag.dag_id, dag.run_count) for dag in await self.source.dags()]
            with self.stop.everything:
                return await verify(job, dags)
            return Ending(stopped=True)

    def found(self) -> list[Found]:
        """Return all differences that were found, sorted."""
        with read_findings(self.folder) as findings:
            return sorted(
                as_found(difference) for dag in findings.dags() for difference in findings.differences(dag.dag_id)
            )

    def results(self) -> dict[str, DagFindings]:
        """Return the result of each DAG."""
        with read_findings(self.folder) as findings:
            return {dag.dag_id: dag for dag in findings.dags()}

    def expected(self) -> list[Found]:
        """Return what must be found."""
        return sorted(as_found(difference) for difference in differences(self.source.table, self.target.table))


def as_found(found: Difference) -> Found:
    """Return a difference that sorts."""
    return found.mark, found.kind, found.dag_id, found.run_id, found.key, found.columns, found.rows


@asynccontextmanager
async def verifying(
    folder: Path, source: TableHistory, target: TableHistory, **options: Any
) -> AsyncIterator[Verification]:
    """Make a verification; ``options`` are fields of it, of ``Limits`` and ``Selection``. It leaves no page open."""
    limits = {name: options.pop(name) for name in list(options) if name in Limits.model_fields}
    selection = {name: options.pop(name) for name in list(options) if name in Selection.model_fields}
    nobody = NoAuth(kind="none")
    settings = Settings(
        source=Endpoint(url="http://source", auth=nobody, limits=SideLimits(concurrency=2)),
        target=Endpoint(url="http://target", auth=nobody),
        selection=Selection(**selection),
        limits=Limits(**limits),
    )
    sides = TableSide(source), TableSide(target)
    yield Verification(folder / "state", *sides, settings, **options)
    assert [side.open_pages for side in sides] == [0, 0]


def differences(source: TableHistory, target: TableHistory) -> Iterator[Difference]:
    """Yield the differences between two tables at rest, found the simple way: everything is in memory."""
    for dag_id in {row["dag_id"] for row in source.dags()}:
        for run in source.runs(dag_id):
            if run["state"] in FINISHED_STATES:
                yield from _of_run(source, target, run)
        for run in target.runs(dag_id):
            if run["state"] in FINISHED_STATES and source.run(dag_id, run["run_id"]) is None:
                yield from _whole(Mark.EXTRA, target, run)


def _of_run(source: TableHistory, target: TableHistory, run: Row) -> Iterator[Difference]:
    theirs = target.run(run["dag_id"], run["run_id"])
    if theirs is None and target.run_count(run["dag_id"]) == 0:
        yield Difference(Mark.MISSING, DAG_RUNS.name, run["dag_id"], run["run_id"])
    elif theirs is None:
        yield from _whole(Mark.MISSING, source, run)
    else:
        yield from _row(DAG_RUNS, run, theirs)
        for kind in CHILDREN:
            yield from _of_children(kind, run, source, target)


def _whole(mark: Mark, table: TableHistory, run: Row) -> Iterator[Difference]:
    yield Difference(mark, DAG_RUNS.name, run["dag_id"], run["run_id"])
    for kind in CHILDREN:
        rows = len(table.children(kind, run["dag_id"], run["run_id"]))
        if rows:
            yield Difference(mark, kind.name, run["dag_id"], run["run_id"], rows=rows)


def _of_children(kind: Kind, run: Row, source: TableHistory, target: TableHistory) -> Iterator[Difference]:
    dag_id, run_id = run["dag_id"], run["run_id"]
    left = {kind.key_of(row): row for row in source.children(kind, dag_id, run_id)}
    right = {kind.key_of(row): row for row in target.children(kind, dag_id, run_id)}
    for key in left.keys() | right.keys():
        if key not in right:
            yield Difference(Mark.MISSING, kind.name, dag_id, run_id, named(kind, key))
        elif key not in left:
            yield Difference(Mark.EXTRA, kind.name, dag_id, run_id, named(kind, key))
        else:
            yield from _row(kind, left[key], right[key])


def _row(kind: Kind, mine: Row, theirs: Row) -> Iterator[Difference]:
    mine = dict(mine)
    settle_for(kind, mine)
    columns = tuple(sorted(name for name in mine if repr(mine[name]) != repr(theirs[name])))
    if columns:
        key = named(kind, kind.key_of(mine))
        yield Difference(Mark.DIFFERS, kind.name, mine["dag_id"], mine["run_id"], key, columns)


def named(kind: Kind, key: tuple[Any, ...]) -> str:
    """Return the text of a key below its run."""
    return ", ".join(f"{name}={value}" for name, value in zip(kind.key[1:], key[1:], strict=True))
