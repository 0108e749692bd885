"""Reading the result of a verification, also while one is going on."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import UUID

import orjson

from transfer.checkpoint.database import connect
from transfer.checkpoint.encoding import decoding, moment
from transfer.errors import StateError
from transfer.findings.failures import translated
from transfer.findings.opening import check_origin
from transfer.findings.schema import DATABASE
from transfer.findings.values import DagFindings, DifferingRun, Identity, Phase
from transfer.model import Difference, Mark

_PAGE = 500


@contextmanager
def read_findings(state_dir: Path) -> Iterator["Findings"]:
    """Open the last verification of ``state_dir``, finished or not; nothing is created.

    What it says is of one moment, however long the block lasts. Raises ``StateError`` when there is none, or it cannot
    be read.
    """
    path = state_dir / DATABASE
    if not path.exists():
        raise StateError(f"there is no verification in {state_dir}", hint="`transfer verify` makes one")
    with translated(path):
        connection = connect(path, "ro")
    with closing(connection):
        with translated(path):
            connection.execute("BEGIN")
            check_origin(connection, path)
        yield Findings(connection, path)


class Findings:
    """One verification: ``id`` is another one for each, the same when it is resumed.

    ``identity`` says what was compared, ``seed`` which sample was drawn, ``ended_at`` is None unless every DAG was
    compared to its end. Every method raises ``StateError`` when the file cannot be read.
    """

    id: UUID
    identity: Identity
    seed: int
    started_at: datetime
    ended_at: datetime | None

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        (row,) = self._fetch(
            "SELECT uuid, source, target, selection, sample, one_way, seed, started_at, ended_at FROM verification"
        )
        with translated(path), decoding():
            self.id = UUID(row[0])
            self.identity = Identity(row[1], row[2], row[3], row[4], one_way=bool(row[5]))
            self.seed = int(row[6])
            self.started_at = moment(row[7])
            self.ended_at = moment(row[8]) if row[8] else None

    @property
    def finished(self) -> bool:
        """Tell whether every DAG was compared to its end."""
        return self.ended_at is not None

    @property
    def sample(self) -> float | None:
        """Return about the share of the runs whose children were compared, None for all of them."""
        return self.identity.sample

    def dags(self) -> list[DagFindings]:
        """Return the result of each DAG, by name."""
        rows = self._fetch(
            "SELECT dag_id, phase, source_runs, target_runs, missing, absent, problem, unfinished, changed,"
            " with_children, id"
            " FROM dag ORDER BY dag_id"
        )
        with translated(self._path), decoding():
            return [self._dag(*row) for row in rows]

    def differences(self, dag_id: str) -> Iterator[Difference]:
        """Yield the differences of a DAG, run by run, the run's own row first."""
        after = ("", "", "")
        while rows := self._fetch(
            "SELECT run_id, kind, key, mark, columns, rows FROM difference WHERE dag = (SELECT id FROM dag WHERE"
            " dag_id = ?) AND (run_id, kind, key) > (?, ?, ?) ORDER BY run_id, kind, key LIMIT ?",
            (dag_id, *after, _PAGE),
        ):
            with translated(self._path), decoding():
                page = [_difference(dag_id, row) for row in rows]
            yield from page
            after = rows[-1][:3]

    def difference_count(self, dag_id: str) -> int:
        """Return how many differences a DAG has; one may stand for several rows of a run."""
        query = "SELECT count(*) FROM difference WHERE dag = (SELECT id FROM dag WHERE dag_id = ?)"
        ((count,),) = self._fetch(query, (dag_id,))
        return int(count)

    def runs(self, dag_id: str) -> Iterator[DifferingRun]:
        """Yield the runs of a DAG that have differences, with their counts."""
        after: str | None = None
        while rows := self._fetch(
            "SELECT DISTINCT run_id FROM difference WHERE dag = (SELECT id FROM dag WHERE dag_id = ?)"
            " AND (? IS NULL OR run_id > ?) ORDER BY run_id LIMIT ?",
            (dag_id, after, after, _PAGE),
        ):
            for (run_id,) in rows:
                yield self._run(dag_id, run_id)
            after = rows[-1][0]

    def _run(self, dag_id: str, run_id: str) -> DifferingRun:
        of_run = "WHERE dag = (SELECT id FROM dag WHERE dag_id = ?) AND run_id = ?"
        counts = self._fetch(
            f"SELECT kind, mark, sum(rows) FROM difference {of_run} GROUP BY kind, mark",  # noqa: S608  our own text
            (dag_id, run_id),
        )
        held = self._fetch(f"SELECT kind, rows FROM held {of_run}", (dag_id, run_id))  # noqa: S608  our own text
        with translated(self._path), decoding():
            return DifferingRun(dag_id, run_id, _by_mark(counts), dict(held))

    def _dag(self, *row: Any) -> DagFindings:
        dag_id, phase, source_runs, target_runs, missing, absent, problem, unfinished, changed, deep, number = row
        totals = self._fetch("SELECT kind, mark, rows FROM total WHERE dag = ?", (number,))
        losses: dict[str, dict[str, int]] = {}
        for kind, name, rows in self._fetch("SELECT kind, name, rows FROM loss WHERE dag = ?", (number,)):
            losses.setdefault(kind, {})[name] = rows
        return DagFindings(
            dag_id,
            Phase(phase),
            source_runs,
            target_runs,
            bool(missing),
            bool(absent),
            problem,
            unfinished,
            changed,
            deep,
            _by_mark(totals),
            losses,
        )

    def _fetch(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with translated(self._path):
            return self._connection.execute(query, values).fetchall()


def _by_mark(counts: list[Any]) -> dict[str, dict[Mark, int]]:
    found: dict[str, dict[Mark, int]] = {}
    for kind, mark, rows in counts:
        found.setdefault(kind, {})[Mark(mark)] = rows
    return found


def _difference(dag_id: str, row: tuple[Any, ...]) -> Difference:
    run_id, kind, key, mark, columns, rows = row
    return Difference(Mark(mark), kind, dag_id, run_id, key, tuple(orjson.loads(columns)), rows)
