"""What one deployment can and cannot do, in one place: whatever depends on a version asks this.

Made of what ``GET info`` says and of what a probe of the target has shown; see ``shapes`` for the columns of rows.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from transfer.errors import UnsupportedError
from transfer.kinds import TASK_INSTANCE_HISTORY
from transfer.model import ServerInfo, SideName
from transfer.shapes import AIRFLOW_3, OLDEST, SHAPES, Shape, Version, shape_of

_LOGS_SINCE: Final[Version] = (2, 8)
_BOUNDED_SINCE: Final[Version] = (2, 11)
_BODY_BYTES: Final = 1_048_576
_SPEAKING_SINCE: Final[Version] = (2, 6)
_CHOOSING_SINCE: Final[Version] = (2, 9)


class Dates(StrEnum):
    """How the database behind a deployment takes dates."""

    AS_SERVED = "as served"
    """With their offset, as every GET serves them: PostgreSQL."""
    WITHOUT_OFFSET = "without an offset"
    """MariaDB and MySQL: with one, error 1292 "Incorrect datetime value"; without it, it is stored as UTC."""
    UNCHECKED = "unchecked"
    """MariaDB and MySQL in a mode that is not strict: any, and what they cannot hold as another value (10.11)."""
    NOT_AT_ALL = "not at all"
    """SQLite: Starship cannot store any date there (Airflow 2.11.2)."""
    NO_INSERTS = "no inserts"
    """MariaDB and MySQL behind an Airflow 3: Starship's inserts are written for PostgreSQL (2.10.1)."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One side. ``dates`` is what a probe has shown, AS_SERVED where none was made."""

    side: SideName
    info: ServerInfo
    shape: Shape
    dates: Dates = Dates.AS_SERVED

    @property
    def is_airflow_3(self) -> bool:
        """Tell whether it is an Airflow 3 (or later)."""
        return self.shape.version >= AIRFLOW_3

    @property
    def name(self) -> str:
        """Return how messages call its version: "Airflow 2.11"."""
        return f"Airflow {text_of(self.shape.version)}"

    @property
    def keeps_tries(self) -> bool:
        """Tell whether it keeps earlier tries; before 2.10 a POST of them answers 200 and stores nothing."""
        return self.shape.keeps(TASK_INSTANCE_HISTORY)

    @property
    def moves_logs(self) -> bool:
        """Tell whether Starship serves and takes task logs and XComs there: Airflow 2.8 to 2.11."""
        return _LOGS_SINCE <= self.shape.version < AIRFLOW_3

    @property
    def log_bytes(self) -> int | None:
        """Return the largest request with a task log that it takes with its usual settings; None for any.

        Before 2.11 a body of no known length is not bounded at all.
        """
        return _BODY_BYTES if self.shape.version >= _BOUNDED_SINCE else None

    @property
    def skips_duplicates(self) -> bool:
        """Tell whether an insert passes over rows whose key is taken: Airflow 3 answers 200 either way."""
        return self.is_airflow_3

    @property
    def needs_parsed_dags(self) -> bool:
        """Tell whether runs of a DAG that it has not parsed break its own pages."""
        return self.is_airflow_3

    @property
    def explains_refusals(self) -> bool:
        """Tell whether it says why it refuses rows; 2.4 and 2.5 answer every error with the same page.

        These also answer so after they have stored task instances. The column executor_config, which their answer
        cannot show, has to be sent all the same: rows without it break their own pages (2.4.3).
        """
        return self.shape.version >= _SPEAKING_SINCE

    @property
    def shows_chosen_fields(self) -> bool:
        """Tell whether its stable REST API can be asked for some fields of a run; before 2.9 that is a 400."""
        return self.shape.version >= _CHOOSING_SINCE

    @property
    def stable_api(self) -> str:
        """Return the path of Airflow's own stable REST API."""
        return "/api/v2" if self.is_airflow_3 else "/api/v1"

    @property
    def caveat(self) -> str:
        """Return what is to be said of a version that was never tried, empty for one that was."""
        if self.shape.exact:
            return ""
        nearest = _nearest(self.shape)
        return f"{self.name} was never tried with this release: its rows are taken for those of Airflow {nearest}"


def _nearest(shape: Shape) -> str:
    return next(text_of(version) for version, known in SHAPES.items() if known.fields is shape.fields)


def capabilities(side: SideName, info: ServerInfo) -> Capabilities:
    """Return what ``side`` can do by its version.

    Raises ``UnsupportedError`` for an Airflow whose rows are not known.
    """
    shape = shape_of(info.airflow)
    if shape is not None:
        return Capabilities(side, info, shape)
    oldest, newest = OLDEST, max(SHAPES)
    raise UnsupportedError(
        side,
        f"Airflow {info.airflow_version} is not supported: rows of {text_of(oldest)} to {text_of(newest)} can be moved",
        hint=f"{side}: update Airflow to {text_of(oldest)} or later, with Starship 2.10.1 or a compatible release",
    )


def text_of(version: Version) -> str:
    """Return a version as users write it: "2.11"."""
    major, minor = version
    return f"{major}.{minor}"
