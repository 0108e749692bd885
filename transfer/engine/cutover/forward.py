"""The steps of a cutover, each recorded before it is begun; whoever calls them moves the history in between.

::

    HOLD -> PAUSE -> MOVE -> PARSE -> UNPAUSE -> DONE
              ^                |
              +----------------+    somebody has switched a DAG or made a run meanwhile
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transfer.checkpoint.cutover import Cutover, CutoverDag, Step
from transfer.engine.cutover.calm import active_runs, pause_calmly
from transfer.engine.cutover.parsed import NotToldError, wait_until_parsed
from transfer.engine.cutover.sides import AwakeError, CutoverError, Side, World, names, paused_on
from transfer.engine.cutover.switch import pause, unpause

_MOVED: Final = frozenset({Step.PARSE, Step.UNPAUSE, Step.DONE})
_AGAIN: Final = "run the command again: it pauses, waits and moves once more; --undo puts everything back as it was"


@dataclass(frozen=True, slots=True)
class Groups:
    """The DAGs of a cutover: ``working`` were unpaused at the source before it, ``resting`` were not."""

    working: Sequence[str]
    resting: Sequence[str]

    @property
    def all(self) -> list[str]:
        """Return all of them."""
        return [*self.working, *self.resting]


def groups(cutover: Cutover) -> Groups:
    """Return the DAGs as they were before the cutover."""
    dags = cutover.dags.values()
    working = [dag.dag_id for dag in dags if not dag.source_paused]
    return Groups(working, [dag.dag_id for dag in dags if dag.source_paused])


async def prepare(world: World, dags: Sequence[CutoverDag]) -> bool:
    """Bring both sides to rest; tell whether the history is to be moved then, or has been moved by an earlier call.

    ``dags`` is how they are now; an unfinished cutover goes on with those that it began with. Raises ``CutoverError``,
    after which another call goes on, or another ``TransferError``.
    """
    cutover = await world.memory.read()
    if cutover is None or cutover.step is Step.UNDONE:
        await world.memory.begin(dags)
        cutover = await _remembered(world)
    if cutover.step is Step.UNDO:
        raise CutoverError("an undo of this cutover was begun", hint="`transfer cutover --undo` brings it to its end")
    if cutover.step in _MOVED:
        return False
    await _hold(world, cutover)
    await world.memory.enter(Step.PAUSE)
    await _rest(world, groups(cutover))
    await world.memory.enter(Step.MOVE)
    return True


async def _hold(world: World, cutover: Cutover) -> None:
    dag_ids = list(cutover.dags)
    held = [dag_id for dag_id in dag_ids if _was_held(cutover, dag_id)]
    states = await paused_on(world.target, held)
    awake = [dag_id for dag_id in held if not states[dag_id]]
    if awake:
        world.tell(f"target: {names(awake)} was unpaused by somebody else since it was paused here: paused again")
    await pause(world, world.target, dag_ids)


def _was_held(cutover: Cutover, dag_id: str) -> bool:
    """Tell whether a DAG was seen paused on the target since the cutover began."""
    known = cutover.switched.get((dag_id, "target"))
    return cutover.step is not Step.HOLD or (known is not None and known.paused and known.sure)


async def _rest(world: World, dags: Groups) -> None:
    frozen = await active_runs(world.source, dags.resting)
    if frozen:
        world.tell(
            f"source: {names(list(frozen))} was paused before with runs that are not over: these runs stay there, and"
            " are not moved"
        )
    await pause_calmly(world, dags.working)
    counts = {dag.dag_id: dag.run_count for dag in await world.source.rows.dags()}
    await world.memory.count({dag_id: counts[dag_id] for dag_id in dags.all if dag_id in counts})


async def finish(world: World) -> None:
    """Unpause the target, when it has parsed what has been moved; the history must be complete there.

    Raises as ``prepare`` does.
    """
    cutover = await _remembered(world)
    dags = groups(cutover)
    if cutover.step is Step.MOVE:
        await world.memory.enter(Step.PARSE)
    if cutover.step in {Step.MOVE, Step.PARSE}:
        await _check(world, cutover)
        await _parsed(world, dags)
        await _check(world, cutover)
        await world.memory.enter(Step.UNPAUSE)
    await _unpause(world, dags)
    await world.memory.enter(Step.DONE)


async def _unpause(world: World, dags: Groups) -> None:
    """Unpause the target; back to the pausing if the source is awake, for it may have made runs that were not moved."""
    awake = await _awake(world.source, dags.working)
    if awake:
        await world.memory.enter(Step.PAUSE)
        raise CutoverError(f"source: {names(awake)} was unpaused since it was paused here", hint=_AGAIN)
    try:
        await unpause(world, world.target, dags.working)
    except AwakeError:
        await world.memory.enter(Step.PAUSE)
        raise


async def _parsed(world: World, dags: Groups) -> None:
    try:
        await wait_until_parsed(world, dags.working)
    except NotToldError as error:
        if world.must_parse:
            raise
        world.tell(f"{error.message}: they are unpaused all the same, since an Airflow 2 makes no run twice")


async def _check(world: World, cutover: Cutover) -> None:
    """Go back to the pausing, and raise ``CutoverError``, if anything has been done to the DAGs since they rest."""
    problem = await _disturbed(world, cutover)
    if problem:
        await world.memory.enter(Step.PAUSE)
        raise CutoverError(problem, hint=_AGAIN)


async def _disturbed(world: World, cutover: Cutover) -> str:
    dags = groups(cutover)
    for side in (world.target, world.source):
        awake = await _awake(side, dags.all)
        if awake:
            return f"{side.name}: {names(awake)} was unpaused by somebody else since it was paused here"
    busy = await active_runs(world.source, dags.working)
    if busy:
        return f"source: {names(list(busy))} has new runs since it was paused, which are not over"
    counts = {dag.dag_id: dag.run_count for dag in await world.source.rows.dags()}
    grown = [dag.dag_id for dag in cutover.dags.values() if dag.runs is not None and counts[dag.dag_id] != dag.runs]
    return f"source: {names(grown)} has other runs than before the move" if grown else ""


async def _awake(side: Side, dag_ids: Sequence[str]) -> list[str]:
    states = await paused_on(side, dag_ids)
    return [dag_id for dag_id in dag_ids if not states[dag_id]]


async def _remembered(world: World) -> Cutover:
    cutover = await world.memory.read()
    if cutover is None:
        raise ValueError("there is no cutover")
    return cutover
