"""What of an answer the engine relies on; whatever else stands in it is carried along unseen.

An id that cannot be stored anywhere, a count that is none or a row of another DAG must not get further than this.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from transfer.kinds import TASK_INSTANCE_HISTORY, Kind, Row

LONGEST_ID: Final = 1_000
"""Characters; Airflow's own limit is 250."""

LARGEST_COUNT: Final = 2**53
DEEPEST: Final = 200
"""Levels of lists and objects; deeper ones cannot be written again by every codec and at every depth of the stack."""

SPARE_RUNS: Final = 10_000
"""Runs that may be served beyond the count, which the server took a moment before."""


def is_id(value: object) -> bool:
    """Tell whether ``value`` can be the id of something: a text that any database could hold."""
    return type(value) is str and len(value) <= LONGEST_ID and (value.isascii() or _is_unicode(value))


def is_count(value: object) -> bool:
    """Tell whether ``value`` can be a number of runs."""
    return type(value) is int and 0 <= value <= LARGEST_COUNT


def is_run(row: Any, dag_id: str) -> bool:
    """Tell whether ``row`` is a run of ``dag_id`` with what runs are ordered and chosen by."""
    match row:
        case {"run_id": run_id, "start_date": str() | None, "execution_date": str(), "state": str() | None}:
            return is_id(run_id) and row.get("dag_id", dag_id) == dag_id and is_shallow(row.get("conf"))
    return False


def child_of(dag_id: str, kind: Kind) -> Callable[[Row], bool]:
    """Return what tells whether a row has the identity of a task instance, or of a try of one, of ``dag_id``."""
    with_try = kind is TASK_INSTANCE_HISTORY

    def is_child(row: Row) -> bool:  # once for every row that is moved, hence no calls for what is usual
        try:
            task_id, state = row["task_id"], row.get("state")
            return (
                type(row["run_id"]) is str
                and type(task_id) is str
                and len(task_id) <= LONGEST_ID
                and (task_id.isascii() or _is_unicode(task_id))
                and type(row["map_index"]) is int
                and (state is None or type(state) is str)
                and row.get("dag_id", dag_id) == dag_id
                and (not with_try or type(row["try_number"]) is int)
            )
        except KeyError:
            return False

    return is_child


def is_slice(rows: Sequence[object], count: int, offset: int, limit: int) -> bool:
    """Tell whether a page of runs keeps to what was asked for and counted: a page without end is no page."""
    return len(rows) <= limit and (not rows or offset + len(rows) <= count + SPARE_RUNS)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_shallow(value: object) -> bool:
    """Tell whether ``value`` is nested no deeper than ``DEEPEST``; goes level by level, without recursion."""
    level = [value]
    for _ in range(DEEPEST):
        nested = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in nested for item in items]
        if not level:
            return True
    return False
