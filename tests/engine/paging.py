"""A side whose runs are paged as Starship pages them, and which may change before every answer."""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zlib import crc32

from transfer.client.base import ChildPage
from transfer.emulator.rows import EPOCH
from transfer.kinds import Kind, Row
from transfer.model import DagInfo, RunPage, ServerInfo

DAG = "dag"


def run(name: str, start: int | None) -> Row:
    """Return a run that started ``start`` minutes after the epoch, or never."""
    date = None if start is None else str(EPOCH + timedelta(minutes=start))
    return {"run_id": name, "start_date": date, "state": "success", "execution_date": str(EPOCH)}


@dataclass
class Paged:
    """Runs by start_date, newest first; those that tie in another order for each offset and limit.

    ``before`` is called before each answer; it may change ``rows``.
    """

    rows: dict[str, Row]
    nulls_first: bool = True
    before: Callable[["Paged"], None] = lambda _side: None
    requests: list[tuple[int, int]] = field(default_factory=list)

    async def dag_runs(self, dag_id: str, *, offset: int, limit: int) -> RunPage:
        """Return a page of runs."""
        del dag_id
        self.before(self)
        self.requests.append((offset, limit))
        return RunPage(self._page(offset, limit), len(self.rows))

    def _page(self, offset: int, limit: int) -> list[Row]:
        def rank(row: Row) -> tuple[int, str, int]:
            never = 2 if self.nulls_first else 0
            chance = crc32(f"{row['run_id']}:{offset}:{limit}".encode())
            return (never if row["start_date"] is None else 1), row["start_date"] or "", chance

        ordered = sorted(self.rows.values(), key=rank, reverse=True)
        return [row.copy() for row in ordered[offset : offset + limit]]

    async def info(self) -> ServerInfo:
        """Return the versions."""
        return ServerInfo("2.11.2", "2.10.1")

    async def dags(self) -> list[DagInfo]:
        """Return the only DAG."""
        return [DagInfo(DAG, len(self.rows), is_paused=True)]

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> ChildPage:
        """Have none."""
        raise NotImplementedError


def side(starts: Iterable[int | None], *, nulls_first: bool = True) -> Paged:
    """Return runs r0, r1, ... that started at ``starts``."""
    names = {f"r{number}": start for number, start in enumerate(starts)}
    return Paged({name: run(name, start) for name, start in names.items()}, nulls_first=nulls_first)


@dataclass
class Changes:
    """Drawn changes, one before each answer until they are used up: (what, which run).

    ``touched`` are the runs that were changed, removed or added.
    """

    steps: Sequence[tuple[str, int]]
    touched: set[str] = field(default_factory=set)
    at: int = 0

    def __call__(self, paged: Paged) -> None:
        """Make the next change."""
        if self.at >= len(self.steps):
            return
        what, which = self.steps[self.at]
        self.at += 1
        names: list[str] = []
        for name in paged.rows:
            insort(names, name)
        name = names[which % len(names)] if names else ""
        if what == "insert":
            name = f"new{self.at}"
            paged.rows[name] = run(name, 1000 + self.at)
        elif what == "insert old":
            name = f"new{self.at}"
            paged.rows[name] = run(name, which % 40)
        elif what == "delete" and names:
            del paged.rows[name]
        elif what == "clear" and names:
            paged.rows[name] = run(name, None)
        elif what == "restart" and names:
            paged.rows[name] = run(name, 1000 + self.at)
        else:
            return
        self.touched.add(name)
