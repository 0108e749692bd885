"""The second opinion: what Airflow 3's own upgrade makes of the same Airflow 2 database.

`upgraded` gives a database that Airflow 3's `airflow db migrate` has upgraded in place. `against_oracle` compares every
column of every row of finished runs in it with what was moved: equal, or what `RULES` says of that column.
"""

import pickle
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from tests.live.environment3 import airflow3_environment
from tests.live.histories.load import load_history
from tests.live.processes import run
from tests.live.rig import Rig
from tests.live.template import TEMPLATE

from .rules import RULES

Connection = psycopg.Connection[tuple[Any, ...]]
Key = tuple[Any, ...]
Record = dict[str, Any]
KEYS = {
    "dag_run": ("dag_id", "run_id"),
    "task_instance": ("dag_id", "run_id", "task_id", "map_index"),
    "task_instance_history": ("dag_id", "run_id", "task_id", "map_index", "try_number"),
}


@dataclass(slots=True)
class Verdict:
    """What the comparison found.

    Args:
        wrong: everything that is neither equal nor as a rule says, in words.
        used: how often a rule was needed because values differ, by (table, column).
        rows: how many rows of each table are on both sides.
    """

    wrong: list[str] = field(default_factory=list)
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)


@contextmanager
def upgraded(rig: Rig) -> Iterator[Connection]:
    """Give a database with the source version's history, upgraded in place by the target's Airflow."""
    home = rig.folder / "oracle"
    rig.postgres.create("oracle", TEMPLATE)
    dsn = rig.postgres.dsn("oracle")
    with psycopg.connect(dsn, autocommit=True) as conn:
        load_history(conn, str(rig.source.version))
    target = rig.target.install
    environment = airflow3_environment(home, dsn, rig.target.users)
    run([str(target.python), "-m", "airflow", "db", "migrate"], home / "migrate.log", environment)
    with psycopg.connect(dsn, autocommit=True) as conn:
        yield conn


def against_oracle(oracle: Connection, target: Connection) -> Verdict:
    """Compare the oracle's finished runs, and all that belongs to them, with everything on the target."""
    verdict = Verdict()
    for table in KEYS:
        wanted = dict(_rows(oracle, table, _FINISHED))
        found = dict(_rows(target, table, ""))
        verdict.wrong += [f"{table} {key}: missing on the target" for key in wanted.keys() - found.keys()]
        verdict.wrong += [f"{table} {key}: only on the target" for key in found.keys() - wanted.keys()]
        both = wanted.keys() & found.keys()
        verdict.rows[table] = len(both)
        for key in both:
            _compare(table, wanted[key], found[key], verdict)
    return verdict


_FINISHED = (
    "WHERE EXISTS (SELECT FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
    " AND r.state IN ('success', 'failed'))"
)


def _rows(conn: Connection, table: str, where: str) -> Iterator[tuple[Key, Record]]:
    query = sql.SQL("SELECT * FROM {} t {}").format(sql.Identifier(table), sql.SQL(where))
    with conn.cursor() as cursor:
        cursor.execute(query)
        names = [column.name for column in cursor.description or ()]
        for row in cursor:
            record = dict(zip(names, row, strict=True))
            yield tuple(record[name] for name in KEYS[table]), record


def _compare(table: str, upgraded: Record, moved: Record, verdict: Verdict) -> None:
    for column in sorted(upgraded.keys() | moved.keys()):
        if column not in upgraded or column not in moved:
            verdict.wrong.append(f"{table}: only one side has a column {column}")
            continue
        one, other = _plain(column, upgraded[column]), _plain(column, moved[column])
        rule, equal = RULES[table].get(column), repr(one) == repr(other)
        if not (rule.holds(one, other, moved) if rule else equal):
            key = tuple(moved[name] for name in KEYS[table])
            verdict.wrong.append(f"{table} {key}: {column} is {other!r}, after an upgrade it is {one!r}")
        elif not equal:
            verdict.used[table, column] += 1


def _plain(column: str, value: Any) -> Any:
    # two picklers write different bytes for the same value
    if column == "executor_config" and value is not None:
        return pickle.loads(value)  # noqa: S301 - written by this rig's own Airflow
    return value
