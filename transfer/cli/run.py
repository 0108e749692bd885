"""``transfer run``: plan, move, sum up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import anyio
import structlog

from transfer.checkpoint import Checkpoint, PlannedDag
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.collecting import rare_collections
from transfer.cli.control import Control, Reread
from transfer.cli.live import show_until_cancelled
from transfer.cli.logs import has_live_view, set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import plain
from transfer.cli.session import Sides, identity, open_sides, read_settings, rereading
from transfer.cli.signals import until_done
from transfer.cli.summary import Summary, show_nothing_done, show_summary
from transfer.cli.waiting import check_secrets, held, meanwhile
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.ending import Ending
from transfer.engine.plan import Plan, lost_on_target, make_plan, make_ready
from transfer.engine.run import Job, run
from transfer.errors import ExitCode, TransferError
from transfer.mapping import Mapping
from transfer.progress import Progress
from transfer.report import rejected_rows

NAMED_REASONS = 5
"""Left out DAGs that an error names."""


Prepare: TypeAlias = Callable[[Sides, Checkpoint, list[PlannedDag]], Awaitable[list[PlannedDag]]]
"""What is to be done when the plan is stored and before anything moves; returns the DAGs that are to be moved."""


Preflight: TypeAlias = Callable[[Sides], Awaitable[None]]
"""Raises ``TransferError`` if what is to be done afterwards cannot be: before the history is moved for hours."""


async def run_job(options: JobOptions, output: OutputOptions, preflight: Preflight | None = None) -> int:
    """Move what is selected and return the exit code; raises ``TransferError`` if the job had to end early."""
    return await carry_out(read_settings(options), output, reread=rereading(options), preflight=preflight)


async def carry_out(
    settings: Settings,
    output: OutputOptions,
    prepare: Prepare | None = None,
    left: Sequence[str] = (),
    reread: Reread | None = None,
    preflight: Preflight | None = None,
) -> int:
    """Do what one run of the program does, and with ``prepare`` replace what is marked; return and raise as above.

    ``left`` says what stays as it is, and why, when all is done; ``prepare`` may still add to it. ``reread`` reads the
    configuration anew, on SIGHUP.
    """
    set_up_logging(output, beside_table=has_live_view(output))
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    control = Control(settings, Progress(), reread)
    invocation = _Invocation(settings, output, control, prepare, left, preflight=preflight)
    with rare_collections():
        return await until_done(invocation.run, invocation.control, "what is under way is still written")


@dataclass(slots=True)
class _Invocation:
    """One run of the program."""

    settings: Settings
    output: OutputOptions
    control: Control
    prepare: Prepare | None = None
    left: Sequence[str] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    preflight: Preflight | None = None

    async def run(self) -> int:
        """Plan first where there is no job yet: one that cannot even be planned must not bind its state directory.

        The state directory refuses another source, target or selection, so a mistyped one would have to be cleaned up.
        """
        async with open_sides(self.settings, self._on_retry, self.control.limiting.sides) as sides:
            plan: Plan | None = None
            if not has_checkpoint(self.settings.state_dir):
                plan = await self._first_plan(sides)
                if plan is None:
                    show_nothing_done(self.output)
                    return ExitCode.STOPPED
            async with Checkpoint.open(self.settings.state_dir, identity(self.settings)) as checkpoint:
                return await self._recorded(sides, checkpoint, plan)

    async def _recorded(self, sides: Sides, checkpoint: Checkpoint, plan: Plan | None) -> int:
        number = await checkpoint.begin_invocation()
        code = ExitCode.FAILED
        try:
            ending = await self._watched(sides, checkpoint, plan)
            code = await self._sum_up(checkpoint, ending)
        except TransferError as error:
            code = error.exit_code
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint.end_invocation(number, code, self.control.finding.known())
        return code

    async def _watched(self, sides: Sides, checkpoint: Checkpoint, plan: Plan | None) -> Ending:
        """Move, and show how it goes meanwhile."""
        ending = Ending()
        async with (
            meanwhile(show_until_cancelled, self.control.progress, self.output),
            meanwhile(self.control.finding.store_until_cancelled, checkpoint),
        ):
            with self.control.stop.everything:
                ending = await self._move(sides, checkpoint, plan or await self._plan(sides))
        ending.stopped = self.control.stop.requested
        return ending

    async def _first_plan(self, sides: Sides) -> Plan | None:
        """Plan as ``_plan`` does; where that has to wait, say so meanwhile and let no other run begin."""
        plan = None
        async with meanwhile(show_until_cancelled, self.control.progress, self.output):
            if self.control.pace.reason is None:
                plan = await self._plan(sides)
            else:
                async with held(self.settings.state_dir):
                    plan = await self._plan(sides)
        return plan

    async def _plan(self, sides: Sides) -> Plan | None:
        """Return what is to be moved, None if a signal came first; raises ``TransferError`` if that is nothing."""
        with self.control.stop.planning:
            if self.control.pace.reason is not None:
                await check_secrets(self.settings)
            await self.control.pace.open()
            if self.preflight is not None:
                await self.preflight(sides)
            plan = await make_plan(sides.source, sides.target, self.settings.selection)
            if not plan.dags:
                raise _nothing_to_move(plan)
            return await make_ready(plan, sides.target)
        return None

    async def _move(self, sides: Sides, checkpoint: Checkpoint, plan: Plan | None) -> Ending:
        if plan is None:
            return Ending()
        dags = await self._store(checkpoint, plan)
        if self.prepare is not None:
            with self.control.stop.planning:
                await self.control.pace.open()
            if self.control.stop.requested:
                return Ending()
            dags = await self.prepare(sides, checkpoint, dags)
        lost = lost_on_target(plan, await checkpoint.totals())
        ending = await run(self._job(sides, checkpoint, plan.mapping), dags)
        ending.problems.update({dag.dag_id: lost[dag.dag_id] for dag in dags if dag.dag_id in lost})
        return ending

    def _job(self, sides: Sides, checkpoint: Checkpoint, mapping: Mapping) -> Job:
        control = self.control
        return Job(
            self.settings,
            sides.source,
            sides.target,
            checkpoint,
            control.progress,
            control.stop,
            mapping=mapping,
            replace=self.prepare is not None,
            pace=control.pace,
            source_limit=control.limiting.sides["source"],
            target_limit=control.limiting.sides["target"],
            ceiling=control.finding.ceiling,
        )

    async def _store(self, checkpoint: Checkpoint, plan: Plan) -> list[PlannedDag]:
        log = structlog.get_logger()
        self.left_out = plan.left_out
        for note in plan.notes:
            log.warning(note)
        for dag_id, reason in plan.left_out.items():
            log.warning("DAG left out", dag=plain(dag_id), reason=reason)
        await checkpoint.store_plan(plan.dags)
        log.info("planned", dags=len(plan.dags), runs=plan.run_count)
        return sorted(await checkpoint.plan(), key=lambda dag: -dag.run_count)

    def _on_retry(self, event: RetryEvent) -> None:
        self.control.progress.retries += 1
        self.control.progress.wait(event.side, event.seconds, event.reason)
        warn_of_wait(event)

    async def _sum_up(self, checkpoint: Checkpoint, ending: Ending) -> int:
        totals = await checkpoint.totals()
        code = _exit_code(ending, rejected_rows(totals) + len(self.left))
        left = [plain(line) for line in self.left]
        forgotten = [f"{plain(dag_id)} {plain(run_id)}" for dag_id, run_id in self.control.progress.forgotten]
        snapshot, ceiling = self.control.progress.snapshot(), self.control.finding.ceiling.found
        summary = Summary(code, totals, snapshot, ending, self.left_out, left, forgotten, ceiling)
        show_summary(summary, self.settings.state_dir, self.output)
        return code


def _nothing_to_move(plan: Plan) -> TransferError:
    reasons = [f"{dag_id}: {reason}" for dag_id, reason in plan.left_out.items()]
    more = [f"and {len(reasons) - NAMED_REASONS} more"] if len(reasons) > NAMED_REASONS else []
    return TransferError(
        "\n".join(["nothing can be moved, every selected DAG is left out:", *reasons[:NAMED_REASONS], *more]),
        hint="`transfer plan` lists all of them with the reason",
    )


def _exit_code(ending: Ending, lacking: int) -> int:
    if ending.stopped:
        return ExitCode.STOPPED
    if ending.problems:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if lacking else ExitCode.DONE
