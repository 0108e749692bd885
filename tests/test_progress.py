"""The counters of one run of the program."""

import pytest

from transfer.model import Counts, Outcome, SettledRun, Settlement, Window
from transfer.progress import Progress


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def settlement(runs: int, *, dag_id: str = "a", moved: int = 0) -> Settlement:
    """Return a window of ``runs`` runs."""
    settled = [SettledRun(f"r{number}", number, Outcome.MOVED) for number in range(runs)]
    return Settlement(Window(dag_id, 1, 0, 0, runs, None), settled, {"task_instances": Counts(moved=moved)})


def test_rows_and_rate() -> None:
    """The rate is what was acknowledged since the start, of all DAGs."""
    clock = Clock()
    progress = Progress(clock)
    progress.plan("a", 10)
    progress.plan("b", 10)
    progress.sent("a", 30)
    progress.sent("b", 70)
    assert progress.snapshot().rate == 0.0
    clock.now += 4
    assert (progress.snapshot().rows_sent, progress.snapshot().rate) == (100, 25.0)


def test_settled_windows_are_added_up() -> None:
    """Runs, rows and outcomes of windows are counted."""
    progress = Progress()
    progress.plan("a", 10)
    progress.settled(settlement(3, moved=5))
    progress.settled(settlement(2, moved=4))
    snapshot = progress.snapshot()
    assert (snapshot.dags["a"].runs_seen, snapshot.rows) == (5, {"task_instances": Counts(moved=9)})
    assert progress.outcomes == {Outcome.MOVED: 5}


@pytest.mark.parametrize(("seen", "share"), [(0, 0.0), (5, 0.125), (20, 0.5), (30, 0.6)])
def test_done_share(seen: int, share: float) -> None:
    """The share counts runs looked at; a DAG that has grown counts with what was seen of it."""
    progress = Progress()
    progress.plan("a", 20)
    progress.plan("b", 20)
    progress.skipped("a", seen)
    assert progress.snapshot().done_share == pytest.approx(share)


def test_a_finished_dag_counts_as_a_whole() -> None:
    """Runs that went away at the source do not keep the share below 1."""
    progress = Progress()
    progress.plan("a", 20)
    progress.settled(settlement(15))
    progress.finished("a")
    assert progress.snapshot().done_share == 1.0


def test_before_the_plan_nothing_is_known() -> None:
    """Without any run nothing is done, and no end in sight."""
    snapshot = Progress().snapshot()
    assert (snapshot.done_share, snapshot.eta) == (0.0, None)


def test_another_pass_begins_at_the_front() -> None:
    """Runs are counted anew when a DAG is read again."""
    progress = Progress()
    progress.plan("a", 20)
    progress.settled(settlement(15))
    progress.again("a")
    assert progress.snapshot().dags["a"].runs_seen == 0


def test_eta() -> None:
    """What is left takes as long as what was done, in proportion; before that nothing is known."""
    clock = Clock()
    progress = Progress(clock)
    progress.plan("a", 40)
    clock.now += 10
    assert progress.snapshot().eta is None
    progress.settled(settlement(10))
    assert progress.snapshot().eta == pytest.approx(30)


def test_waits_that_are_over_are_not_shown() -> None:
    """A snapshot names what is waited for, until it is over."""
    clock = Clock()
    progress = Progress(clock)
    progress.wait("target", 5, "HTTP 503")
    assert progress.snapshot().waiting == {"target": ("HTTP 503", 105.0)}
    clock.now += 5
    assert progress.snapshot().waiting == {}


def test_a_pause_is_no_work() -> None:
    """Rate and time left go by the seconds in which work went on, and a pause whose reason changes is one pause."""
    clock = Clock()
    progress = Progress(clock)
    progress.plan("a", 40)
    clock.now += 10
    progress.settled(settlement(10))
    progress.sent("a", 100)
    progress.pause("while a file exists")
    clock.now += 1_000
    progress.pause("until 22:00")
    clock.now += 2_000
    paused = progress.snapshot()
    assert (paused.seconds, paused.paused_seconds, paused.worked) == (3_010, 3_000, 10)
    assert (paused.rate, paused.eta, paused.paused) == (10.0, None, "until 22:00")
    progress.pause(None)
    progress.pause(None)
    assert progress.snapshot().eta == pytest.approx(30)
    assert progress.snapshot().paused is None
    clock.now += 10
    assert (progress.snapshot().rate, progress.snapshot().paused_seconds) == (5.0, 3_000)


def test_two_pauses_add_up() -> None:
    """A job that began in a pause has not worked yet."""
    clock = Clock()
    progress = Progress(clock)
    for seconds in (5, 7):
        progress.pause("until 22:00")
        clock.now += seconds
        progress.pause(None)
    assert (progress.snapshot().paused_seconds, progress.snapshot().worked, progress.snapshot().rate) == (12, 0, 0.0)
