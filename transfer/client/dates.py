"""Find out how the database behind a target takes dates, with a row that no database can store.

The row has a date as every GET serves it, and null where null is never allowed: in the run's id and type. PostgreSQL
says no to the nulls, MariaDB to the date (error 1292), SQLite's driver to any date at all (2.11.2).

MariaDB says no to the nulls (error 1048) if it is not strict: it takes any date then, and stores zeros for one that it
cannot read. MySQL 8 may take an offset and be strict. A second row, with a date that there is not, tells them apart.
"""

import json
from typing import Final

from transfer.capabilities import Capabilities, Dates
from transfer.client.base import Request
from transfer.errors import InvalidRowError, RefusedError, SideError
from transfer.kinds import DAG_RUNS

AS_SERVED: Final = "2000-01-01 00:00:00+00:00"
IMPOSSIBLE: Final = "2000-13-45 00:00:00"

_SQLITE: Final = "SQLite DateTime type only accepts"
_BAD_DATE: Final = ("(1292,", "Incorrect datetime value")
_NO_INSERTS: Final = "OnConflictDoNothing"
"""What SQLAlchemy cannot write for MySQL of the insert into an Airflow 3; nothing has reached the database then."""

_NULL: Final = ("(1048,", "1048 (23000)")
"""As pymysql and mysqlclient write it, and as mysql-connector does."""


def probe_request(target: Capabilities, date: str = AS_SERVED) -> Request:
    """Return the POST; carrying it out again and again stores nothing.

    One row only: of several MySQL stores those with nulls if it is not strict, with an empty text in their place.
    """
    name = "logical_date" if target.is_airflow_3 else "execution_date"
    row = {"dag_id": "transfer_probe", "run_id": None, "run_type": None, name: date}
    body = json.dumps({DAG_RUNS.envelope: [row]}).encode()
    return Request("POST", "", "probe of dates", body=body, attempts=2)


def dates_of(error: SideError) -> Dates:
    """Return what the refusal of the probe says; UNCHECKED if it takes the second one to know.

    Raises the error if it is no refusal at all.
    """
    if _NO_INSERTS in error.detail:
        return Dates.NO_INSERTS
    if not isinstance(error, RefusedError):
        raise error
    if any(mark in error.detail for mark in _NULL):
        return Dates.UNCHECKED
    if not isinstance(error, InvalidRowError):
        return Dates.AS_SERVED
    if _SQLITE in error.detail:
        return Dates.NOT_AT_ALL
    return Dates.WITHOUT_OFFSET if any(mark in error.detail for mark in _BAD_DATE) else Dates.AS_SERVED
