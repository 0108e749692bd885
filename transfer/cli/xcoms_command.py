"""``transfer xcoms``: the XComs of the runs that the job has moved."""

from dataclasses import dataclass

import anyio
import structlog

from transfer.checkpoint import Checkpoint
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.collecting import rare_collections
from transfer.cli.control import Control
from transfer.cli.live import show_until_cancelled
from transfer.cli.logs import has_live_view, set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions, XComOptions
from transfer.cli.session import Sides, identity, open_sides, read_settings, rereading
from transfer.cli.signals import until_done
from transfer.cli.waiting import check_secrets, meanwhile
from transfer.cli.xcoms_summary import XComSummary, show_xcoms
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.attached.lanes import AttachedEnding
from transfer.engine.xcoms.capacity import XComCapacity
from transfer.engine.xcoms.check import check_xcoms
from transfer.engine.xcoms.run import KIND, Job, move_xcoms
from transfer.errors import ExitCode, StateError, TransferError
from transfer.model import Counts
from transfer.progress import Progress


async def xcoms_job(xcoms: XComOptions, options: JobOptions, output: OutputOptions) -> int:
    """Move the XComs that are not done and return the exit code; raises ``TransferError`` if it had to end early."""
    settings = read_settings(options)
    set_up_logging(output, beside_table=has_live_view(output))
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    if not has_checkpoint(settings.state_dir):
        raise StateError(f"there is no job in {settings.state_dir}", hint="`transfer run` moves the history first")
    control = Control(settings, Progress(), rereading(options))
    invocation = _Invocation(settings, xcoms, output, control)
    with rare_collections():
        return await until_done(invocation.run, control, "XComs under way are still written")


async def can_move_xcoms(sides: Sides) -> None:
    """Raise ``UnsupportedError`` with the reason if XComs cannot be moved between ``sides``."""
    await check_xcoms(sides.source, sides.target)


@dataclass(slots=True)
class _Invocation:
    """One run of the program."""

    settings: Settings
    xcoms: XComOptions
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
            able = await check_xcoms(sides.source, sides.target)
            capacity = XComCapacity.of(able, self.settings.limits)
        if capacity is None:
            return AttachedEnding()
        return await move_xcoms(self._job(sides, checkpoint, capacity))

    def _job(self, sides: Sides, checkpoint: Checkpoint, capacity: XComCapacity) -> Job:
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
            found=self.xcoms.found,
            doubtful=self.xcoms.doubtful,
            again=self.xcoms.again,
        )

    async def _sum_up(self, checkpoint: Checkpoint, ending: AttachedEnding) -> int:
        totals = await checkpoint.totals()
        rejected = sum(kinds.get(KIND.value, Counts()).rejected for kinds in totals.rows.values())
        code = _exit_code(ending, rejected)
        summary = XComSummary(code, totals, rejected, self.control.progress.snapshot(), ending)
        show_xcoms(summary, self.settings.state_dir, self.output)
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
