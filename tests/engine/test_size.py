"""How large the next window is."""

from hypothesis import given
from hypothesis import strategies as st

from transfer.config.settings import Limits
from transfer.engine.size import FIRST_SIZE, WindowSize


def test_it_begins_small() -> None:
    """The first window is small, and not larger than allowed."""
    assert WindowSize(Limits()).runs == FIRST_SIZE
    assert WindowSize(Limits(window_runs=3)).runs == 3


def test_it_doubles_at_most() -> None:
    """Small and fast pages let it grow step by step, up to the limit."""
    size = WindowSize(Limits(window_runs=120))
    sizes = []
    for _ in range(4):
        size.learn(size.runs, 1_000, 0.01)
        sizes.append(size.runs)
    assert sizes == [50, 100, 120, 120]


def test_it_shrinks_at_once() -> None:
    """A page that was ten times too large or too slow is followed by one of the right size."""
    size = WindowSize(Limits(window_bytes=1_000_000), runs=200)
    size.learn(200, 10_000_000, 0.1)
    assert size.runs == 20
    size = WindowSize(Limits(), runs=200)
    size.learn(200, 1_000, 50.0)
    assert size.runs == 20


@given(runs=st.integers(1, 10_000), size=st.integers(0, 10**12), seconds=st.floats(0, 1e6), most=st.integers(1, 10_000))
def test_it_stays_within_its_limits(runs: int, size: int, seconds: float, most: int) -> None:
    """Whatever a page was like, the next window has at least one run and no more than allowed."""
    window = WindowSize(Limits(window_runs=most))
    window.learn(runs, size, seconds)
    assert 1 <= window.runs <= most
