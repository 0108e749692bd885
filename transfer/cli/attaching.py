"""What ``transfer logs`` and ``transfer xcoms`` have in common: one run over what hangs on moved runs."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import anyio
import structlog

from transfer.checkpoint import Checkpoint, Totals
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.collecting import rare_collections
from transfer.cli.control import Control
from transfer.cli.live import show_until_cancelled
from transfer.cli.logs import has_live_view, set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.session import Sides, identity, open_sides, read_settings, rereading
from transfer.cli.signals import until_done
from transfer.cli.waiting import check_secrets, meanwhile
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.attached.lanes import AttachedEnding
from transfer.errors import ExitCode, StateError, TransferError
from transfer.model import Attached, Counts
from transfer.progress import Progress

Ready = TypeVar("Ready")
"""What is found out before anything is moved."""


@dataclass(slots=True)
class Attaching(ABC, Generic[Ready]):
    """One run of the program."""

    settings: Settings
    output: OutputOptions
    control: Control

    kind: ClassVar[Attached]
    under_way: ClassVar[str]
    """What is said of that when the program is to stop."""

    @abstractmethod
    async def ready(self, sides: Sides, checkpoint: Checkpoint) -> Ready:
        """Make sure that it can be done; raises ``UnsupportedError`` with the reason if not."""

    @abstractmethod
    async def move(self, sides: Sides, checkpoint: Checkpoint, ready: Ready) -> AttachedEnding:
        """Move what is not done."""

    @abstractmethod
    def show(self, code: int, totals: Totals, rejected: int, ending: AttachedEnding) -> None:
        """Print how it ended."""

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
        found: list[Ready] = []
        with self.control.stop.planning:
            if self.control.pace.reason is not None:
                await check_secrets(self.settings)
            await self.control.pace.open()
            found.append(await self.ready(sides, checkpoint))
        return await self.move(sides, checkpoint, found[0]) if found else AttachedEnding()

    async def _sum_up(self, checkpoint: Checkpoint, ending: AttachedEnding) -> int:
        totals = await checkpoint.totals()
        rejected = sum(kinds.get(self.kind.value, Counts()).rejected for kinds in totals.rows.values())
        code = _exit_code(ending, rejected)
        self.show(code, totals, rejected, ending)
        return code

    def _on_retry(self, event: RetryEvent) -> None:
        self.control.progress.retries += 1
        self.control.progress.wait(event.side, event.seconds, event.reason)
        warn_of_wait(event)


async def attach(
    make: Callable[[Settings, OutputOptions, Control], Attaching[Ready]], options: JobOptions, output: OutputOptions
) -> int:
    """Carry out one run and return the exit code; raises ``TransferError`` if it had to end early."""
    settings = read_settings(options)
    set_up_logging(output, beside_table=has_live_view(output))
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    if not has_checkpoint(settings.state_dir):
        raise StateError(f"there is no job in {settings.state_dir}", hint="`transfer run` moves the history first")
    control = Control(settings, Progress(), rereading(options))
    attaching = make(settings, output, control)
    with rare_collections():
        return await until_done(attaching.run, control, attaching.under_way)


def _exit_code(ending: AttachedEnding, rejected: int) -> int:
    if ending.stopped:
        return ExitCode.STOPPED
    if ending.problems:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if rejected or ending.left else ExitCode.DONE
