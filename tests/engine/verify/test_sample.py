"""Which windows a sample takes."""

import pytest

from transfer.engine.verify.sample import Sampler


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("ratio", [1.0, 0.05])
def test_a_sample_holds_about_its_share_of_the_runs(share: float, ratio: float) -> None:
    """Also where the windows that are taken hold fewer runs than the others."""
    sampler = Sampler(share, 7)
    taken = sum(sampler.takes("d", str(number), ratio) for number in range(20_000))
    runs = taken * ratio / (taken * ratio + 20_000 - taken)
    assert runs == pytest.approx(share, rel=0.25)


def test_without_a_share_everything_is_taken() -> None:
    """No sample leaves nothing out."""
    assert all(Sampler().takes("d", str(number), 0.5) for number in range(100))


def test_seed_and_name_decide() -> None:
    """Another seed or DAG takes other windows, the same ones take the same."""

    def taken(seed: int, dag_id: str) -> list[bool]:
        return [Sampler(0.5, seed).takes(dag_id, str(number), 1) for number in range(50)]

    assert taken(1, "d") == taken(1, "d")
    assert len({tuple(taken(seed, dag_id)) for seed in (1, 2) for dag_id in ("d", "e")}) == 4
