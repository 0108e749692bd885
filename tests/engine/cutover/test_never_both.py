"""Whatever gets lost, late or killed: no request of ours ever leaves a DAG unpaused on both sides."""

from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.engine.cutover.lives import Life, both, stormy
from tests.engine.cutover.pretending import Airflow, Killed
from transfer.checkpoint.cutover import Step
from transfer.engine.cutover.sides import CutoverError
from transfer.errors import TransferError

SEEDS = 30
LIVES = 14
"""Runs of the program in one story; some are killed, others cut over or take it back."""


def watched(life: Life) -> list[str]:
    """Return a list that fills with what must not be: a request of ours after which both sides are unpaused."""
    seen: list[str] = []

    def look(side: Airflow, dag_id: str) -> None:
        if not side.paused[dag_id] and dag_id in both(life):
            seen.append(f"{side.name} unpaused {dag_id} at {life.clock.now}")

    life.source.switched.append(look)
    life.target.switched.append(look)
    return seen


async def story(life: Life, chance: Random) -> None:
    """Let the program run some times, with runs of the busy DAG that come and go meanwhile."""
    for _ in range(LIVES):
        life.source.active = {"busy": ["run"]} if chance.random() < 0.4 else {}
        if life.source.active:
            life.clock.later(chance.uniform(0, 90), life.source.active.clear)
        try:
            await (life.undo() if chance.random() < 0.35 else life.forward())
        except (Killed, TransferError):
            pass
        except BaseExceptionGroup as group:
            if group.split(Killed)[1] is not None:
                raise
        if chance.random() < 0.5:
            await life.clock.sleep(chance.uniform(0, 10))


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_never_both(tmp_path: Path, seed: int) -> None:
    """No story leaves both sides unpaused at any moment, and once the weather is fine everything can be put back."""
    life = Life(tmp_path, stormy(seed))
    seen = watched(life)
    await story(life, Random(seed + 1_000))  # noqa: S311  no secret depends on it
    life.weather.lost = life.weather.killed = 0.0
    life.source.active.clear()
    await life.clock.sleep(60)
    with suppress(CutoverError):  # an undo was begun: it is brought to its end
        await life.forward()
    await life.undo()

    assert seen == []
    assert (await life.remembered()).step is Step.UNDONE
    assert life.unpaused == (["busy", "idle", "twin"], ["off"])
