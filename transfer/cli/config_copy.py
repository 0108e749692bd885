"""``transfer config copy``: give the target the variables, connections and pools that it lacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

import anyio
import structlog

from transfer.checkpoint.replacements import Replacement, Replacements, hold_replacements, read_replacements
from transfer.cli.config_options import CopyOptions, KindOptions, NameOptions, SidesOptions
from transfer.cli.config_outcome import show_outcome
from transfer.cli.config_show import show_steps
from transfer.cli.config_sides import ObjectSides, chosen, open_objects
from transfer.cli.confirm import check_can_ask, confirm
from transfer.cli.control import Control
from transfer.cli.logs import set_up_logging
from transfer.cli.options import OutputOptions
from transfer.cli.output import printable, say_ours
from transfer.cli.session import read_settings, rereading
from transfer.cli.signals import until_done
from transfer.client.objects import OBJECT_KINDS
from transfer.config.load import secret_warnings
from transfer.config.settings import Settings
from transfer.engine.configuration.act import Acting
from transfer.engine.configuration.compare import Mark
from transfer.engine.configuration.copy import Copying, Done, read_both
from transfer.engine.configuration.plan import DOING, Action, Both, Choice, OnConflict, Step, counted, make_steps
from transfer.errors import ExitCode, TransferError
from transfer.progress import Progress

WRITES: Final = "this writes variables, connections and pools to the target"
_KEPT: Final = "what is being written is brought to its end"


class ConflictsError(TransferError):
    """Raised with ``--on-conflict fail`` when the target has something otherwise; nothing was written."""

    exit_code: ClassVar[int] = ExitCode.FAILED


def copy_objects(
    copying: CopyOptions, sides: SidesOptions, kinds: KindOptions, names: NameOptions, output: OutputOptions
) -> int:
    """Show what is to be done, ask, do it, and return the exit code.

    Raises ``NotConfirmedError`` if nobody can be asked, ``ConflictsError``, or the ``TransferError`` that ended it.
    """
    settings, choice = read_settings(sides.job), chosen(kinds, names)
    set_up_logging(output)
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    wanted = _Wanted(settings, choice, OnConflict(copying.on_conflict))
    if copying.dry_run:
        under_way = read_replacements(settings.state_dir, settings.source.url, settings.target.url)
        show_steps(anyio.run(_Reading(wanted, under_way).steps), under_way, output)
        return ExitCode.DONE
    reread = rereading(sides.job)
    with hold_replacements(settings.state_dir, settings.source.url, settings.target.url) as notes:
        steps = anyio.run(_Reading(wanted, notes.under_way()).allowed_steps)
        show_steps(steps, notes.under_way(), output)
        _refuse_conflicts(steps, wanted.on_conflict)
        if not counted(steps, *DOING):
            return show_outcome(steps, [], output)
        if not _agreed(steps, copying, output):
            say_ours("nothing was done")
            return ExitCode.INCOMPLETE
        return anyio.run(_Invocation(wanted, notes, steps, output).start, reread)


def _refuse_conflicts(steps: Sequence[Step], on_conflict: OnConflict) -> None:
    conflicts = [s for s in steps if s.compared.mark is Mark.DIFFERS and s.action is not Action.COMPLETE]
    names = [printable(f"{step.kind.one} {step.name}") for step in conflicts]
    if on_conflict is OnConflict.FAIL and names:
        raise ConflictsError(
            f"the target has {len(names):,} objects otherwise, so nothing was written: {', '.join(names)}",
            hint="use --on-conflict skip to leave them, or replace; or leave them out with --exclude-name",
        )


def _agreed(steps: Sequence[Step], copying: CopyOptions, output: OutputOptions) -> bool:
    check_can_ask(output, WRITES, yes=copying.yes)
    made, anew = counted(steps, Action.CREATE), counted(steps, Action.REPLACE, Action.COMPLETE)
    parts = [f"write {_listed(made)}"] if made else []
    parts += [f"replace {_listed(anew)} there"] if anew else []
    return confirm(f"{' and '.join(parts).capitalize()}?", yes=copying.yes)


def _listed(counts: dict[str, int]) -> str:
    words = [f"{counts[kind.name]:,} {kind.name if counts[kind.name] > 1 else kind.one}" for kind in OBJECT_KINDS]
    return ", ".join(word for word, kind in zip(words, OBJECT_KINDS, strict=True) if counts[kind.name])


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for."""

    settings: Settings
    choice: Choice
    on_conflict: OnConflict

    async def read(self, sides: ObjectSides, *, everything: bool) -> Both:
        """Read the objects of both sides: of the kinds that are wanted, or of all."""
        kinds = OBJECT_KINDS if everything else self.choice.kinds
        return await read_both(sides.source, sides.target, sides.capabilities, kinds)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The look at both sides before anybody is asked."""

    wanted: _Wanted
    under_way: Sequence[Replacement]

    async def allowed_steps(self) -> list[Step]:
        """Return what is to be done; raises ``StopFileError`` if nothing is to begin at all."""
        Control(self.wanted.settings, Progress())
        return await self.steps()

    async def steps(self) -> list[Step]:
        """Return what is to be done; no value of an object outlives it."""
        async with open_objects(self.wanted.settings) as sides:
            both = await self.wanted.read(sides, everything=bool(self.under_way))
            return make_steps(both, self.wanted.choice, self.wanted.on_conflict, self.under_way)


@dataclass(slots=True)
class _Invocation:
    """What was agreed to, carried out: on what both sides have by then."""

    wanted: _Wanted
    notes: Replacements
    agreed: Sequence[Step]
    output: OutputOptions
    control: Control = field(init=False)

    async def start(self, reread: Callable[[], Settings]) -> int:
        """Carry it out; a signal stops it, and SIGHUP reads the limits again with ``reread``."""
        self.control = Control(self.wanted.settings, Progress(), reread)
        return await until_done(self.run, self.control, _KEPT)

    async def run(self) -> int:
        """Carry it out and return the exit code; what was done is shown also when it had to end early."""
        done: list[Done] = []
        try:
            async with open_objects(self.wanted.settings, self.control.limiting.sides) as sides:
                with self.control.stop.planning:
                    await self._copy(sides, done)
        except BaseException:
            show_outcome(self.agreed, done, self.output, ExitCode.FAILED)
            raise
        early = ExitCode.STOPPED if self.control.stop.requested else None
        return show_outcome(self.agreed, done, self.output, early)

    async def _copy(self, sides: ObjectSides, done: list[Done]) -> None:
        await self.control.pace.open()
        both = await self.wanted.read(sides, everything=True)
        steps = make_steps(both, self.wanted.choice, self.wanted.on_conflict, self.notes.under_way())
        asked = {(step.kind.name, step.name, step.action) for step in self.agreed}
        steps = [step for step in steps if (step.kind.name, step.name, step.action) in asked]
        copying = Copying(both, sides.target, Acting(sides.target, self.notes), self.control.stop, self.control.pace)
        copying.told, copying.done = _tell, done
        with anyio.CancelScope(shield=True):  # from `planning`; it stops by itself
            await copying.carry_out(steps)


def _tell(done: Done) -> None:
    log = structlog.get_logger()
    step = done.step
    if done.reason:
        log.warning("not done", object=step.kind.one, name=printable(step.name), reason=done.reason)
    else:
        log.debug("done", object=step.kind.one, name=printable(step.name), action=str(step.action))
