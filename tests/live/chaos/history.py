"""The source while it lives: runs come, start, finish, are cleared and deleted; what they were before is kept."""

import json
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from psycopg import sql

from tests.live.columns import DAG_RUN, DAG_RUN_KEY, TASK_INSTANCE, TASK_INSTANCE_KEY, TRY_KEY
from tests.live.later import add_run, finish_runs
from tests.live.seed import register_dags, seed_history
from tests.live.seed_runs import dag_name

Connection = psycopg.Connection[tuple[Any, ...]]
RunKey = tuple[str, str]
Row = tuple[Any, ...]
Version = dict[str, dict[Row, Row]]
"""The rows of one run as they were once: by table and key."""

TABLES = (
    ("dag_run", DAG_RUN_KEY, tuple(name for name in DAG_RUN if name not in DAG_RUN_KEY)),
    ("task_instance", TASK_INSTANCE_KEY, tuple(name for name in TASK_INSTANCE if name not in TASK_INSTANCE_KEY)),
    ("task_instance_history", TRY_KEY, tuple(name for name in TASK_INSTANCE if name not in TRY_KEY)),
)

_CLEAR = """
INSERT INTO task_instance_history ({columns}) SELECT {columns} FROM task_instance
WHERE dag_id = {dag} AND run_id = {run} AND try_number > 0;
UPDATE task_instance SET state = NULL, start_date = NULL, end_date = NULL, duration = NULL, try_number = try_number + 1
WHERE dag_id = {dag} AND run_id = {run};
UPDATE dag_run SET state = 'queued', start_date = NULL, end_date = NULL, queued_at = now(),
clear_number = clear_number + 1
WHERE dag_id = {dag} AND run_id = {run};
"""
_MARK = (
    "UPDATE dag_run SET state = CASE state WHEN 'success' THEN 'failed' ELSE 'success' END, end_date = now()"
    " WHERE dag_id = %s AND run_id = %s"
)
_TRIED = sql.SQL(", ").join(map(sql.Identifier, (*TASK_INSTANCE, "executor_config")))


@dataclass(slots=True)
class LivingHistory:
    """The source's history and everything that happens to it.

    Args:
        source: a connection of its own, used by one thread at a time.
        target: the same; only the list of DAGs is written there.
        random: where chance comes from.
        dags: how many DAGs there are.
        numbers: how many numbered runs each of the first DAGs has.
        due: how many more runs each DAG is to get next.
    """

    source: Connection
    target: Connection
    random: Random
    dags: int
    numbers: int = 0
    due: int = 0
    changed: dict[RunKey, Version] = field(default_factory=dict)
    deleted: dict[RunKey, Version] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def grow(self, runs: int, *, wide: int = 0) -> None:
        """Add `runs` newer runs to every DAG, with their task instances and tries."""
        seeded = seed_history(self.source, dags=self.dags, runs=runs, wide=wide, first=self.numbers)
        register_dags(self.target, seeded.dag_ids)
        self.numbers += runs
        self.done["runs added"] += seeded.runs

    def act(self) -> None:
        """Let one thing happen."""
        if self.due:
            self.grow(self.due)
            self.due = 0
            return
        acts = (self._add, self._start, self._finish, self.clear, self.mark, self.delete, self._add_dag)
        self.random.choices(acts, (4, 4, 3, 3, 1, 2, 0.1))[0]()

    def finish(self) -> None:
        """Let every run of every DAG come to its end."""
        for dag in range(self.dags):
            self.done["runs finished"] += finish_runs(self.source, dag_name(dag))

    def _add(self) -> None:
        self.grow(self.random.randrange(1, 4))

    def _add_dag(self) -> None:
        self.dags += 1
        self.done["DAGs added"] += 1
        self._add()

    def _start(self) -> None:
        self.done["runs started"] += 1
        run_id = f"chaos__{self.done['runs started']}"
        add_run(self.source, self._dag(), run_id, state="running", conf={"chaos": self.done["runs started"]})

    def _finish(self) -> None:
        self.done["runs finished"] += finish_runs(self.source, self._dag())

    def clear(self) -> RunKey | None:
        """Clear a run, as Airflow does: its tries become history; return which."""
        key = self._pick()
        if key is None:
            return None
        with self.source.transaction():
            self.changed[key] = version(self.source, key)
            dag, run = map(sql.Literal, key)
            self.source.execute(sql.SQL(_CLEAR).format(columns=_TRIED, dag=dag, run=run))
        self.done["runs cleared"] += 1
        return key

    def mark(self) -> RunKey | None:
        """Mark a run as failed if it succeeded and the other way round, as people do: it keeps its start date."""
        key = self._pick()
        if key is None:
            return None
        with self.source.transaction():
            self.changed[key] = version(self.source, key)
            self.source.execute(_MARK, key)
        self.done["runs marked"] += 1
        return key

    def delete(self) -> RunKey | None:
        """Delete a run with everything that hangs on it; return which."""
        key = self._pick()
        if key is None:
            return None
        with self.source.transaction():
            self.deleted[key] = version(self.source, key)
            self.source.execute("DELETE FROM dag_run WHERE dag_id = %s AND run_id = %s", key)
        self.done["runs deleted"] += 1
        return key

    def _pick(self) -> RunKey | None:
        """Return a finished run that nothing happened to so far, often a new one."""
        rows = self.source.execute(
            "SELECT dag_id, run_id FROM dag_run WHERE dag_id = %s AND state IN ('success', 'failed')"
            " ORDER BY start_date DESC NULLS FIRST, run_id",
            [self._dag()],
        ).fetchall()
        keys = [(dag_id, run_id) for dag_id, run_id in rows if (dag_id, run_id) not in self.changed]
        return keys[int(self.random.random() ** 2 * len(keys))] if keys else None

    def _dag(self) -> str:
        return dag_name(self.random.randrange(self.dags))


def version(conn: Connection, key: RunKey) -> Version:
    """Return all rows of a run as a target should have them."""
    return {table: dict(_rows(conn, table, (names, rest), key)) for table, names, rest in TABLES}


def _rows(
    conn: Connection, table: str, columns: tuple[tuple[str, ...], tuple[str, ...]], key: RunKey
) -> Iterator[tuple[Row, Row]]:
    names, rest = columns
    query = sql.SQL("SELECT {} FROM {} WHERE dag_id = %s AND run_id = %s").format(
        sql.SQL(", ").join(map(sql.Identifier, (*names, *rest))), sql.Identifier(table)
    )
    for row in conn.execute(query, key):
        values = tuple(_plain(name, value) for name, value in zip(rest, row[len(names) :], strict=True))
        yield row[: len(names)], values


def _plain(name: str, value: Any) -> Any:
    """Return a value as it can be compared: a trigger does not move, and the same conf may be pickled differently."""
    if name == "trigger_id":
        return None
    if name == "conf":
        conf = None if value is None else pickle.loads(value)  # noqa: S301 - written by this rig or by its own Airflow
        return json.dumps(conf, sort_keys=True, default=str)
    return value
