"""Which records of a batch an INSERT stores: values that are needed, and unique constraints."""

from collections.abc import Callable
from typing import Any

from transfer.emulator.refusal import Refusal
from transfer.emulator.schema import Table
from transfer.emulator.statement import null_violation, taken
from transfer.kinds import Row

Holds = Callable[[tuple[str, ...], Row], bool]
"""Tells whether a row that is stored already has the same values in these columns as a record."""


def storable(table: Table, records: list[Row], sent: list[Row], holds: Holds) -> list[Row] | Refusal:
    """Return the records that are new, or the refusal of the first that lacks a value or is there already.

    A record that violates the constraint which the table ignores is left out without a word; so is the second of two in
    one batch. A null is never equal to another. ``sent`` are the rows that the records were made of.
    """
    seen: list[set[Any]] = [set() for _ in table.unique]
    news: list[Row] = []
    for record, row in zip(records, sent, strict=True):
        refusal = null_violation(table, record, row)
        if refusal:
            return refusal
        number = _violated(table, record, seen, holds)
        if number is None:
            news.append(record)
        elif table.unique[number][0] != table.ignores:
            return taken(table, number, record)
    return news


def _violated(table: Table, record: Row, seen: list[set[Any]], holds: Holds) -> int | None:
    """Return the number of the first constraint that ``record`` violates, None for none; its keys are seen then."""
    keys = [tuple([record[column] for column in columns]) for _, columns in table.unique]
    for number, (_, columns) in enumerate(table.unique):
        if None not in keys[number] and (keys[number] in seen[number] or holds(columns, record)):
            return number
    for number, key in enumerate(keys):
        seen[number].add(key)
    return None
