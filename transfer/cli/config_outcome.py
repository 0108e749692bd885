"""What a copy of objects came to, and the exit code."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from transfer.cli.options import OutputOptions
from transfer.cli.output import say_ours, say_ours_json
from transfer.engine.configuration.copy import Done
from transfer.engine.configuration.plan import DOING, Action, Step
from transfer.errors import ExitCode

_DID: Final = {Action.CREATE: "written", Action.REPLACE: "replaced", Action.COMPLETE: "completed"}
_NOT_DONE: Final = "not begun, or changed on either side since it was shown: run this again"


def show_outcome(steps: Sequence[Step], done: Sequence[Done], output: OutputOptions, early: int | None = None) -> int:
    """Show what became of each step and return the exit code, which is ``early`` when it had to end before its time."""
    left = _left(steps, done, stopped=early is not None)
    code = early if early is not None else ExitCode.INCOMPLETE if left else ExitCode.DONE
    counts = Counter((one.step.action, one.step.kind.name) for one in done if not one.reason)
    if output.json:
        say_ours_json({"event": "copied", "exit_code": code, **_as_json(counts), "left": left})
        return code
    for (action, kind), count in counts.items():
        say_ours(f"{_DID[action]}: {count:,} {kind}")
    if not counts:
        say_ours("nothing was written")
    for one in left:
        say_ours(f"left: {one['kind']} {one['name']}: {one['reason']}")
    return code


def _left(steps: Sequence[Step], done: Sequence[Done], *, stopped: bool) -> list[dict[str, str]]:
    """Return what the target lacks, or has otherwise, after all."""
    begun = {(one.step.kind.name, one.step.name) for one in done}
    waiting = [step for step in steps if step.action in DOING and (step.kind.name, step.name) not in begun]
    pairs = [(step, step.reason) for step in steps if step.action in {Action.LEAVE, Action.REFUSE}]
    pairs += [(one.step, one.reason) for one in done if one.reason]
    pairs += [(step, "not begun" if stopped else _NOT_DONE) for step in waiting]
    return [{"kind": step.kind.one, "name": step.name, "reason": reason} for step, reason in pairs]


def _as_json(counts: Counter[tuple[Action, str]]) -> dict[str, Any]:
    return {
        called: {kind: count for (action, kind), count in counts.items() if action is wanted}
        for wanted, called in _DID.items()
    }
