"""``transfer xcoms``: the XComs of the runs that the job has moved."""

from dataclasses import dataclass
from functools import partial

from transfer.checkpoint import Checkpoint, Totals
from transfer.cli.attaching import Attaching, attach
from transfer.cli.options import JobOptions, OutputOptions, XComOptions
from transfer.cli.session import Sides
from transfer.cli.xcoms_summary import XComSummary, show_xcoms
from transfer.engine.attached.lanes import AttachedEnding
from transfer.engine.xcoms.capacity import XComCapacity
from transfer.engine.xcoms.check import check_xcoms
from transfer.engine.xcoms.run import KIND, Job, move_xcoms


async def xcoms_job(xcoms: XComOptions, options: JobOptions, output: OutputOptions) -> int:
    """Move the XComs that are not done and return the exit code; raises ``TransferError`` if it had to end early."""
    return await attach(partial(_XComs, xcoms=xcoms), options, output)


async def can_move_xcoms(sides: Sides) -> None:
    """Raise ``UnsupportedError`` with the reason if XComs cannot be moved between ``sides``."""
    await check_xcoms(sides.source, sides.target)


@dataclass(slots=True)
class _XComs(Attaching[XComCapacity]):
    """One run of the program."""

    xcoms: XComOptions

    kind = KIND
    under_way = "XComs under way are still written"

    async def ready(self, sides: Sides, checkpoint: Checkpoint) -> XComCapacity:
        """Return what the target takes, having made sure that XComs can be moved."""
        del checkpoint
        return XComCapacity.of(await check_xcoms(sides.source, sides.target), self.settings.limits)

    async def move(self, sides: Sides, checkpoint: Checkpoint, ready: XComCapacity) -> AttachedEnding:
        """Move the XComs."""
        control = self.control
        job = Job(
            self.settings,
            sides.source,
            sides.target,
            checkpoint,
            control.progress,
            control.stop,
            ready,
            control.pace,
            found=self.xcoms.found,
            doubtful=self.xcoms.doubtful,
            again=self.xcoms.again,
        )
        return await move_xcoms(job)

    def show(self, code: int, totals: Totals, rejected: int, ending: AttachedEnding) -> None:
        """Print the summary."""
        summary = XComSummary(code, totals, rejected, self.control.progress.snapshot(), ending)
        show_xcoms(summary, self.settings.state_dir, self.output)
