"""What happens in every history: who is triggered with what, what is backfilled and cleared, and when it is over."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.live.versions import Version

from .crew import Crew

Connection = psycopg.Connection[tuple[Any, ...]]
CONF = {"größe": "☃ 100 %", "list": [1, 2.5, None, True, {"deep": "ja"}], "empty": {}}
DAGS = 7
FINISHED = {
    "history_scheduled": 3,
    "history_failed": 3,
    "history_größe": 2,
    "history_producer": 1,
    "history_consumer": 1,
    "history_backfilled": 2,
}
"""How many runs of each DAG come to an end."""

ENOUGH_SECONDS = 420.0
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Story:
    """The acts of one history on a deployment with a working crew.

    Args:
        version: the Airflow it happens on.
        airflow: runs one command of its CLI to the end.
        conn: its database.
        crew: what does the work; the story ends with an error when one of them dies.
    """

    version: Version
    airflow: Callable[..., None]
    conn: Connection
    crew: Crew

    def play(self) -> None:
        """Let everything happen.

        Raises:
            TimeoutError: it was not over in time; says what was still to come.
            ChildProcessError: a process of the crew ended.
            ImportError: this Airflow does not take the DAG file.
        """
        self._wait("parsed DAGs", lambda: self._count("SELECT count(*) FROM serialized_dag") == DAGS)
        self._trigger("history_größe", "manual__plain")
        self._trigger("history_größe", "manual__with_conf", "--conf", json.dumps(CONF))
        self._trigger("history_producer", "manual__producer")
        self._trigger("history_unfinished", "manual__deferred")
        self._backfill("2024-01-01", "2024-01-02")
        self._wait("all runs to finish", self._finished)
        self.airflow("tasks", "clear", "-y", "-t", "flaky", "-s", "2024-01-01", "-e", "2024-01-01", "history_scheduled")
        self.airflow("tasks", "clear", "-y", "-s", "2024-01-02", "-e", "2024-01-02", "history_failed")
        self._wait("the cleared runs to finish", self._finished)
        self._wait("a deferred task", self._deferred)
        self.conn.execute("UPDATE dag SET is_paused = true WHERE dag_id = 'history_unfinished'")
        self._trigger("history_unfinished", "manual__queued")

    def _trigger(self, dag_id: str, run_id: str, *more: str) -> None:
        self.airflow("dags", "trigger", "--run-id", run_id, *more, dag_id)

    def _backfill(self, first: str, last: str) -> None:
        dag_id = "history_backfilled"
        if self.version.new:
            self.airflow("backfill", "create", "--dag-id", dag_id, "--from-date", first, "--to-date", last)
        else:
            self.airflow("dags", "backfill", "-s", first, "-e", last, dag_id)

    def _finished(self) -> bool:
        found = self.conn.execute(
            "SELECT dag_id, count(*) FROM dag_run WHERE state IN ('success', 'failed') GROUP BY dag_id"
        ).fetchall()
        return dict(found) == FINISHED

    def _deferred(self) -> bool:
        return self._count("SELECT count(*) FROM task_instance WHERE state = 'deferred'") == 1

    def _count(self, query: str) -> int:
        (count,) = self.conn.execute(query).fetchone() or (0,)
        return int(count)

    def _wait(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + ENOUGH_SECONDS
        while not holds():
            broken = self.conn.execute("SELECT stacktrace FROM import_error").fetchall()
            if broken:
                raise ImportError(f"Airflow cannot import the DAGs: {broken[0][0]}")
            if self.crew.dead():
                raise ChildProcessError(f"while waiting for {what}, ended with their exit codes: {self.crew.dead()}")
            if time.monotonic() > end:
                raise TimeoutError(f"waited {ENOUGH_SECONDS:.0f} s for {what}")
            time.sleep(POLL_SECONDS)  # other processes' progress has no event to wait for
