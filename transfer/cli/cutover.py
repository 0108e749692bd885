"""``transfer cutover``: hand the work of the DAGs over to the target, and back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio
import structlog

from transfer.capabilities import capabilities
from transfer.checkpoint import Checkpoint, CheckpointReader
from transfer.checkpoint.cutover import Cutover, CutoverDag, Step
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.confirm import check_can_ask, confirm
from transfer.cli.control import Control
from transfer.cli.cutover_options import CutoverOptions
from transfer.cli.cutover_shown import Prospect, show_prospect, show_standing, tell, waits
from transfer.cli.logs import set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import say
from transfer.cli.run import carry_out
from transfer.cli.session import Sides, identity, open_sides, read_settings, rereading
from transfer.cli.signals import until_done
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.cutover.back import undo
from transfer.engine.cutover.forward import finish, groups, prepare
from transfer.engine.cutover.parsed import NotToldError
from transfer.engine.cutover.sides import CutoverError, Side, World, names, paused_on
from transfer.engine.plan import make_plan
from transfer.errors import ExitCode, StateError, TransferError
from transfer.model import Outcome
from transfer.progress import Progress

_SWITCHES = "this pauses and unpauses DAGs on both sides"
_KEPT = "what was done is remembered"


def cutover_job(cutover: CutoverOptions, options: JobOptions, output: OutputOptions) -> int:
    """Show what is to be done, ask, do it, and return the exit code.

    Raises ``StateError`` if there is no job, ``NotConfirmedError`` if nobody can be asked, or the ``TransferError``
    that ended it early.
    """
    settings = read_settings(options)
    set_up_logging(output)
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    if not has_checkpoint(settings.state_dir):
        hint = "`transfer run` moves the history first, so that DAGs are not paused for longer than what is new takes"
        raise StateError(f"there is no job in {settings.state_dir}", hint=hint)
    if not cutover.undo:
        cutover.check(settings.selection)
    prospect = anyio.run(_look, settings, cutover)
    show_prospect(prospect, cutover, output)
    if cutover.dry_run:
        return ExitCode.DONE
    if not _is_open(prospect, cutover):
        show_standing(prospect.stored, ExitCode.DONE, output)
        return ExitCode.DONE
    check_can_ask(output, _SWITCHES, yes=cutover.yes)
    if not confirm(_question(prospect, cutover), yes=cutover.yes):
        say("nothing was done")
        return ExitCode.INCOMPLETE
    return _Invocation(settings, cutover, options, output, prospect).run()


def _is_open(prospect: Prospect, cutover: CutoverOptions) -> bool:
    """Tell whether anything is left to be done."""
    if cutover.undo:
        return prospect.stored is not None and prospect.stored.step is not Step.UNDONE
    return bool(prospect.dags) and (prospect.stored is None or prospect.stored.step is not Step.DONE)


def _question(prospect: Prospect, cutover: CutoverOptions) -> str:
    if cutover.undo:
        return f"Pause {len(prospect.dags):,} DAGs on the target, and unpause {prospect.working:,} on the source?"
    both = f" ({prospect.both:,} of them work on both sides now)" if prospect.both else ""
    return f"Pause {prospect.working:,} DAGs on the source{both}, and unpause them on the target?"


def _stored(settings: Settings) -> Cutover | None:
    with CheckpointReader.open(settings.state_dir) as reader:
        return reader.cutover()


async def _look(settings: Settings, cutover: CutoverOptions) -> Prospect:
    """Return what is to be done; changes nothing. Raises ``TransferError`` where it cannot be done."""
    stored = _stored(settings)
    if cutover.undo:
        return Prospect(stored.dags if stored else {}, stored)
    async with open_sides(settings, warn_of_wait) as sides:
        if await _must_tell(sides) and await (await sides.target.switches()).schedules() is None:
            raise NotToldError
        if stored is not None and stored.step is not Step.UNDONE:
            return Prospect(stored.dags, stored)
        plan = await make_plan(sides.source, sides.target, settings.selection)
        at_source = {dag.dag_id: dag.is_paused for dag in await sides.source.dags()}
        at_target = {dag.dag_id: dag.is_paused for dag in await sides.target.dags()}
    left_out, dags = dict(plan.left_out), {}
    for dag_id in sorted(dag.dag_id for dag in plan.dags):
        if dag_id in at_source and dag_id in at_target:
            dags[dag_id] = CutoverDag(dag_id, at_source[dag_id], at_target[dag_id])
        else:
            left_out[dag_id] = f"the {'target' if dag_id in at_source else 'source'} does not list it"
    return Prospect(dags, None, left_out)


async def _must_tell(sides: Sides) -> bool:
    return capabilities("target", await sides.target.info()).is_airflow_3


Work = Callable[[World], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One run of the program, in phases: each holds the state directory for itself."""

    settings: Settings
    cutover: CutoverOptions
    options: JobOptions
    output: OutputOptions
    prospect: Prospect

    def run(self) -> int:
        """Do it, and say where it stands whatever happens."""
        code = ExitCode.FAILED
        try:
            code = self._phase(undo) if self.cutover.undo else self._forward()
        except TransferError as error:
            code = error.exit_code
            raise
        finally:
            show_standing(_stored(self.settings), code, self.output)
        return code

    def _forward(self) -> int:
        code = self._phase(self._prepare)
        stored = _stored(self.settings)
        if code != ExitCode.DONE or stored is None:
            return code
        moved = ExitCode.DONE
        if stored.step is Step.MOVE:
            moved = anyio.run(carry_out, self.settings, self.output, None, (), rereading(self.options))
            if moved != ExitCode.DONE and not (moved == ExitCode.INCOMPLETE and self.cutover.accept_rejected):
                return self._refused(moved)
            self._check_whole(stored)
        return self._phase(finish) or moved

    def _refused(self, code: int) -> int:
        if code == ExitCode.INCOMPLETE:
            tell(
                "the target has not taken all rows: `transfer status --rejected` lists them, `transfer run"
                " --replace-changed` replaces those that changed, --accept-rejected goes on without"
            )
        return code

    def _check_whole(self, stored: Cutover) -> None:
        """Raise ``CutoverError`` unless every run of the DAGs has been brought to an end."""
        with CheckpointReader.open(self.settings.state_dir) as reader:
            totals = reader.totals()
        _none([dag_id for dag_id in stored.dags if dag_id not in totals.dags_done], "was not moved to its end")
        open_ = [dag_id for dag_id in groups(stored).working if totals.runs.get(dag_id, {}).get(Outcome.UNFINISHED, 0)]
        _none(open_, "has runs of which tasks are still at work")

    async def _prepare(self, world: World) -> None:
        """Look once more how the DAGs are paused: somebody may have thought for long before agreeing."""
        dag_ids = list(self.prospect.dags)
        at_source, at_target = await paused_on(world.source, dag_ids), await paused_on(world.target, dag_ids)
        await prepare(world, [CutoverDag(dag_id, at_source[dag_id], at_target[dag_id]) for dag_id in dag_ids])

    def _phase(self, work: Work) -> int:
        return anyio.run(self._watched, work)

    async def _watched(self, work: Work) -> int:
        control = Control(self.settings, Progress(), rereading(self.options))
        if control.pace.reason is not None and not self.cutover.undo:
            hint = "begin it when work may go on: DAGs would stay paused on both sides as long as nothing may be moved"
            raise CutoverError(f"not now: the job is paused {control.pace.reason}", hint=hint)
        return await until_done(partial(self._recorded, control, work), control, _KEPT)

    async def _recorded(self, control: Control, work: Work) -> int:
        async with (
            open_sides(self.settings, warn_of_wait, control.limiting.sides) as sides,
            Checkpoint.open(self.settings.state_dir, identity(self.settings)) as checkpoint,
        ):
            number, code = await checkpoint.begin_invocation(), ExitCode.FAILED
            try:
                with control.stop.planning:
                    await work(await self._world(sides, checkpoint))
                code = ExitCode.STOPPED if control.stop.requested else ExitCode.DONE
            finally:
                with anyio.CancelScope(shield=True):
                    await checkpoint.end_invocation(number, code)
        return code

    async def _world(self, sides: Sides, checkpoint: Checkpoint) -> World:
        return World(
            Side("source", sides.source, await sides.source.switches()),
            Side("target", sides.target, await sides.target.switches()),
            checkpoint.cutover(),
            self.cutover.wait * 60,
            must_parse=await _must_tell(sides),
            tell=tell,
            waiting=waits(self.output),
        )


def _none(dag_ids: Sequence[str], what: str) -> None:
    if dag_ids:
        raise CutoverError(f"{names(dag_ids)} {what}, so the target stays paused", hint="run the command again")
