"""A history in MariaDB and one in PostgreSQL: copied from one to the other, and compared row by row.

`expect` says what the target has to hold; what MariaDB itself cannot keep of it is said here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isclose
from typing import Any

import psycopg

from .columns import DAG_RUN, TASK_INSTANCE
from .compare import Difference
from .conf import pickled
from .expect import Rule, rules_of
from .mariadb import MariaDB
from .tables import KEYS, columns_of

Connection = psycopg.Connection[tuple[Any, ...]]
Key = tuple[Any, ...]
Values = dict[str, Any]

BLOB_BYTES = 65_535
"""What a conf may have there."""

_FINISHED = (
    " WHERE EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
    " AND r.state IN ('success', 'failed'))"
)
_FITTING = (
    " WHERE NOT EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
    " AND length(r.conf) > %s)"
)


def copy_into(source: Connection, database: MariaDB) -> None:
    """Copy all runs, finished or not, with what hangs on them; not those with a conf that is too large."""
    database.insert("trigger", [{"id": 1, "classpath": "", "kwargs": "{}", "created_date": datetime(2024, 1, 1)}])  # noqa: DTZ001  UTC
    for table, columns in zip(KEYS, (DAG_RUN, TASK_INSTANCE, TASK_INSTANCE), strict=True):
        names = ", ".join(f't."{name}"' for name in columns)
        query = f"SELECT {names} FROM {table} t{_FITTING}"  # noqa: S608  constants
        rows = source.execute(query, [BLOB_BYTES]).fetchall()
        database.insert(table, [dict(zip(columns, map(_naive, row), strict=True)) for row in rows])


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


def differences(source: Connection | MariaDB, target: Connection | MariaDB) -> list[Difference]:
    """Return all differences between the source's finished runs with all their children, and the target."""
    found: list[Difference] = []
    for table in KEYS:
        here, there = _columns(source, table), _columns(target, table)
        rules = rules_of(table, here, there) if here else []
        wanted = _read(source, table, [(rule, rule.wanted) for rule in rules], _FINISHED) if here else {}
        held = _read(target, table, [(rule, rule.found) for rule in rules], "")
        found += [Difference(table, key_, "missing") for key_ in wanted.keys() - held.keys()]
        found += [Difference(table, key_, "extra") for key_ in held.keys() - wanted.keys()]
        for key_ in wanted.keys() & held.keys():
            unequal = _unequal(wanted[key_], held[key_], short=isinstance(target, MariaDB))
            if unequal:
                found.append(Difference(table, key_, "differs", unequal))
    return found


def _columns(database: Connection | MariaDB, table: str) -> tuple[str, ...]:
    return database.columns(table) if isinstance(database, MariaDB) else columns_of(database, table)


def _read(
    database: Connection | MariaDB, table: str, expressions: list[tuple[Rule, str]], where: str
) -> Mapping[Key, Values]:
    key = KEYS[table]
    chosen = [*(f't."{name}"' for name in key), *(expression for _, expression in expressions)]
    query = f"SELECT {', '.join(chosen)} FROM {table} t{where}"  # noqa: S608  constants of `expect`
    rows = _rows(database, query)
    names = [rule.name for rule, _ in expressions]
    return {row[: len(key)]: dict(zip(names, map(_aware, row[len(key) :]), strict=True)) for row in rows}


def _rows(database: Connection | MariaDB, query: str) -> list[tuple[Any, ...]]:
    if isinstance(database, MariaDB):
        return database.rows(query)
    return database.execute(query).fetchall()


def _aware(value: Any) -> Any:
    """Return a time in UTC: MariaDB keeps times without an offset, all of them in UTC."""
    if not isinstance(value, datetime):
        return value
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _unequal(wanted: Values, held: Values, *, short: bool) -> tuple[tuple[str, Any, Any], ...]:
    return tuple(
        (name, wanted[name], held[name]) for name in wanted if not _same(name, wanted[name], held[name], short=short)
    )


def _same(name: str, wanted: Any, held: Any, *, short: bool) -> bool:
    """Tell whether a value is the same; `short` grants what MariaDB cannot keep: digits of a FLOAT, a fraction."""
    if name == "conf":
        return pickled(wanted) == pickled(held)
    if short and None not in (wanted, held):
        if name == "duration":
            return isclose(wanted, held, rel_tol=1e-5)
        if name == "trigger_timeout":
            wanted = wanted.replace(microsecond=0)
    return bool(wanted == held)
