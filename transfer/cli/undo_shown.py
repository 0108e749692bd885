"""What ``transfer undo`` says: what it would remove, and what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from transfer.checkpoint.undoing import Undone, Written
from transfer.cli.options import OutputOptions
from transfer.cli.output import plain, say, say_json
from transfer.cli.undone import undone_json, undone_lines
from transfer.engine.undo.run import UndoEnding
from transfer.errors import ExitCode
from transfer.report import table

SHOWN: Final = 10
"""Runs that are left of which the text names the reason; JSON names all."""

_HEADLINES: Final = {
    ExitCode.DONE: "undone: nothing is left that this job wrote",
    ExitCode.FAILED: "not complete: see the reason of each DAG below; run again to go on",
    ExitCode.INCOMPLETE: "undone, but some of it had to be left",
    ExitCode.STOPPED: "stopped; run again to go on",
}
_BEGUN: Final = (
    "{:,} runs that the target had before, or may have had: this job may have added rows to them, which no API can"
    " remove one by one"
)


@dataclass(frozen=True, slots=True)
class Result:
    """What was found, or done: the DAGs, what is left of them in lines for people, and the exit code of that."""

    exit_code: int
    ending: UndoEnding
    written: Mapping[str, Written]
    left: Sequence[str]

    @classmethod
    def of(cls, ending: UndoEnding, written: Mapping[str, Written], code: int | None = None) -> "Result":
        """Return the result of ``ending``; with ``code`` that is the exit code."""
        left = list(_left(ending, written))
        return cls(_exit_code(ending, left) if code is None else code, ending, written, left)

    @property
    def dags(self) -> dict[str, dict[str, int]]:
        """Return the counts of each DAG for machines."""
        counts = {}
        for dag_id, written in self.written.items():
            dag = self.ending.dags.get(dag_id)
            found = (dag.removed, dag.gone, len(dag.left)) if dag else (0, 0, 0)
            names = ("removed", "gone", "left", "begun", "there_before")
            counts[dag_id] = dict(zip(names, (*found, written.begun, written.found), strict=True))
        return counts

    def count(self, name: str) -> int:
        """Return the sum of one of the counts."""
        return sum(counts[name] for counts in self.dags.values())


def show_found(
    result: Result, undone: Mapping[str, Undone], output: OutputOptions, logs: int, awake: Sequence[str]
) -> None:
    """Say what would be removed, DAG by DAG, what would be left, and which DAGs are ``awake`` on the target."""
    if output.json:
        say_json({"event": "undo", **_json(result, undone), "task_logs": logs, "not_paused": awake})
        return
    if not any(dag.removed or dag.gone for dag in result.ending.dags.values()):
        say("nothing is left to be removed that this job wrote")
        for line in undone_lines(undone):
            say(line)
    else:
        say("what this job wrote, and the target still has as it was written:")
        rows = [(dag_id, *(f"{count:,}" for count in counts.values())) for dag_id, counts in result.dags.items()]
        for line in table(("DAG", "to remove", "gone already", "left", "begun", "there before"), rows):
            say(f"  {line}")
    _say_left(result)
    if result.count("there_before"):
        say("runs that were there before this job stay, and so do rows that it may have added to them")
    if logs:
        say(f"{logs:,} task logs that were moved stay on the target as files: remove them there")
    if awake:
        more = f" and {len(awake) - SHOWN:,} more" if len(awake) > SHOWN else ""
        say(f"not paused on the target: {', '.join(awake[:SHOWN])}{more}")
        say("pause them first: once its runs are gone, a scheduler may run a DAG's past again")


def show_result(result: Result, undone: Mapping[str, Undone], output: OutputOptions, logs: int = 0) -> None:
    """Say what became of it."""
    headline = _HEADLINES[result.exit_code]
    if output.json:
        what = {"event": "summary", "exit_code": result.exit_code, "result": headline}
        say_json({**what, **_json(result, undone), "task_logs": logs})
        return
    say(headline)
    removed, gone = result.count("removed"), result.count("gone")
    if removed:
        say(f"{removed:,} runs were removed from the target, with all that hung on them in its database")
    if gone:
        say(f"{gone:,} runs were not there any more")
    _say_left(result)
    if removed or gone:
        say("`transfer run` would move them again")


def _json(result: Result, undone: Mapping[str, Undone]) -> dict[str, Any]:
    left = [plain(line) for line in result.left]
    problems = dict(result.ending.problems)
    return {"dags": result.dags, "left": left, "problems": problems, "undone": undone_json(undone)}


def _say_left(result: Result) -> None:
    for title, lines in (("not complete", _problems(result)), ("left as it is", result.left)):
        if lines:
            say(f"{title}:")
        for line in lines[:SHOWN]:
            say(f"  {line}")
        if len(lines) > SHOWN:
            say(f"  and {len(lines) - SHOWN:,} more: --json names all")


def _problems(result: Result) -> list[str]:
    return [f"{dag_id}: {reason}" for dag_id, reason in result.ending.problems.items()]


def _left(ending: UndoEnding, written: Mapping[str, Written]) -> Iterator[str]:
    for dag_id, dag in ending.dags.items():
        for run_id, reason in dag.left.items():
            yield f"{dag_id} {run_id}: {reason}"
    for dag_id, of in written.items():
        if of.begun:
            yield f"{dag_id}: {_BEGUN.format(of.begun)}"


def _exit_code(ending: UndoEnding, left: Sequence[str]) -> int:
    if ending.stopped:
        return ExitCode.STOPPED
    if ending.problems:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if left else ExitCode.DONE
