"""Look at a few runs of a long DAG to know how large its first windows can be.

Windows that grow from a small first one would lose time; on a far server, every size costs a few round trips. And on an
empty target they would cost more for a long time: PostgreSQL keeps the plan of a foreign key's check for the whole
session, and made for a table of one page it reads all of the table for each row, until an ANALYZE (seen on PostgreSQL
15: with 25 runs in the first window instead of 250, three times the database's CPU, and a fifth fewer rows/s).
"""

from contextlib import closing

from transfer.client.base import Source
from transfer.engine.scan import Slice
from transfer.engine.size import FIRST_SIZE
from transfer.errors import UnavailableError
from transfer.kinds import TASK_INSTANCES

PROBED = 5
"""Runs that are looked at."""

LONG = 8 * FIRST_SIZE
"""Runs of a DAG from which on a look pays."""

LARGEST_FIRST = 10 * FIRST_SIZE
"""Runs of a first window: five runs do not say much of all others."""

SHARE = 0.5
"""Of the bytes that a window may have: others may have more task instances, and there is history, too."""


async def first_size(source: Source, dag_id: str, part: Slice, aim: int, most: int) -> int | None:
    """Return how many runs the first window behind the start of ``part`` may hold, up to ``most``; None if unknown.

    ``aim`` is in bytes. Asks for the task instances of a few runs, unless the DAG is too short for that.
    """
    if part.run_count < LONG or most <= FIRST_SIZE:
        return None
    try:
        page = await source.children(TASK_INSTANCES, dag_id, offset=part.offset, limit=PROBED, attempts=1)
    except UnavailableError:  # it is not needed
        return None
    with closing(page):
        runs = int(SHARE * aim * PROBED / max(page.size, 1))
    return max(FIRST_SIZE, min(runs, LARGEST_FIRST, most))
