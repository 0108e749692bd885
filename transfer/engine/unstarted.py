"""Learn where a side puts runs that never started before their places are used.

A place that was made on a guess would stand at the wrong end of the DAG, and everything that is read from there on
would be taken for the whole.
"""

from typing import Final

from transfer.client.base import Source
from transfer.engine.order import Place, StartOrder

MOST_LOOKS: Final = 5
"""Looks at the end of a DAG that grows or shrinks meanwhile."""

TAIL: Final = 25
"""Runs at the end that are looked at; as many may come meanwhile."""


async def is_before(side: Source, dag_id: str, order: StartOrder, offset: int, place: Place) -> bool:
    """Tell whether the run at ``offset`` stands before ``place``; past the end none does."""
    page = await side.dag_runs(dag_id, offset=offset, limit=1)
    if page.rows and page.rows[0]["start_date"] is None:
        await has_unstarted(side, dag_id, order)  # a run alone does not tell at which end it stands
    return bool(page.rows) and order.places(page.rows)[0] < order.current(place)


async def has_unstarted(side: Source, dag_id: str, order: StartOrder) -> bool:
    """Tell whether the DAG has runs that never started, which stand at either end, and teach ``order`` at which.

    A DAG that does not rest is said to have some. Raises what requests raise.
    """
    first = await side.dag_runs(dag_id, offset=0, limit=1)
    count = first.run_count
    for _ in range(MOST_LOOKS):
        offset = max(count - TAIL, 0)
        last = await side.dag_runs(dag_id, offset=offset, limit=2 * TAIL)
        order.places(last.rows)
        unstarted = [row for row in last.rows if row["start_date"] is None]
        if unstarted and offset > 0:  # otherwise the page is the whole DAG, which may have changed since the first one
            order.places([*first.rows, unstarted[-1]])
        if unstarted or any(row["start_date"] is None for row in first.rows):
            return True
        if last.run_count == count:
            return False
        count = last.run_count
    return True
