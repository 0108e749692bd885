"""Somebody else switches DAGs meanwhile: it is noticed, told, and never answered by unpausing the other side."""

from pathlib import Path

import pytest

from tests.engine.cutover.lives import Life, both
from transfer.checkpoint.cutover import Step
from transfer.engine.cutover.sides import AwakeError, CutoverError


@pytest.fixture
async def life(tmp_path: Path) -> Life:
    """Both sides at rest, the history moved."""
    life = Life(tmp_path)
    await life.prepare()
    return life


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_dag_that_was_unpaused_during_the_move_is_told_and_the_move_repeated(life: Life, side: str) -> None:
    """Nothing is unpaused; the next call pauses it again, moves once more, and ends."""
    getattr(life, side).paused["idle"] = False
    with pytest.raises(CutoverError, match=f"{side}: idle was unpaused by somebody else"):
        await life.finish()
    assert (await life.remembered()).step is Step.PAUSE

    assert await life.prepare()
    await life.finish()
    assert life.unpaused == ([], ["busy", "idle", "twin"])


async def test_that_the_target_was_unpaused_is_told_when_it_is_paused_again(life: Life) -> None:
    """Its scheduler may have made runs."""
    life.target.paused["busy"] = False
    await life.prepare()
    assert "busy was unpaused by somebody else since" in life.told[-1]


async def test_runs_that_came_during_the_move_are_moved_by_another_call(life: Life) -> None:
    """Somebody has triggered one, which is over by now: the source counts more runs than before."""
    life.source.runs["off"] = 3
    with pytest.raises(CutoverError, match="source: off has other runs than before the move"):
        await life.finish()
    assert await life.prepare()


async def test_a_run_that_was_begun_during_the_move_is_waited_for_by_another_call(life: Life) -> None:
    """It is named."""
    life.source.active["busy"] = ["manual"]
    with pytest.raises(CutoverError, match="source: busy has new runs since it was paused"):
        await life.finish()


async def test_a_source_that_was_unpaused_after_the_parsing_keeps_the_target_paused(life: Life) -> None:
    """Who unpaused it there meant it; our unpausing on the target is taken back if it was faster."""

    def by_hand(_side: object, dag_id: str) -> None:
        if dag_id == "idle" and not life.target.paused["idle"]:
            life.source.paused["idle"] = False

    life.target.switched.append(by_hand)
    with pytest.raises(AwakeError, match="source: idle was unpaused by somebody else"):
        await life.finish()
    assert both(life) == []


async def test_an_undo_does_not_unpause_the_source_beside_a_target_that_somebody_unpauses(life: Life) -> None:
    """What we did is taken back."""
    await life.finish()

    def by_hand(_side: object, dag_id: str) -> None:
        if dag_id == "busy" and not life.source.paused["busy"]:
            life.target.paused["busy"] = False

    life.source.switched.append(by_hand)
    with pytest.raises(AwakeError, match="target: busy was unpaused by somebody else"):
        await life.undo()
    assert both(life) == []


async def test_a_source_that_was_unpaused_while_the_target_is_unpaused_is_moved_from_again(life: Life) -> None:
    """It may have made runs: the next call pauses it, moves once more, and only then unpauses the target."""
    life.target.ignored.add("busy")
    with pytest.raises(CutoverError, match="busy cannot be unpaused"):
        await life.finish()
    assert (await life.remembered()).step is Step.UNPAUSE
    life.target.ignored.clear()
    life.source.paused["busy"] = False
    with pytest.raises(CutoverError, match="source: busy was unpaused since it was paused here"):
        await life.finish()
    assert (await life.remembered()).step is Step.PAUSE

    assert await life.prepare()
    await life.finish()
    assert (life.source.paused["busy"], life.target.paused["busy"]) == (True, False)
