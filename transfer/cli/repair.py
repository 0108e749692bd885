"""``transfer repair``: do something about what `transfer verify` found."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio
import structlog

from transfer.checkpoint import Checkpoint, CheckpointReader, PlannedDag
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.confirm import REMOVES, SENDS, check_can_ask, confirm
from transfer.cli.options import JobOptions, OutputOptions, RepairOptions
from transfer.cli.output import plain, say, say_json
from transfer.cli.run import carry_out
from transfer.cli.session import Sides, read_settings, rereading
from transfer.cli.survey import Work, survey
from transfer.config.settings import Selection, Settings
from transfer.engine.repair import Action, check_removal, remedies, remove_extra
from transfer.errors import ConfigError, ExitCode, StateError, StateMismatchError
from transfer.findings import Findings, read_findings
from transfer.report import table

_TITLES: Final = {
    Action.SEND: "send",
    Action.COMPLETE: "complete",
    Action.REPLACE: "replace",
    Action.REMOVE: "only on the target",
    Action.LEAVE: "unreadable",
}
_AGAIN: Final = "run `transfer verify` again to see that both sides are the same now"


def repair_job(repair: RepairOptions, options: JobOptions, output: OutputOptions) -> int:
    """Show what is to be done, ask, do it, and return the exit code.

    Raises ``StateError`` if there is no verification that could be acted upon, ``NotConfirmedError`` if nobody can be
    asked, or the ``TransferError`` that ended the job early.
    """
    settings, work = _prepared(options)
    removing = work.count(Action.REMOVE) if repair.delete_extra else 0
    left = list(_left(work, removing))
    _show(work, output, left)
    _warn_of_missing(work, settings, output)
    if not work.to_run and not removing:
        _say("nothing is left to be done, but:" if left else "nothing is left to be done", output)
        for line in left:
            _say(f"  {line}", output)
        return ExitCode.INCOMPLETE if left and not repair.dry_run else ExitCode.DONE
    if repair.dry_run:
        return ExitCode.DONE
    if not _agreed(work, removing, repair, output):
        _say("nothing was done", output)
        return ExitCode.INCOMPLETE
    doing = _Repair(work, settings.state_dir, left, delete_extra=removing > 0)
    code = anyio.run(carry_out, settings, output, doing, left, rereading(options))
    _say(_AGAIN, output)
    return code


def _left(work: Work, removing: int) -> Iterator[str]:
    """Yield what this repair does nothing about, with what would help."""
    surplus, unreadable = work.count(Action.REMOVE) - removing, work.count(Action.LEAVE)
    if surplus:
        yield f"{surplus:,} runs that only the target has: `transfer repair --delete-extra` removes them"
    if unreadable:
        yield f"{unreadable:,} runs could not be read when they were verified: run `transfer verify` again"


def _warn_of_missing(work: Work, settings: Settings, output: OutputOptions) -> None:
    if not settings.selection.allow_missing_dags:
        for dag_id in work.missing:
            _say(
                f"the target had no run of {plain(dag_id)}: if it does not have the DAG itself, this is left out"
                " (deploy it there, or use --allow-missing-dags)",
                output,
            )


def _prepared(options: JobOptions) -> tuple[Settings, Work]:
    """Return the job's settings and what is to be done; flags that select DAGs narrow down what was found."""
    if options.run_state or options.since or options.until or options.newest:
        raise ConfigError(["a repair acts on what was verified: only --dag and --exclude-dag narrow that down"])
    settings = read_settings(replace(options, dag=(), exclude_dag=()))
    with read_findings(settings.state_dir) as findings, _job(settings.state_dir) as job:
        if job is not None:
            settings = _with_selection(settings, job.job().selection)
        _check(findings, settings)
        return settings, survey(findings, job, options)


@contextmanager
def _job(state_dir: Path) -> Iterator[CheckpointReader | None]:
    if not has_checkpoint(state_dir):
        yield None  # somebody else has moved the history
        return
    with CheckpointReader.open(state_dir) as reader:
        yield reader


def _with_selection(settings: Settings, text: str) -> Settings:
    """Return ``settings`` with the selection of the job, whatever was said of it on command lines."""
    missing = {"allow_missing_dags": settings.selection.allow_missing_dags}
    selection = Selection.model_validate_json(text).model_copy(update=missing)
    return settings.model_copy(update={"selection": selection})


