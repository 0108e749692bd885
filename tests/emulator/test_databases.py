"""What other databases than PostgreSQL say to dates, and where they put runs that never started."""

from typing import Any

import pytest

from transfer.emulator import MYSQL, SQLITE, Database, TableHistory
from transfer.emulator.rows import run_row
from transfer.kinds import DAG_RUNS, Row


def _without_offsets(row: Row) -> Row:
    """Return ``row`` with its dates as a client for MySQL writes them."""
    return {
        name: value.removesuffix("+00:00") if isinstance(value, str) and not name.endswith("_id") else value
        for name, value in row.items()
    }


def test_mysql_wants_dates_without_offset() -> None:
    """A date with an offset is refused as an SQL error that shows it; nothing is stored."""
    table = TableHistory(database=MYSQL)
    refusal = table.insert(DAG_RUNS, [run_row("d", 1)])
    assert refusal is not None
    assert (refusal.status, refusal.exception) == (400, "OperationalError")
    assert "(1292, \"Incorrect datetime value: '2025-01-03 00:00:00.250000+00:00'" in refusal.text
    assert table.rows(DAG_RUNS) == []


def test_mysql_shows_dates_with_offset() -> None:
    """A date that was sent without one reads back with one: a whole row is then what it was in PostgreSQL."""
    table = TableHistory(database=MYSQL)
    assert table.insert(DAG_RUNS, [_without_offsets(run_row("d", 1))]) is None
    assert table.rows(DAG_RUNS) == [run_row("d", 1)]


@pytest.mark.parametrize("changes", [{}, {"start_date": "2025-01-01"}, {"start_date": "2025-01-01T00:00:00"}])
def test_sqlite_takes_no_date_at_all(changes: dict[str, Any]) -> None:
    """However a date is written, it is text, and that is refused."""
    refusal = TableHistory(database=SQLITE).insert(DAG_RUNS, [_without_offsets(run_row("d", 1)) | changes])
    assert refusal is not None
    assert (refusal.status, refusal.exception) == (400, "StatementError")
    assert "SQLite DateTime type only accepts Python datetime" in refusal.text


def test_sqlite_wants_a_date_where_there_is_none() -> None:
    """Without any date the logical one is missing."""
    row = {name: value for name, value in run_row("d", 1).items() if "date" not in name and "_at" not in name}
    row = {name: value for name, value in row.items() if "interval" not in name and name != "last_scheduling_decision"}
    refusal = TableHistory(database=SQLITE).insert(DAG_RUNS, [row])
    assert refusal is not None
    assert refusal.status == 409
    assert 'null value in column "execution_date"' in refusal.text


@pytest.mark.parametrize("database", [MYSQL, SQLITE], ids=lambda database: database.name)
def test_runs_without_start_date_come_last(database: Database) -> None:
    """Null stands behind every date in the descending order."""
    table = TableHistory(database=database)
    table.add(DAG_RUNS, run_row("d", 1), run_row("d", 2, start_date=None), run_row("d", 3))
    found = [row["run_id"] for row in table.page(DAG_RUNS, "d", 0, 10)]
    assert found == [run_row("d", number)["run_id"] for number in (3, 1, 2)]
