"""``transfer logs``: the task logs of the runs that the job has moved."""

from dataclasses import dataclass

import anyio
import structlog

from transfer.checkpoint import Checkpoint
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.collecting import rare_collections
from transfer.cli.control import Control
from transfer.cli.live import show_until_cancelled
from transfer.cli.logs import has_live_view, set_up_logging, warn_of_wait
from transfer.cli.logs_summary import LogsSummary, show_logs
from transfer.cli.options import JobOptions, LogOptions, OutputOptions
from transfer.cli.session import Sides, identity, open_sides, read_settings, rereading
from transfer.cli.signals import until_done
from transfer.cli.waiting import check_secrets, meanwhile
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.attached.lanes import AttachedEnding
from transfer.engine.attached.walk import FOUND, OURS
from transfer.engine.logs.capacity import LogCapacity
from transfer.engine.logs.probe import check_apart, check_logs
from transfer.engine.logs.run import KIND, Job, move_logs
from transfer.errors import ExitCode, StateError, TransferError
from transfer.model import Counts
from transfer.progress import Progress


async def logs_job(logs: LogOptions, options: JobOptions, output: OutputOptions) -> int:
    """Move the logs that are not done and return the exit code; raises ``TransferError`` if it had to end early."""
    settings = read_settings(options)
    set_up_logging(output, beside_table=has_live_view(output))
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    if not has_checkpoint(settings.state_dir):
        raise StateError(f"there is no job in {settings.state_dir}", hint="`transfer run` moves the history first")
    control = Control(settings, Progress(), rereading(options))
    invocation = _Invocation(settings, logs, output, control)
    with rare_collections():
        return await until_done(invocation.run, control, "logs under way are still finished")


async def can_move_logs(sides: Sides) -> None:
    """Raise ``UnsupportedError`` with the reason if logs cannot be moved between ``sides``."""
    await check_logs(sides.source, sides.target)


def worse(one: int, other: int) -> int:
    """Return the exit code of two commands that were carried out one after the other."""
    order = (ExitCode.STOPPED, ExitCode.FAILED, ExitCode.INCOMPLETE, ExitCode.DONE)
    return next(code for code in order if code in (one, other))


@dataclass(slots=True)
class _Invocation:
    """One run of the program."""

    settings: Settings
    logs: LogOptions
    output: OutputOptions
    control: Control

    async def run(self) -> int:
        """Move, and sum up."""
        async with (
            open_sides(self.settings, self._on_retry, self.control.limiting.sides) as sides,
            Checkpoint.open(self.settings.state_dir, identity(self.settings)) as checkpoint,
        ):
            number = await checkpoint.begin_invocation()
            code = ExitCode.FAILED
            try:
                code = await self._sum_up(checkpoint, await self._watched(sides, checkpoint))
            except TransferError as error:
                code = error.exit_code
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await checkpoint.end_invocation(number, code, self.control.finding.known())
        return code

    async def _watched(self, sides: Sides, checkpoint: Checkpoint) -> AttachedEnding:
        """Move, and show how it goes meanwhile."""
        ending = AttachedEnding()
        async with (
            meanwhile(show_until_cancelled, self.control.progress, self.output),
            meanwhile(self.control.finding.store_until_cancelled, checkpoint),
        ):
            with self.control.stop.everything:
                ending = await self._move(sides, checkpoint)
        ending.stopped = self.control.stop.requested
        return ending

    async def _move(self, sides: Sides, checkpoint: Checkpoint) -> AttachedEnding:
        capacity = None
        with self.control.stop.planning:
            if self.control.pace.reason is not None:
                await check_secrets(self.settings)
            await self.control.pace.open()
            capacity = await self._capacity(sides, checkpoint)
        if capacity is None:
            return AttachedEnding()
        return await move_logs(self._job(sides, checkpoint, capacity))

    async def _capacity(self, sides: Sides, checkpoint: Checkpoint) -> LogCapacity:
        """Return what the target takes, having made sure that logs can be moved, if there are any to move."""
        able = await check_logs(sides.source, sides.target)
        left = await checkpoint.runs_left(KIND, OURS | FOUND if self.logs.found else OURS)
        structlog.get_logger().info("runs whose logs are to be moved", dags=len(left), runs=sum(left.values()))
        if left:
            await check_apart(sides.source.task_logs(), sides.target.task_logs())
        return LogCapacity.of(able, self.settings.limits)

    def _job(self, sides: Sides, checkpoint: Checkpoint, capacity: LogCapacity) -> Job:
        control = self.control
        return Job(
            self.settings,
            sides.source,
            sides.target,
            checkpoint,
            control.progress,
            control.stop,
            capacity,
            control.pace,
            found=self.logs.found,
            verify=self.logs.verify,
        )

    async def _sum_up(self, checkpoint: Checkpoint, ending: AttachedEnding) -> int:
        totals = await checkpoint.totals()
        rejected = sum(kinds.get(KIND.value, Counts()).rejected for kinds in totals.rows.values())
        code = _exit_code(ending, rejected)
        progress = self.control.progress
        summary = LogsSummary(code, totals, rejected, progress.snapshot(), progress.bytes_sent, ending)
        show_logs(summary, self.settings.state_dir, self.output)
        return code

    def _on_retry(self, event: RetryEvent) -> None:
        self.control.progress.retries += 1
        self.control.progress.wait(event.side, event.seconds, event.reason)
        warn_of_wait(event)


def _exit_code(ending: AttachedEnding, rejected: int) -> int:
    if ending.stopped:
        return ExitCode.STOPPED
    if ending.problems:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if rejected else ExitCode.DONE
