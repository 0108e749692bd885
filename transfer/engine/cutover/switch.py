"""Pause and unpause DAGs so that whatever gets lost or killed, never both sides are unpaused by us."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import anyio

from transfer.checkpoint.cutover import Cutover, Switched
from transfer.engine.cutover.sides import (
    LATE_SECONDS,
    PATIENCE_SECONDS,
    AwakeError,
    CutoverError,
    Side,
    World,
    names,
    paused_on,
)
from transfer.errors import LostAnswerError, gravest

AT_ONCE: Final = 20
"""DAGs that are switched before both sides are read again; each reading lists all DAGs of a deployment."""

ATTEMPTS: Final = 5


async def pause(world: World, side: Side, dag_ids: Sequence[str]) -> None:
    """Let ``dag_ids`` be paused on ``side``; those that are need nothing.

    Raises ``CutoverError`` if they do not stay so, or a ``SideError``.
    """
    for some in _portions(dag_ids):
        await _switched(world, side, some, paused=True)


async def unpause(world: World, side: Side, dag_ids: Sequence[str]) -> None:
    """Let ``dag_ids`` be unpaused on ``side``, while the other one has them paused.

    Raises ``AwakeError`` if the other one does not, ``CutoverError`` or a ``SideError``.
    """
    for some in _portions(dag_ids):
        await _safe(world, side, some)
        await _switched(world, side, some, paused=False)
        awake = await _awake(world.other(side), some)
        if awake:
            # Whoever unpaused them there means it: ours is taken back.
            await _switched(world, side, awake, paused=True)
            raise _by_hand(world.other(side), awake)


async def _safe(world: World, side: Side, dag_ids: Sequence[str]) -> None:
    """Return when the other side has ``dag_ids`` paused, and nothing that was sent before can change either side."""
    other = world.other(side)
    await _settled(world, side, dag_ids)
    doubtful = await _settled(world, other, dag_ids)
    awake = await _awake(other, dag_ids)
    ours = [dag_id for dag_id in awake if dag_id in doubtful]
    if len(ours) < len(awake):
        raise _by_hand(other, [dag_id for dag_id in awake if dag_id not in doubtful])
    if ours:
        world.tell(f"{other.name}: {names(ours)} was unpaused by a request that came late, or by hand: paused again")
        await _switched(world, other, ours, paused=True)


async def _settled(world: World, side: Side, dag_ids: Sequence[str]) -> set[str]:
    """Wait until nothing that was sent to ``side`` is in doubt; return the DAGs of which anything ever was."""
    switched = (await _remembered(world)).switched
    doubts = {dag_id: _doubt(switched.get((dag_id, side.name))) for dag_id in dag_ids}
    seconds = max((_left(world, doubt) for doubt in doubts.values()), default=0.0)
    if seconds > 0:
        world.tell(f"{side.name}: waiting {seconds:.0f} seconds: what was not answered may still be carried out")
        await world.sleep(seconds)
    return {dag_id for dag_id, doubt in doubts.items() if doubt is not None}


def _left(world: World, doubt: datetime | None) -> float:
    """Return for how many seconds yet what was sent at ``doubt`` may be carried out; a clock may have been set back."""
    if doubt is None:
        return 0.0
    return min(LATE_SECONDS, LATE_SECONDS - (world.now() - doubt).total_seconds())


async def _switched(world: World, side: Side, dag_ids: Sequence[str], *, paused: bool) -> None:
    """Switch those that are not so yet, and read back, until all are."""
    switched = (await _remembered(world)).switched
    doubts = {dag_id: _doubt(switched.get((dag_id, side.name))) for dag_id in dag_ids}
    left = await _lacking(side, dag_ids, paused=paused)
    for _ in range(ATTEMPTS):
        if not left:
            return
        await world.memory.intend(side.name, left, paused=paused)
        lost = await _sent(side, left, paused=paused)
        doubts |= dict.fromkeys(lost, world.now())
        lacking = await _lacking(side, left, paused=paused)
        await world.memory.confirm(side.name, {dag_id: doubts[dag_id] for dag_id in left if dag_id not in lacking})
        left = lacking
    if left:
        raise CutoverError(
            f"{side.name}: {names(left)} cannot be {'paused' if paused else 'unpaused'}: it does not happen",
            hint="look at these DAGs there, and run the command again",
        )


async def _sent(side: Side, dag_ids: Sequence[str], *, paused: bool) -> set[str]:
    """Ask for all of them; return those of which no answer came."""
    lost: set[str] = set()

    async def one(dag_id: str) -> None:
        with anyio.move_on_after(PATIENCE_SECONDS) as patience:
            try:
                await side.switches.set_paused(dag_id, paused=paused)
            except LostAnswerError:
                lost.add(dag_id)
        if patience.cancelled_caught:
            lost.add(dag_id)

    try:
        async with anyio.create_task_group() as group:
            for dag_id in dag_ids:
                group.start_soon(one, dag_id)
    except BaseExceptionGroup as failures:
        raise gravest(failures) from failures
    return lost


async def _lacking(side: Side, dag_ids: Sequence[str], *, paused: bool) -> list[str]:
    states = await paused_on(side, dag_ids)
    return [dag_id for dag_id in dag_ids if states[dag_id] is not paused]


async def _awake(side: Side, dag_ids: Sequence[str]) -> list[str]:
    return await _lacking(side, dag_ids, paused=True)


async def _remembered(world: World) -> Cutover:
    found = await world.memory.read()
    if found is None:
        raise ValueError("nothing is switched before it is remembered how everything was")
    return found


def _doubt(switched: Switched | None) -> datetime | None:
    return switched.doubt if switched else None


def _by_hand(side: Side, dag_ids: Sequence[str]) -> AwakeError:
    return AwakeError(
        f"{side.name}: {names(dag_ids)} was unpaused by somebody else meanwhile, so it stays paused on the other side",
        hint=f"pause it on the {side.name}, if that was not meant, and run the command again",
    )


def _portions(dag_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(dag_ids), AT_ONCE):
        yield dag_ids[start : start + AT_ONCE]
