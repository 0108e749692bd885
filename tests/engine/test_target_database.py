"""What follows from the database that a target has: for a check, for a move and for a comparison."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from transfer.capabilities import Dates
from transfer.config.settings import Selection
from transfer.emulator import TableHistory
from transfer.engine.check import Level, check_database
from transfer.engine.plan import Plan, make_comparable, make_plan, make_ready
from transfer.errors import AuthError, SideError, UnavailableError, UnsupportedError

from .reading import TableSide
from .tables import history

DOWN = UnavailableError("target", "probe of dates", "is gone")


@dataclass
class Probed(TableSide):
    """A side whose probe has this result."""

    found: Dates | SideError = Dates.AS_SERVED

    async def probe_dates(self) -> Dates:
        """Give the result, or raise it."""
        if isinstance(self.found, SideError):
            raise self.found
        return self.found


async def planned(target: TableSide) -> Plan:
    """Return a plan for moving a small history."""
    return await make_plan(TableSide(history(2)), target, Selection(allow_missing_dags=True))


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (Dates.AS_SERVED, Level.GOOD, "takes dates as the source serves them"),
        (Dates.WITHOUT_OFFSET, Level.NOTE, "no offset in dates: they are sent in UTC without it"),
        (Dates.WITHOUT_OFFSET, Level.NOTE, "six digits of a duration"),
        (Dates.NOT_AT_ALL, Level.FAILURE, "SQLite"),
        (Dates.UNCHECKED, Level.FAILURE, "not strict (sql_mode)"),
        (Dates.NO_INSERTS, Level.FAILURE, "cannot write into an Airflow 3"),
        (DOWN, Level.WARNING, "could not try how it takes dates"),
    ],
)
async def test_a_check_names_the_database(found: Dates | SideError, level: Level, words: str) -> None:
    """What cannot be moved to it is a failure; what it keeps less of is said."""
    (finding,) = [finding async for finding in check_database(Probed(TableHistory(), found=found))]
    assert finding.level is level
    assert words in finding.text
    assert finding.hint or level is not Level.FAILURE


@pytest.mark.parametrize("found", [Dates.NOT_AT_ALL, Dates.UNCHECKED, Dates.NO_INSERTS])
async def test_nothing_is_moved_into_a_database_that_loses_it(found: Dates) -> None:
    """The move is refused before anything is written."""
    target = Probed(TableHistory(), found=found)
    with pytest.raises(UnsupportedError, match="target: its database is"):
        await make_ready(await planned(target), target)


@pytest.mark.parametrize("make", [make_ready, make_comparable])
async def test_a_mysql_is_remembered(make: Callable[[Plan, TableSide], Awaitable[Plan]]) -> None:
    """Moves and comparisons both know that it keeps fewer digits."""
    target = Probed(TableHistory(), found=Dates.WITHOUT_OFFSET)
    plan = await make(await planned(target), target)
    assert plan.mapping.target.dates is Dates.WITHOUT_OFFSET


@pytest.mark.parametrize("found", [DOWN, AuthError("target", "probe of dates", "who?")])
async def test_a_database_that_does_not_tell_is_compared_exactly(found: SideError) -> None:
    """A comparison needs no right to write; whatever is wrong shows when it reads."""
    target = Probed(TableHistory(), found=found)
    plan = await planned(target)
    assert await make_comparable(plan, target) is plan


@pytest.mark.parametrize(
    ("found", "compared_as"), [(Dates.NOT_AT_ALL, Dates.NOT_AT_ALL), (Dates.UNCHECKED, Dates.WITHOUT_OFFSET)]
)
async def test_any_database_can_be_compared(found: Dates, compared_as: Dates) -> None:
    """Also one to which nothing would be moved."""
    target = Probed(TableHistory(), found=found)
    plan = await make_comparable(await planned(target), target)
    assert plan.mapping.target.dates is compared_as
