"""Which runs a sample takes the children of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.engine.verify.sample import Sampler


def taken(sampler: Sampler, runs: int, window: int, dag_id: str = "d") -> list[int]:
    """Return the positions that are taken of ``runs``, read ``window`` at a time."""
    found = []
    for first in range(0, runs, window):
        part = range(first, min(first + window, runs))
        found += [run for group in sampler.groups(dag_id, part, first) for run in group]
    return found


@given(
    st.sampled_from([0.01, 0.05, 0.2, 0.5, 0.9]),
    st.integers(0, 2**31),
    st.integers(1, 700),
    st.floats(2, 40),
)
def test_a_sample_holds_about_its_share_of_the_runs(share: float, seed: int, window: int, times: float) -> None:
    """Within a factor of two, however long the windows are, and no run twice."""
    runs = int(times / share) + 1
    found = taken(Sampler(share, seed), runs, window)
    assert len(found) == len(set(found))
    assert share / 2 <= len(found) / runs <= share * 2


@given(st.floats(0.0001, 0.999), st.integers(0, 2**31), st.integers(1, 300), st.integers(1, 400))
def test_of_every_dag_something_is_taken(share: float, seed: int, window: int, runs: int) -> None:
    """A sample that is small beside a small DAG still takes one of its first runs."""
    assert taken(Sampler(share, seed), runs, window)


def test_a_large_dag_is_taken_in_stretches() -> None:
    """Runs that stand together are read at once, which costs a fraction of the requests."""
    groups = Sampler(0.05, 3).groups("d", range(200_000), 0)
    assert sum(map(len, groups)) == pytest.approx(10_000, rel=0.05)
    assert len(groups) < 150


def test_without_a_share_everything_is_taken() -> None:
    """No sample leaves nothing out."""
    assert taken(Sampler(), 100, 7) == list(range(100))


def test_seed_and_name_decide() -> None:
    """Another seed or DAG takes other runs, the same ones take the same."""

    def some(seed: int, dag_id: str) -> tuple[int, ...]:
        return tuple(taken(Sampler(0.1, seed), 500, 25, dag_id))

    assert some(1, "d") == some(1, "d")
    assert len({some(seed, dag_id) for seed in (1, 2) for dag_id in ("d", "e")}) == 4
