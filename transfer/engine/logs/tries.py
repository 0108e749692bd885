"""Which logs a run can have."""

from collections.abc import Iterator

from transfer.client.logs import LogName
from transfer.engine.attached.walk import MovedRun, Task

MOST_TRIES = 1_000
"""The newest tries of one task instance that are looked for, whatever number it claims to have come to."""

NEVER_RAN = frozenset({None, "skipped", "upstream_failed", "removed", "scheduled", "queued"})
"""States that a task instance may have without ever having run."""


def logs_of(run: MovedRun) -> Iterator[LogName]:
    """Yield the log of every try, each once.

    Those from 1 to the present number, and those among the earlier tries: before Airflow 2.10 there are no rows of
    these, nor are there of tries from before a deployment was brought to 2.10. What never ran has none.
    """
    numbers: dict[tuple[str, int], set[int]] = {}
    for task in run.tasks:
        numbers.setdefault((task.task_id, task.map_index), set()).update(_present(task))
    for task in run.earlier:
        numbers.setdefault((task.task_id, task.map_index), set()).add(task.try_number)
    for (task_id, map_index), tries in numbers.items():
        for number in sorted(tries - {0}):
            yield LogName(run.dag_id, run.run_id, task_id, map_index, number)


def _present(task: Task) -> range:
    """Return the tries up to the present one, without that if it has not begun."""
    last = task.try_number - (not task.started and task.state in NEVER_RAN)
    return range(max(1, last - MOST_TRIES + 1), last + 1)
