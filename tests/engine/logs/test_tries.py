"""Which logs a run can have."""

from transfer.client.logs import LogName
from transfer.engine.attached.walk import MovedRun, Task
from transfer.engine.logs.tries import MOST_TRIES, logs_of
from transfer.model import Outcome


def run(*tasks: Task, earlier: tuple[Task, ...] = ()) -> MovedRun:
    """Return a run with task instances and earlier tries."""
    return MovedRun("d", "r", Outcome.MOVED, list(tasks), list(earlier))


def task(number: int, *, map_index: int = -1, state: str | None = "success", started: bool = True) -> Task:
    """Return a try of the only task."""
    return Task("t", map_index, number, state, started)


def tries(of: MovedRun) -> list[tuple[int, int]]:
    """Return map index and number of each try."""
    return [(name.map_index, name.try_number) for name in logs_of(of)]


def test_every_try_from_the_first_on() -> None:
    """Rows of earlier tries may lack: before 2.10 there are none, and none from before an update to it."""
    assert tries(run(task(3))) == [(-1, 1), (-1, 2), (-1, 3)]


def test_earlier_tries_come_once() -> None:
    """Whether their number shows in the task instance or in a row of its own."""
    assert tries(run(task(2), earlier=(task(1), task(5)))) == [(-1, 1), (-1, 2), (-1, 5)]


def test_each_map_index_has_its_own() -> None:
    """Mapped tasks are told apart."""
    assert tries(run(task(1, map_index=0), task(2, map_index=1))) == [(0, 1), (1, 1), (1, 2)]


def test_what_never_ran_has_none() -> None:
    """Neither a number of 0, nor a try that was planned and never begun."""
    assert tries(run(task(0))) == []
    assert tries(run(task(1, state="upstream_failed", started=False))) == []


def test_a_planned_try_leaves_the_earlier_ones() -> None:
    """A task that was cleared and then removed had run before."""
    assert tries(run(task(3, state="removed", started=False))) == [(-1, 1), (-1, 2)]


def test_a_skipped_task_with_a_date_may_have_one() -> None:
    """It may have skipped itself while it ran."""
    assert tries(run(task(1, state="skipped"))) == [(-1, 1)]


def test_an_absurd_number_is_bounded() -> None:
    """A broken row must not make a billion requests."""
    found = tries(run(task(2**40)))
    assert len(found) == MOST_TRIES
    assert found[-1] == (-1, 2**40)


def test_keys_tell_all_logs_of_a_run_apart() -> None:
    """They are what the checkpoint remembers."""
    names = [
        LogName("d", "r", *rest) for rest in (("t", -1, 1), ("t", 0, 1), ("t", 1, 1), ("t", -1, 11), ("t [1]", -1, 1))
    ]
    assert len({name.key for name in names}) == len(names)
