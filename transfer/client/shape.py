"""What of an answer the engine relies on; whatever else stands in it is carried along unseen.

An id that cannot be stored anywhere, a count that is none or a row of another DAG must not get further than this.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from types import NoneType
from typing import Any, Final

from transfer.kinds import TASK_INSTANCE_HISTORY, Kind, Row, logical_date_of

LONGEST_ID: Final = 1_000
"""Characters; Airflow's own limit is 250."""

LARGEST_COUNT: Final = 2**53
DEEPEST: Final = 200
"""Levels of lists and objects; deeper ones cannot be written again by every codec and at every depth of the stack."""

SPARE_RUNS: Final = 10_000
"""Runs that may be served beyond the count, which the server took a moment before."""

_RUN_ID, _TASK_ID, _DAG_ID, _STATE = map(itemgetter, ("run_id", "task_id", "dag_id", "state"))
_START, _CONF, _EXECUTION, _LOGICAL = map(itemgetter, ("start_date", "conf", "execution_date", "logical_date"))
_TEXT_OR_NULL: Final = frozenset({str, NoneType})


def is_id(value: object) -> bool:
    """Tell whether ``value`` can be the id of something: a text that any database could hold."""
    return type(value) is str and len(value) <= LONGEST_ID and (value.isascii() or _is_unicode(value))


def is_count(value: object) -> bool:
    """Tell whether ``value`` can be a number of runs."""
    return type(value) is int and 0 <= value <= LARGEST_COUNT


def are_runs(rows: Sequence[Any], dag_id: str) -> bool:
    """Tell whether all ``rows`` are runs of ``dag_id``; one by one only where something is not as usual."""
    return _are_usual_runs(rows, dag_id) or all(is_run(row, dag_id) for row in rows)


def _are_usual_runs(rows: Sequence[Any], dag_id: str) -> bool:
    """Tell whether ``rows`` pass at a look; False may also mean that one of them is merely unusual."""
    try:
        ids = list(map(_RUN_ID, rows))
        return (
            set(map(type, ids)) == {str}  # TypeError for what is no object
            and max(map(len, ids)) <= LONGEST_ID
            and "".join(ids).isascii()
            and list(map(_DAG_ID, rows)).count(dag_id) == len(rows)
            and set(map(type, map(_EXECUTION if "execution_date" in rows[0] else _LOGICAL, rows))) == {str}
            and all(_TEXT_OR_NULL.issuperset(map(type, map(column, rows))) for column in (_START, _STATE))
            and all(map(is_shallow, filter(None, map(_CONF, rows))))
        )
    except (KeyError, TypeError):  # a column that lacks, a list where a text should be
        return False


def is_run(row: Any, dag_id: str) -> bool:
    """Tell whether ``row`` is a run of ``dag_id`` with what runs are ordered and chosen by."""
    if type(row) is not dict:
        return False
    try:
        start, state, conf = row["start_date"], row["state"], row.get("conf")
        return (
            is_id(row["run_id"])
            and (start is None or type(start) is str)
            and type(logical_date_of(row)) is str
            and (state is None or type(state) is str)
            and row.get("dag_id", dag_id) == dag_id
            and (not conf or is_shallow(conf))
        )
    except KeyError:
        return False


def children_of(dag_id: str, kind: Kind) -> Callable[[Sequence[Any]], bool]:
    """Return what tells whether all objects of a list have the identity of task instances, or of tries, of ``dag_id``.

    Every row that is moved passes here: the columns are looked at as a whole, and the rows one by one only where
    something is not as usual.
    """
    is_child = _child_of(dag_id, kind)
    numbers = [itemgetter(name) for name in ("map_index", "try_number")[: 2 if kind is TASK_INSTANCE_HISTORY else 1]]

    def are_children(rows: Sequence[Any]) -> bool:
        return _are_usual(rows, dag_id, numbers) or all(map(is_child, rows))

    return are_children


def _are_usual(rows: Sequence[Any], dag_id: str, numbers: Iterable[Callable[[Row], object]]) -> bool:
    """Tell whether ``rows`` pass at a look; False may also mean that one of them is merely unusual."""
    try:
        return (
            set(map(type, map(_RUN_ID, rows))) == {str}  # TypeError for what is no object
            and all(map(is_id, set(map(_TASK_ID, rows))))
            and list(map(_DAG_ID, rows)).count(dag_id) == len(rows)
            and _TEXT_OR_NULL.issuperset(map(type, map(_STATE, rows)))
            and all(set(map(type, map(number, rows))) == {int} for number in numbers)
        )
    except (KeyError, TypeError):  # a column that lacks, a list where a text should be
        return False


def _child_of(dag_id: str, kind: Kind) -> Callable[[Any], bool]:
    with_try = kind is TASK_INSTANCE_HISTORY

    def is_child(row: Any) -> bool:
        if type(row) is not dict:
            return False
        try:
            task_id, state = row["task_id"], row.get("state")
            return (
                type(row["run_id"]) is str
                and is_id(task_id)
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
