"""``transfer run``: plan, move, sum up."""

import sys
from dataclasses import dataclass, field

import anyio
import structlog

from transfer.checkpoint import Checkpoint, PlannedDag
from transfer.cli.live import show_until_cancelled
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.session import identity, open_sides, read_settings
from transfer.cli.summary import Summary, show_summary
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.plan import Plan, make_plan
from transfer.engine.run import Ending, Job, run
from transfer.engine.stop import Stop
from transfer.errors import ExitCode, TransferError, gravest
from transfer.log import configure_logging
from transfer.progress import Progress
from transfer.report import rejected_rows


async def run_job(options: JobOptions, output: OutputOptions) -> int:
    """Move what is selected and return the exit code; raises ``TransferError`` if the job had to end early."""
    settings = read_settings(options)
    set_up_logging(output, settings)
    async with Checkpoint.open(settings.state_dir, identity(settings)) as checkpoint:
        number = await checkpoint.begin_invocation()
        code = ExitCode.STOPPED
        try:
            code = await _Invocation(settings, checkpoint, output).run()
        except TransferError as error:
            code = error.exit_code
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await checkpoint.end_invocation(number, code)
    return code


def set_up_logging(output: OutputOptions, settings: Settings) -> None:
    """Log to standard error: JSON for machines, few lines beside a live table, else everything of interest."""
    live = sys.stderr.isatty() and not output.json
    quiet = live and output.log_level == "info"
    configure_logging(level="warning" if quiet else output.log_level, json=output.json, stream=sys.stderr)
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)


@dataclass(slots=True)
class _Invocation:
    """One run of the program over an open checkpoint."""

    settings: Settings
    checkpoint: Checkpoint
    output: OutputOptions
    progress: Progress = field(default_factory=Progress)
    left_out: dict[str, str] = field(default_factory=dict)

    async def run(self) -> int:
        stop = Stop()
        ending = Ending()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(stop.on_signals, _heard)
                group.start_soon(show_until_cancelled, self.progress, self.output)
                with stop.everything:
                    ending = await self._move(stop)
                group.cancel_scope.cancel()
        except BaseExceptionGroup as failures:
            raise gravest(failures) from failures
        ending.stopped = stop.requested
        return await self._sum_up(ending)

    async def _move(self, stop: Stop) -> Ending:
        async with open_sides(self.settings, self._on_retry) as sides:
            dags: list[PlannedDag] = []
            with stop.reading:
                plan = await make_plan(sides.source, sides.target, self.settings.selection)
                dags = await self._store(plan)
            if stop.requested:
                return Ending()
            return await run(Job(self.settings, sides.source, sides.target, self.checkpoint, self.progress, stop), dags)

    async def _store(self, plan: Plan) -> list[PlannedDag]:
        log = structlog.get_logger()
        self.left_out = plan.left_out
        for dag_id, reason in plan.left_out.items():
            log.warning("DAG left out", dag=dag_id, reason=reason)
        await self.checkpoint.store_plan(plan.dags)
        log.info("planned", dags=len(plan.dags), runs=plan.run_count)
        return sorted(await self.checkpoint.plan(), key=lambda dag: -dag.run_count)

    def _on_retry(self, event: RetryEvent) -> None:
        self.progress.retries += 1
        self.progress.wait(event.side, event.seconds, event.reason)
        structlog.get_logger().warning(
            "waiting", side=event.side, request=event.what, seconds=round(event.seconds, 1), reason=event.reason
        )

    async def _sum_up(self, ending: Ending) -> int:
        totals = await self.checkpoint.totals()
        code = _exit_code(ending, rejected_rows(totals))
        summary = Summary(code, totals, self.progress.snapshot(), ending, self.left_out)
        show_summary(summary, self.settings.state_dir, self.output)
        return code


def _exit_code(ending: Ending, rejected: int) -> int:
    if ending.stopped:
        return ExitCode.STOPPED
    if ending.problems:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if rejected else ExitCode.DONE


def _heard(name: str, now: bool) -> None:  # noqa: FBT001  called by the engine, not by people
    said = "stopping now" if now else "stopping: what is under way is still written; again to stop now"
    structlog.get_logger().warning(said, signal=name)
