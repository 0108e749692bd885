"""One multi-row INSERT as SQLAlchemy and the database carry it out: which columns, which values, which refusals.

The first row's keys are the statement's columns. A later row that lacks one of them breaks the statement; a later
row's surplus keys are silently dropped, unknown ones included. On Airflow 3 unknown keys are dropped of the first row
as well.
"""

from typing import Final

from transfer.emulator.database import POSTGRESQL, Database
from transfer.emulator.refusal import Refusal, crash, duplicate, missing_value
from transfer.emulator.schema import Column, Table
from transfer.emulator.values import converter, pickled, printed
from transfer.kinds import Row

_SHOWN: Final = 64


def columns_of(table: Table, rows: list[Row]) -> tuple[Column, ...] | Refusal:
    """Return the columns of the INSERT in the table's order, or why it cannot be compiled."""
    if not all(isinstance(row, dict) for row in rows):
        return crash("TypeError", "argument of type 'int' is not iterable")
    first = rows[0].keys() - table.strips
    columns = tuple(column for column in table.columns if column.name in first)
    known = {column.name for column in columns}
    unknown = first - known
    if unknown and not table.lenient:
        return crash("sqlalchemy.exc.CompileError", f"Unconsumed column names: {', '.join(sorted(unknown))}")
    for row in rows:
        if not known <= row.keys():
            return _lacking(table, next(column.name for column in columns if column.name not in row))
    return columns


def _lacking(table: Table, name: str) -> Refusal:
    said = (
        f"INSERT value for column {table.name}.{name} is explicitly rendered as a boundparameter in the VALUES clause; "  # noqa: S608 - an error message
        "a Python-side value or SQL expression is required"
    )
    return crash("sqlalchemy.exc.CompileError", said)


def records(table: Table, rows: list[Row], database: Database = POSTGRESQL) -> list[Row] | Refusal:
    """Return the rows with the values that the database will hold, served and hidden columns alike."""
    columns = columns_of(table, rows)
    if isinstance(columns, Refusal):
        return columns
    defaults = {column.name: column.default for column in table.columns}
    into = [(column.name, converter(column, database)) for column in columns]
    result: list[Row] = []
    for row in rows:
        record = defaults.copy()
        for name, convert in into:
            value = record[name] = None if row[name] is None else convert(row[name])
            if type(value) is Refusal:
                return value
        result.append(record)
    return result


def null_violation(table: Table, record: Row, sent: Row) -> Refusal | None:
    """Return the refusal of a record that lacks a value it needs; ``sent`` is the row that it was made of."""
    for column in table.columns:
        if column.required and record[column.name] is None:
            return missing_value(table.name, column.name, [_shown(column, record, sent) for column in table.columns])
    return None


def _shown(column: Column, record: Row, sent: Row) -> str:
    """Return what a "Failing row contains" shows of one column, cut to 64 characters as PostgreSQL does."""
    if column.name == "id" and column.type == "int":
        return "1"
    if column.type == "blob":
        text = pickled({} if column.name == "executor_config" else sent["conf"]) if column.name in sent else "null"
    else:
        text = printed(column, record[column.name])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def taken(table: Table, number: int, record: Row) -> Refusal:
    """Return the refusal of a record that violates the table's unique constraint ``number``."""
    constraint, names = table.unique[number]
    columns = {column.name: column for column in table.columns}
    return duplicate(constraint, names, [printed(columns[name], record[name]) for name in names])


def served(table: Table, record: Row) -> Row:
    """Return the record as a GET shows it."""
    row = {name: record[name] for name in table.served}
    if table.name == "task_instance" and not row.get("task_display_name", True):
        row["task_display_name"] = row["task_id"]  # the model falls back to the task id, the history's does not
    if table.name == "task_instance" and "dag_version_id" in row and row["rendered_map_index"] is None:
        row["rendered_map_index"] = str(row["map_index"]) if row["map_index"] >= 0 else None  # Airflow 3 alone
    return row
