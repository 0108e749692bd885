"""``transfer undo``: remove from the target what the job has written there."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import anyio
import structlog

from transfer.checkpoint import Checkpoint, Totals
from transfer.checkpoint import Job as Identity
from transfer.checkpoint.undoing import Undone, Written, selection_of
from transfer.cli.collecting import rare_collections
from transfer.cli.confirm import REMOVES, check_can_ask, confirm
from transfer.cli.control import Control
from transfer.cli.live import show_until_cancelled
from transfer.cli.logs import has_live_view, set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import say
from transfer.cli.session import Sides, open_sides, read_settings, rereading
from transfer.cli.signals import until_done
from transfer.cli.undo_options import UndoOptions
from transfer.cli.undo_shown import Result, show_found, show_result
from transfer.cli.waiting import check_secrets, meanwhile
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Selection, Settings
from transfer.engine.plan import is_selected
from transfer.engine.repair import check_removal
from transfer.engine.undo.run import Job, UndoEnding, look, undo
from transfer.errors import ConfigError, ExitCode, SideError, StateError, TransferError
from transfer.mapping import mapping_for
from transfer.progress import Progress

_KEPT = "removals under way are still finished"


def undo_job(options: UndoOptions, job: JobOptions, output: OutputOptions) -> int:
    """Show what would be removed, ask, remove it, and return the exit code.

    Raises ``StateError`` if there is no job, ``NotConfirmedError`` if nobody can be asked, or the ``TransferError``
    that ended it early.
    """
    if job.run_state or job.since or job.until or job.newest:
        raise ConfigError(["an undo takes back what the job wrote: only --dag and --exclude-dag narrow that down"])
    settings = read_settings(replace(job, dag=(), exclude_dag=()))
    which = Which(settings, Identity(settings.source.url, settings.target.url, selection_of(settings.state_dir)), job)
    if not options.dry_run:
        check_can_ask(output, REMOVES, yes=options.yes)
    set_up_logging(output, beside_table=has_live_view(output))
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    found = Found()
    code = anyio.run(_look, which, options, output, found)
    goes_on = _shown(found, code, output) and not options.dry_run
    if not goes_on:
        return ExitCode.DONE if options.dry_run and code == ExitCode.INCOMPLETE else code
    if not _agreed(found.ending, options):
        if not output.json:
            say("nothing was removed")
        return ExitCode.INCOMPLETE
    return anyio.run(_undo, which, options, output, found)


def _shown(found: "Found", code: int, output: OutputOptions) -> bool:
    """Say what was found, and tell whether there is anything to do about it."""
    result = Result.of(found.ending, found.written, code)
    can_go_on = code != ExitCode.STOPPED and bool(_work(found.ending))
    if code in {ExitCode.STOPPED, ExitCode.FAILED} and not can_go_on:
        show_result(result, found.undone, output)
    else:
        show_found(result, found.undone, output, found.logs, found.awake)
    return can_go_on


def _work(ending: UndoEnding) -> list[str]:
    """Return the DAGs of which something is to be removed, or is gone and to be forgotten."""
    return [dag_id for dag_id, dag in ending.dags.items() if dag.removed or dag.gone]


def _agreed(ending: UndoEnding, options: UndoOptions) -> bool:
    runs = sum(dag.removed for dag in ending.dags.values())
    return not runs or confirm(f"Remove {runs:,} runs from the target, with all that hangs on them?", yes=options.yes)


async def _look(which: "Which", options: UndoOptions, output: OutputOptions, found: "Found") -> int:
    looking = _Invocation(which, options, output, which.control("found"), found)
    return await _until_done(looking.look, looking.control)


async def _undo(which: "Which", options: UndoOptions, output: OutputOptions, found: "Found") -> int:
    removing = _Invocation(which, options, output, which.control("removed"), found)
    return await _until_done(removing.undo, removing.control)


async def _until_done(work: Callable[[], Awaitable[int]], control: Control) -> int:
    with rare_collections():
        return await until_done(work, control, _KEPT)


@dataclass(slots=True)
class Found:
    """What was found before anything was removed.

    ``written`` are the DAGs that are asked for, ``awake`` those of them that are not paused on the target; ``logs``
    counts the task logs that were moved for them.
    """

    ending: UndoEnding = field(default_factory=UndoEnding)
    written: Mapping[str, Written] = field(default_factory=dict)
    undone: Mapping[str, Undone] = field(default_factory=dict)
    awake: Sequence[str] = ()
    logs: int = 0


@dataclass(frozen=True, slots=True)
class Which:
    """The job whose work is undone: its settings, what its state directory belongs to, and what the flags say."""

    settings: Settings
    identity: Identity
    options: JobOptions

    def control(self, verb: str) -> Control:
        """Return what one run of the program obeys; ``verb`` is what it does to runs."""
        return Control(self.settings, Progress(verb=verb), rereading(self.options))

    def wanted(self, written: Mapping[str, Written]) -> dict[str, Written]:
        """Return those of the DAGs that are asked for; raises ``ConfigError`` if there is none of them."""
        selection = Selection(dags=self.options.dag or ("*",), exclude_dags=self.options.exclude_dag)
        wanted = {dag_id: of for dag_id, of in written.items() if is_selected(dag_id, selection)}
        if written and not wanted:
            raise ConfigError(["--dag, --exclude-dag: this job remembers no run of these DAGs"])
        return wanted


@dataclass(slots=True)
class _Invocation:
    """One run of the program over the job: to look, or to remove what was found."""

    which: Which
    options: UndoOptions
    output: OutputOptions
    control: Control
    found: Found

    async def look(self) -> int:
        """Find out what would be removed, and return the exit code that it would come to; removes nothing."""
        async with Checkpoint.open(self.which.settings.state_dir, self.which.identity) as checkpoint:
            undoing = checkpoint.undoing()
            self.found.written = self.which.wanted(await undoing.written())
            self.found.undone = await undoing.undone()
            self.found.logs = _logs(await checkpoint.totals(), self.found.written)
            ours = {dag_id: written for dag_id, written in self.found.written.items() if written.ours}
            if ours:
                self.found.ending = await self._each(checkpoint, look, ours)
        return Result.of(self.found.ending, self.found.written).exit_code

    async def undo(self) -> int:
        """Remove it, say what became of it, and return the exit code."""
        async with Checkpoint.open(self.which.settings.state_dir, self.which.identity) as checkpoint:
            number = await checkpoint.begin_invocation()
            code = ExitCode.FAILED
            try:
                code = await self._undo(checkpoint)
            except TransferError as error:
                code = error.exit_code
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await checkpoint.end_invocation(number, code, self.control.finding.known())
        return code

    async def _undo(self, checkpoint: Checkpoint) -> int:
        dags = {dag_id: self.found.written[dag_id] for dag_id in _work(self.found.ending)}
        now = await checkpoint.undoing().written()
        if any(now.get(dag_id) != written for dag_id, written in dags.items()):
            raise StateError("the job went on meanwhile, nothing was removed", hint="let it end, then undo again")
        ending = await self._each(checkpoint, undo, dags)
        looked = self.found.ending
        ending.dags = {dag_id: ending.dags.get(dag_id, dag) for dag_id, dag in looked.dags.items()}
        ending.problems |= {dag_id: why for dag_id, why in looked.problems.items() if dag_id not in dags}
        result = Result.of(ending, self.found.written)
        show_result(result, await checkpoint.undoing().undone(), self.output, self.found.logs)
        return result.exit_code

    async def _each(
        self,
        checkpoint: Checkpoint,
        work: Callable[[Job, Mapping[str, Written]], Awaitable[UndoEnding]],
        dags: Mapping[str, Written],
    ) -> UndoEnding:
        """Do ``work`` with ``dags``, and show how it goes meanwhile."""
        settings, ending = self.which.settings, UndoEnding()
        async with (
            open_sides(settings, self._on_retry, self.control.limiting.sides) as sides,
            meanwhile(show_until_cancelled, self.control.progress, self.output),
        ):
            with self.control.stop.everything:
                job = await self._job(sides, checkpoint, dags, removing=work is undo)
                ending = UndoEnding() if job is None else await work(job, dags)
        ending.stopped = self.control.stop.requested
        return ending

    async def _job(self, sides: Sides, checkpoint: Checkpoint, dags: Collection[str], *, removing: bool) -> Job | None:
        """Return what the work needs, having made sure that runs can be removed; None if a signal came first."""
        control = self.control
        with control.stop.planning:
            if control.pace.reason is not None:
                await check_secrets(self.which.settings)
            await control.pace.open()
            mapping = mapping_for(await sides.source.info(), await sides.target.info())
            with suppress(SideError):  # a database that does not tell how it takes dates counts as exact
                mapping = mapping.with_database(await sides.target.probe_dates())
            if removing:
                await check_removal(sides.target, sorted(dags))
            else:
                awake = (dag.dag_id for dag in await sides.target.dags() if not dag.is_paused)
                self.found.awake = sorted(dag_id for dag_id in awake if dag_id in dags)
            return Job(
                self.which.settings,
                sides.source,
                sides.target,
                checkpoint.undoing(),
                control.progress,
                control.stop,
                mapping=mapping,
                pace=control.pace,
                delete_gone=self.options.delete_gone,
            )
        return None

    def _on_retry(self, event: RetryEvent) -> None:
        self.control.progress.retries += 1
        self.control.progress.wait(event.side, event.seconds, event.reason)
        warn_of_wait(event)


def _logs(totals: Totals, dags: Collection[str]) -> int:
    kinds = [totals.rows.get(dag_id, {}) for dag_id in dags]
    return sum(counts["task_logs"].moved for counts in kinds if "task_logs" in counts)
