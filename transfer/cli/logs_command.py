"""``transfer logs``: the task logs of the runs that the job has moved."""

from dataclasses import dataclass
from functools import partial

import structlog

from transfer.checkpoint import Checkpoint, Totals
from transfer.cli.attaching import Attaching, attach
from transfer.cli.logs_summary import LogsSummary, show_logs
from transfer.cli.options import JobOptions, LogOptions, OutputOptions
from transfer.cli.session import Sides
from transfer.engine.attached.lanes import AttachedEnding
from transfer.engine.attached.walk import FOUND, OURS
from transfer.engine.logs.capacity import LogCapacity
from transfer.engine.logs.probe import check_apart, check_logs
from transfer.engine.logs.run import KIND, Job, move_logs


async def logs_job(logs: LogOptions, options: JobOptions, output: OutputOptions) -> int:
    """Move the logs that are not done and return the exit code; raises ``TransferError`` if it had to end early."""
    return await attach(partial(_Logs, logs=logs), options, output)


async def can_move_logs(sides: Sides) -> None:
    """Raise ``UnsupportedError`` with the reason if logs cannot be moved between ``sides``."""
    await check_logs(sides.source, sides.target)


@dataclass(slots=True)
class _Logs(Attaching[LogCapacity]):
    """One run of the program."""

    logs: LogOptions

    kind = KIND
    under_way = "logs under way are still finished"

    async def ready(self, sides: Sides, checkpoint: Checkpoint) -> LogCapacity:
        """Return what the target takes, having made sure that logs can be moved, if there are any to move."""
        able = await check_logs(sides.source, sides.target)
        left = await checkpoint.runs_left(KIND, OURS | FOUND if self.logs.found else OURS)
        structlog.get_logger().info("runs whose logs are to be moved", dags=len(left), runs=sum(left.values()))
        if left:
            await check_apart(sides.source.task_logs(), sides.target.task_logs())
        return LogCapacity.of(able, self.settings.limits)

    async def move(self, sides: Sides, checkpoint: Checkpoint, ready: LogCapacity) -> AttachedEnding:
        """Move the logs."""
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
            found=self.logs.found,
            verify=self.logs.verify,
        )
        return await move_logs(job)

    def show(self, code: int, totals: Totals, rejected: int, ending: AttachedEnding) -> None:
        """Print the summary."""
        progress = self.control.progress
        summary = LogsSummary(code, totals, rejected, progress.snapshot(), progress.bytes_sent, ending)
        show_logs(summary, self.settings.state_dir, self.output)
