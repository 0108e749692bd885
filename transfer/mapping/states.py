"""States of task instances that Airflow 3 knows, and what becomes of those that it does not.

A state that it does not know is stored with a 200 and then breaks every page that shows the row (3.1.8). One of a task
that still runs keeps a slot of its pool for ever if nobody runs it, also in a run that is over.
"""

from typing import Final

KNOWN: Final = frozenset(
    {
        "removed",
        "scheduled",
        "queued",
        "running",
        "success",
        "restarting",
        "failed",
        "up_for_retry",
        "up_for_reschedule",
        "upstream_failed",
        "skipped",
        "deferred",
    }
)

_NONE: Final = frozenset({"", "none", "null"})
_STOPPED: Final = frozenset({"shutdown"})
"""States of Airflow 2 alone that say that a task was ended from outside."""

_OCCUPYING: Final = frozenset({"running", "queued", "restarting", "deferred", "sensing"})
"""States that hold a slot of a pool, or wait for a process that the target does not have."""

FAILED: Final = "failed"


def state_in_3(state: str | None) -> tuple[str | None, str]:
    """Return the state that stands for ``state`` on Airflow 3, and by which rule if that is another one.

    Raises ``ValueError`` with the reason if none does.
    """
    if state is None:
        return None, ""
    lower = state.lower()
    if lower in _NONE:
        return None, f"state {state!r} means none"
    if lower in _STOPPED:
        return FAILED, f"{lower} is no state of Airflow 3: {FAILED}"
    if lower in _OCCUPYING:
        return FAILED, f"nothing is {lower} in a run that is over: {FAILED}"
    if lower not in KNOWN:
        raise ValueError(f"Airflow 3 has no task state {state[:40]!r}, and its pages break where one has it")
    return lower, "" if lower == state else "Airflow 3 writes states in lower case"
