"""Take a cutover back: first the target rests, then the source works again."""

from collections.abc import Sequence

from transfer.checkpoint.cutover import Step
from transfer.engine.cutover.calm import active_runs
from transfer.engine.cutover.sides import CutoverError, World, names
from transfer.engine.cutover.switch import pause, unpause


async def undo(world: World) -> bool:
    """Put the pause states of both sides back as they were before the cutover; return False if they were before.

    DAGs that were unpaused on both sides stay paused on the target. Raises ``CutoverError`` for DAGs that a side no
    longer lists, when all others are back, or another ``TransferError``; after any of them another call goes on.
    """
    cutover = await world.memory.read()
    if cutover is None:
        raise CutoverError("there is no cutover to undo", hint="it needs the state directory of the job that made it")
    if cutover.step is Step.UNDONE:
        return False
    await world.memory.enter(Step.UNDO)
    gone = await _gone(world, list(cutover.dags))
    dags = [dag for dag in cutover.dags.values() if dag.dag_id not in gone]
    await pause(world, world.target, [dag.dag_id for dag in dags])
    if cutover.step in {Step.UNPAUSE, Step.DONE}:
        await _tell_frozen(world, [dag.dag_id for dag in dags])
    await unpause(world, world.source, [dag.dag_id for dag in dags if not dag.source_paused])
    await unpause(world, world.target, [dag.dag_id for dag in dags if dag.source_paused and not dag.target_paused])
    both = [dag.dag_id for dag in dags if not dag.source_paused and not dag.target_paused]
    if both:
        world.tell(f"target: {names(both)} was unpaused on both sides before; it stays paused on the target")
    if gone:
        raise CutoverError(
            f"{names(gone)} was not put back: the source or the target does not list it any more",
            hint="all other DAGs are as they were; look at these, and run `transfer cutover --undo` again",
        )
    await world.memory.enter(Step.UNDONE)
    return True


async def _tell_frozen(world: World, dag_ids: Sequence[str]) -> None:
    frozen = await active_runs(world.target, dag_ids)
    if frozen:
        world.tell(f"target: {names(list(frozen))} was paused in the middle of runs, which stay there as they are")


async def _gone(world: World, dag_ids: Sequence[str]) -> list[str]:
    there = [{dag.dag_id for dag in await side.rows.dags()} for side in (world.source, world.target)]
    return [dag_id for dag_id in dag_ids if not all(dag_id in listed for listed in there)]
