"""Row by row and column by column: does the target hold the source's finished history, and nothing else?"""

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from .columns import DAG_RUN, DAG_RUN_KEY, TASK_INSTANCE, TASK_INSTANCE_KEY, TRY_KEY

Connection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[Any, ...]
FETCH_ROWS = 2000
MOST = 1000

_TABLES = (
    ("dag_run", DAG_RUN_KEY, DAG_RUN),
    ("task_instance", TASK_INSTANCE_KEY, TASK_INSTANCE),
    ("task_instance_history", TRY_KEY, TASK_INSTANCE),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as it should be.

    Args:
        table: the table it is about.
        key: the values of the row's key.
        verdict: `missing` on the target, `extra` there, or `differs`.
        columns: where it differs: (column, value on the source, value on the target).
    """

    table: str
    key: Row
    verdict: str
    columns: tuple[tuple[str, Any, Any], ...] = ()


def compare(source: Connection, target: Connection, *, most: int = MOST) -> list[Difference]:
    """Return the first `most` differences between the source's finished runs with all their children, and the target.

    The target may hold nothing else: a row of an unfinished run counts as extra. `trigger_id` has to be NULL on the
    target, because the trigger it points to does not move.
    """
    return list(islice(_differences(source, target), most))


def _differences(source: Connection, target: Connection) -> Iterator[Difference]:
    for table, key, columns in _TABLES:
        rest = tuple(name for name in columns if name not in key)
        wanted = _rows(source, table, key, rest, expected=True)
        found = _rows(target, table, key, rest, expected=False)
        yield from _merge(table, (*key, *rest), len(key), wanted, found)


def _rows(conn: Connection, table: str, key: Sequence[str], rest: Sequence[str], *, expected: bool) -> Iterator[Row]:
    names = [*key, *rest]
    values = [_value(name, expected=expected) for name in names]
    order = [_order(name) for name in key]
    query = sql.SQL("SELECT {} FROM {} t {} ORDER BY {}").format(
        sql.SQL(", ").join(values),
        sql.Identifier(table),
        sql.SQL(_FINISHED) if expected else sql.SQL(""),
        sql.SQL(", ").join(order),
    )
    with conn.transaction(), conn.cursor(f"compare_{table}") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(query)
        yield from cursor


_FINISHED = (
    "WHERE EXISTS (SELECT FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
    " AND r.state IN ('success', 'failed'))"
)


def _value(name: str, *, expected: bool) -> sql.Composable:
    if name == "trigger_id" and expected:
        return sql.SQL("NULL::integer")
    return sql.Identifier("t", name)


def _order(name: str) -> sql.Composable:
    # text in byte order is the order in which Python compares strings
    collate = sql.SQL(' COLLATE "C"') if name.endswith("_id") else sql.SQL("")
    return sql.Identifier("t", name) + collate


def _merge(
    table: str, names: Sequence[str], width: int, wanted: Iterator[Row], found: Iterator[Row]
) -> Iterator[Difference]:
    left, right = next(wanted, None), next(found, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[:width] < right[:width]):
            assert left is not None
            yield Difference(table, left[:width], "missing")
            left = next(wanted, None)
        elif left is None or right[:width] < left[:width]:
            yield Difference(table, right[:width], "extra")
            right = next(found, None)
        else:
            unequal = _unequal(names, left, right)
            if unequal:
                yield Difference(table, left[:width], "differs", unequal)
            left, right = next(wanted, None), next(found, None)


def _unequal(names: Sequence[str], left: Row, right: Row) -> tuple[tuple[str, Any, Any], ...]:
    if left == right:
        return ()
    pairs = zip(names, left, right, strict=True)
    return tuple(
        (name, one, other)
        for name, one, other in pairs
        if one != other and not (name == "conf" and _plain(one) == _plain(other))
    )


def _plain(conf: bytes | None) -> str:
    # as JSON text, because to Python 1, 1.0 and True are equal; a missing conf and a stored None mean the same
    value = None if conf is None else pickle.loads(conf)  # noqa: S301 - written by this rig or by its own Airflow
    return json.dumps(value, sort_keys=True, default=str)
