"""A side that serves a table without HTTP, and may change before every answer."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from transfer.capabilities import Dates
from transfer.emulator import TableHistory
from transfer.errors import ConflictError, NotRemovableError
from transfer.kinds import DAG_RUNS, FINISHED_STATES, Kind, Row
from transfer.model import Batch, DagInfo, RunPage, ServerInfo


async def nothing(_batch: Batch) -> None:
    """Do nothing about a batch."""


async def no_removal(_run_id: str) -> None:
    """Do nothing about a run that is to be removed."""


@dataclass
class TablePage:
    """A child page in memory."""

    kind: Kind
    content: list[Row]
    run_count: int | None
    side: "TableSide"
    size: int = 100
    seconds: float = 0.0
    fresh: bool = False
    closed: bool = False

    async def rows(self, chunk_bytes: int = 262_144) -> AsyncIterator[list[Row]]:
        """Yield the rows in lists of three."""
        del chunk_bytes
        for start in range(0, len(self.content), 3):
            yield self.content[start : start + 3]

    def close(self) -> None:
        """Tell the side."""
        self.side.open_pages -= not self.closed
        self.closed = True


@dataclass
class TableSide:
    """Implements ``Target``; ``before`` is called before each answer."""

    table: TableHistory
    before: Callable[["TableSide"], None] = lambda _side: None
    requests: int = 0
    pages: int = 0
    open_pages: int = 0
    most_open: int = 0
    largest: int = 0
    """The most runs that were asked for at once."""
    version: str = "2.11.2"
    writing: Callable[[Batch], Awaitable[None]] = nothing
    """Called before each batch is stored."""
    removing: Callable[[str], Awaitable[None]] = no_removal
    """Called before each run is removed."""

    def _tick(self) -> None:
        self.requests += 1
        self.before(self)

    async def info(self) -> ServerInfo:
        """Return the versions."""
        self._tick()
        return ServerInfo(self.version, "2.10.1")

    async def dags(self) -> list[DagInfo]:
        """Return the DAGs of the table."""
        self._tick()
        rows = self.table.dags()
        return [DagInfo(row["dag_id"], self.table.run_count(row["dag_id"]), row["is_paused"]) for row in rows]

    async def dag_runs(self, dag_id: str, *, offset: int, limit: int) -> RunPage:
        """Return a page of runs."""
        self._tick()
        self.largest = max(self.largest, limit)
        rows = [row.copy() for row in self.table.page(DAG_RUNS, dag_id, offset, limit)]
        return RunPage(rows, self.table.run_count(dag_id), 100 * len(rows))

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> TablePage:
        """Return a page of children."""
        del attempts
        self._tick()
        self.pages += 1
        self.open_pages += 1
        self.most_open = max(self.most_open, self.open_pages)
        rows = [row.copy() for row in self.table.page(kind, dag_id, offset, limit)]
        return TablePage(kind, rows, self.table.run_count(dag_id), self)

    async def insert(self, batch: Batch) -> None:
        """Store all rows or none."""
        self._tick()
        await self.writing(batch)
        refusal = self.table.insert(batch.kind, json.loads(batch.body)[batch.kind.envelope])
        if refusal is not None:
            raise ConflictError("target", "insert", refusal.error, status=409)

    async def remove_run(self, dag_id: str, run_id: str) -> bool:
        """Remove a run that is over."""
        self._tick()
        await self.removing(run_id)
        run = self.table.run(dag_id, run_id)
        if run is None:
            return False
        if run["state"] not in FINISHED_STATES:
            raise NotRemovableError("target", "remove run", f"{run_id!r} is {run['state']} there")
        self.table.remove_run(dag_id, run_id)
        return True

    async def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a run."""
        self._tick()
        await self.removing(run_id)
        run = self.table.run(dag_id, run_id)
        state: str | None = run["state"] if run else None
        return state

    async def probe_dates(self) -> Dates:
        """Take dates as they are served."""
        return Dates.AS_SERVED

    async def parsed_dags(self) -> frozenset[str] | None:
        """Have parsed every DAG with a row."""
        return frozenset(row["dag_id"] for row in self.table.dags())

    async def probe_write(self, size: int) -> None:
        """Take every write."""
        del size
        self._tick()