def _check(findings: Findings, settings: Settings) -> None:
    if not findings.finished:
        raise StateError(
            "the last verification was not finished",
            hint="run `transfer verify` until it is: what it has not compared cannot be repaired",
        )
    theirs, ours = json.loads(findings.identity.selection), settings.selection.model_dump(mode="json")
    pairs = {
        "source": (findings.identity.source, settings.source.url),
        "target": (findings.identity.target, settings.target.url),
        **{name: (theirs.get(name), ours[name]) for name in ("states", "since", "until", "newest")},
    }
    differing = [f"{name}: verified {was}, here {now}" for name, (was, now) in pairs.items() if was != now]
    if differing:
        raise StateMismatchError(
            "the last verification compared something else\n" + "\n".join(differing),
            hint="run `transfer verify` with the configuration of this job first",
        )


def _show(work: Work, output: OutputOptions, left: list[str]) -> None:
    if output.json:
        dags = {dag_id: {action: counts[action] for action in Action} for dag_id, counts in work.dags.items()}
        what = {
            "verification": work.verification,
            "ended_at": work.ended_at.isoformat(),
            "sample": work.sample,
            "one_way": work.one_way,
        }
        say_json({"event": "repair", **what, "dags": dags, "not_by_this_job": work.foreign, "left": left})
        return
    say(f"verification {work.verification}: runs that were not the same on both sides at {_moment(work)}")
    rows = [(dag_id, *(f"{counts[action]:,}" for action in Action)) for dag_id, counts in work.dags.items()]
    for line in table(("DAG", *_TITLES.values()), rows):
        say(f"  {line}")
    if work.sample is not None:
        say(f"task instances and tries were compared of about {work.sample:.1%} of the runs: more may differ")
    if work.one_way:
        say("surplus rows of the target were not looked for: runs that have some and lack others are only completed")
    if work.foreign:
        say(f"of the runs to replace, {work.foreign:,} are not known to have been written by this job")


def _agreed(work: Work, removing: int, repair: RepairOptions, output: OutputOptions) -> bool:
    """Tell whether somebody has agreed to everything that removes something."""
    replacing = work.count(Action.REPLACE)
    questions = [
        (replacing, f"Remove {replacing:,} runs from the target and send them anew?"),
        (removing, f"Remove {removing:,} runs from the target that the source did not have at {_moment(work)}?"),
        (not replacing and not removing, f"Send what lacks of {work.count(Action.SEND, Action.COMPLETE):,} runs?"),
    ]
    check_can_ask(output, REMOVES if replacing or removing else SENDS, yes=repair.yes)
    return all(confirm(question, yes=repair.yes) for wanted, question in questions if wanted)


def _moment(work: Work) -> str:
    return f"{work.ended_at:%Y-%m-%d %H:%M:%S} UTC"


def _say(text: str, output: OutputOptions) -> None:
    if not output.json:
        say(text)


@dataclass(slots=True)
class _Repair:
    """Turns what was found into work; adds to ``left`` what could not be tried: runs that must stay, DAGs left out."""

    work: Work
    state_dir: Path
    left: list[str]
    delete_extra: bool

    async def __call__(self, sides: Sides, checkpoint: Checkpoint, dags: list[PlannedDag]) -> list[PlannedDag]:
        with read_findings(self.state_dir) as findings:
            if str(findings.id) != self.work.verification:
                raise StateError("another verification has begun meanwhile", hint="let it end, then repair again")
            planned = {dag.dag_id for dag in dags}
            await check_removal(sides.target, sorted(self._removing() & planned))
            for dag_id in self.work.dags:
                if dag_id in planned:
                    await self._prepare(sides, checkpoint, findings, dag_id)
                else:
                    self._leave("the job does not move it", dag=dag_id)
        to_run = self.work.to_run | self._removing()
        return [dag for dag in dags if dag.dag_id in to_run]

    def _removing(self) -> frozenset[str]:
        """Return the DAGs of which runs may be removed from the target."""
        return self.work.having(Action.REPLACE, *[Action.REMOVE] * self.delete_extra)

    async def _prepare(self, sides: Sides, checkpoint: Checkpoint, findings: Findings, dag_id: str) -> None:
        if self.delete_extra:
            kept = await remove_extra(sides.target, checkpoint, findings, dag_id)
            for run_id, reason in kept.items():
                self._leave(reason, dag=dag_id, run=run_id)
        if dag_id in self.work.to_run:
            await checkpoint.reopen(dag_id, remedies(findings, dag_id), self.work.verification)

    def _leave(self, reason: str, **which: str) -> None:
        self.left.append(f"{' '.join(which.values())}: {reason}")
        named = {name: plain(value) for name, value in which.items()}
        structlog.get_logger().warning("left as it is", reason=plain(reason), **named)
