"""Row by row and column by column: does the target hold the source's finished history, and nothing else?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from .conf import as_jsonb, pickled
from .expect import Rule, rules_of
from .tables import KEYS, columns_of, is_airflow_3

Connection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[Any, ...]
FETCH_ROWS = 2000
MOST = 1000

_FINISHED = (
    "WHERE EXISTS (SELECT FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = t.run_id"
    " AND r.state IN ('success', 'failed'))"
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as it should be.

    Args:
        table: the table it is about.
        key: the values of the row's key.
        verdict: `missing` on the target, `extra` there, or `differs`.
        columns: where it differs: (column, value that the source's row asks for, value on the target).
    """

    table: str
    key: Row
    verdict: str
    columns: tuple[tuple[str, Any, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the target: its rules, and whether the source has it."""

    name: str
    rules: list[Rule]
    is_served: bool

    @property
    def key(self) -> tuple[str, ...]:
        return KEYS[self.name]


def compare(source: Connection, target: Connection, *, most: int = MOST) -> list[Difference]:
    """Return the first `most` differences between the source's finished runs with all their children, and the target.

    `expect` says what the target has to hold, for whatever versions the two are of. It may hold nothing else: a row of
    an unfinished run counts as extra.
    """
    return list(islice(_differences(source, target), most))


def _differences(source: Connection, target: Connection) -> Iterator[Difference]:
    plain = as_jsonb if is_airflow_3(target) else pickled
    for table in _tables(source, target):
        wanted = _rows(source, table, [rule.wanted for rule in table.rules], _FINISHED) if table.is_served else iter(())
        found = _rows(target, table, [rule.found for rule in table.rules], "")
        yield from _merge(table, wanted, found, plain)


def _tables(source: Connection, target: Connection) -> Iterator[_Table]:
    """Yield the history tables of the target; before 2.10 it has none for tries, and the source's are lost."""
    for name, key in KEYS.items():
        there, here = columns_of(source, name), columns_of(target, name)
        if here:
            chosen = rules_of(name, there, here) if there else []
            rest = sorted((rule for rule in chosen if rule.name not in key), key=lambda rule: rule.name)
            yield _Table(name, rest, is_served=bool(there))


def _rows(conn: Connection, table: _Table, rest: Sequence[str], where: str) -> Iterator[Row]:
    columns = [sql.Identifier("t", name) for name in table.key]
    query = sql.SQL("SELECT {} FROM {} t {} ORDER BY {}").format(
        # the expressions are constants of `expect`
        sql.SQL(", ").join([*columns, *(sql.SQL(expression) for expression in rest)]),
        sql.Identifier(table.name),
        sql.SQL(where),
        sql.SQL(", ").join(map(_order, table.key)),
    )
    with conn.transaction(), conn.cursor(f"compare_{table.name}") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(query)
        yield from cursor


def _order(name: str) -> sql.Composable:
    # text in byte order is the order in which Python compares strings
    collate = sql.SQL(' COLLATE "C"') if name.endswith("_id") else sql.SQL("")
    return sql.Identifier("t", name) + collate


def _merge(
    table: _Table, wanted: Iterator[Row], found: Iterator[Row], plain: Callable[[Any], Any]
) -> Iterator[Difference]:
    width = len(table.key)
    left, right = next(wanted, None), next(found, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[:width] < right[:width]):
            assert left is not None
            yield Difference(table.name, left[:width], "missing")
            left = next(wanted, None)
        elif left is None or right[:width] < left[:width]:
            yield Difference(table.name, right[:width], "extra")
            right = next(found, None)
        else:
            unequal = _unequal(table.rules, left[width:], right[width:], plain)
            if unequal:
                yield Difference(table.name, left[:width], "differs", unequal)
            left, right = next(wanted, None), next(found, None)


def _unequal(
    rules: Sequence[Rule], left: Row, right: Row, plain: Callable[[Any], Any]
) -> tuple[tuple[str, Any, Any], ...]:
    if left == right:
        return ()
    pairs = zip(rules, left, right, strict=True)
    return tuple(
        (rule.name, one, other)
        for rule, one, other in pairs
        if one != other and not (rule.name == "conf" and plain(one) == plain(other))
    )
