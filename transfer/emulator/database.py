"""The databases that a deployment may keep its history in, as far as they differ for who writes through Starship."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from transfer.emulator.refusal import Refusal, bad_statement


@dataclass(frozen=True, slots=True)
class Database:
    """One of them.

    ``nulls_first`` tells where runs without start date stand in the descending order; ``offsets`` whether a date may
    have one; ``dates`` whether one can be written as text at all. The words of other refusals are PostgreSQL's.
    """

    name: str
    nulls_first: bool
    offsets: bool
    dates: bool = True

    def refuse_date(self, sent: str, moment: datetime) -> Refusal | None:
        """Return what the database says to a date that was sent as text, None when it takes it."""
        if not self.dates:
            said = "(builtins.TypeError) SQLite DateTime type only accepts Python datetime and date objects as input."
            return bad_statement("StatementError", said)
        if moment.tzinfo is not None and not self.offsets:
            said = f"(pymysql.err.OperationalError) (1292, \"Incorrect datetime value: '{sent}' for column\")"
            return bad_statement("OperationalError", said)
        return None


POSTGRESQL: Final = Database("PostgreSQL", nulls_first=True, offsets=True)
MYSQL: Final = Database("MySQL", nulls_first=False, offsets=False)
"""MariaDB 10.11 as measured with Airflow 2.11.2; MySQL 8 was not, nor either with another version."""
SQLITE: Final = Database("SQLite", nulls_first=False, offsets=False, dates=False)
"""As measured with Airflow 2.11.2: no history can be written, dates cannot be sent as anything but text."""
