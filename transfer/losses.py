"""What a row loses on its way through Starship into an Airflow 2, known beforehand; pure.

Each of these was measured. They are no differences between the two sides, but whoever compares them says how many
values are affected.
"""

from collections.abc import Sequence

from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind, Row

_TIMES_LENGTH = len("2026-01-01 02:00:00")


def settle_for(kind: Kind, row: Row) -> Sequence[str]:
    """Turn a ``row`` of the source, in place, into what the target shows of it at best; return the columns that lose.

    - ``trigger_id``: triggers do not move, see ``mapping.fit``.
    - ``trigger_timeout``: is stored without an offset, and not converted.
    - ``executor_config``: is never served, and never stored.
    - ``task_display_name``: a task instance without one is served with its task id; that loses nothing. Before Airflow
      2.9 there is no such column.
    """
    if kind is DAG_RUNS:
        return ()
    lost = [name for name in ("trigger_id", "executor_config") if row.get(name) is not None]
    for name in lost:
        row[name] = None
    timeout = row.get("trigger_timeout")
    if isinstance(timeout, str) and (naive := _without_offset(timeout)) != timeout:
        row["trigger_timeout"] = naive
        lost.append("trigger_timeout")
    if kind is TASK_INSTANCES and "task_display_name" in row and not row["task_display_name"]:
        row["task_display_name"] = row.get("task_id")
    return lost


def _without_offset(moment: str) -> str:
    """Return a time without the offset at its end, which begins with + or - behind the seconds, or is a Z."""
    for sign in "+-Z":
        at = moment.find(sign, _TIMES_LENGTH)
        if at >= 0:
            return moment[:at]
    return moment
