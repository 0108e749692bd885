"""What is said of objects: names and fields, and of pools their values; never a value of anything else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from transfer.checkpoint.replacements import Replacement
from transfer.cli.options import OutputOptions
from transfer.cli.output import say_ours, say_ours_json
from transfer.client.objects import OBJECT_KINDS
from transfer.engine.configuration.compare import Compared, Mark
from transfer.engine.configuration.plan import Action, Step

_CALLED: Final = {
    Mark.SAME: "the same",
    Mark.MISSING: "missing on the target",
    Mark.DIFFERS: "different",
    Mark.ONLY_TARGET: "only on the target",
}
_KEYS: Final = {Mark.MISSING: "missing", Mark.DIFFERS: "differing", Mark.ONLY_TARGET: "only_target"}


def show_steps(steps: Sequence[Step], under_way: Sequence[Replacement], output: OutputOptions, **more: Any) -> None:
    """Show both sides beside each other, and what an earlier process has not brought to its end."""
    if output.json:
        say_ours_json({"event": "configuration", **_as_json(steps), "interrupted": _noted(under_way), **more})
        return
    if not steps:
        say_ours("neither side has such an object")
    for kind in OBJECT_KINDS:
        of_kind = [step for step in steps if step.kind is kind]
        if of_kind:
            say_ours(f"{kind.name}: {_counts([step.compared.mark for step in of_kind])}")
            for line in _lines(of_kind):
                say_ours(f"  {line}")
    for one in under_way:
        say_ours(
            f"the replacement of {one.kind[:-1]} {one.name}, begun at {one.at}, was interrupted while {one.step}:"
            " `transfer config copy` completes it with the source's value"
        )


def _counts(marks: Sequence[Mark]) -> str:
    return ", ".join(f"{marks.count(mark):,} {called}" for mark, called in _CALLED.items() if mark in marks)


def _lines(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if step.compared.mark is not Mark.SAME:
            yield f"{step.compared.mark} {step.name}{_differing(step.compared)}"
        if step.action in {Action.REFUSE, Action.LEAVE} and step.reason:
            yield f"    {step.reason}"


def _differing(one: Compared) -> str:
    if one.plain is not None:
        return (
            "  (" + "; ".join(f"{name} {there} there, {here} here" for name, (there, here) in one.plain.items()) + ")"
        )
    return f"  ({', '.join(one.fields)})" if one.fields else ""


def _as_json(steps: Sequence[Step]) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {}
    for kind in OBJECT_KINDS:
        of_kind = [step for step in steps if step.kind is kind]
        by_mark = {mark: [step for step in of_kind if step.compared.mark is mark] for mark in Mark}
        kinds[kind.name] = {
            "same": len(by_mark[Mark.SAME]),
            **{key: [step.name for step in by_mark[mark]] for mark, key in _KEYS.items() if mark is not Mark.DIFFERS},
            "differing": {step.name: list(step.compared.fields) for step in by_mark[Mark.DIFFERS]},
            "left": {step.name: step.reason for step in of_kind if step.reason},
        }
    return {"kinds": kinds}


def _noted(under_way: Sequence[Replacement]) -> list[dict[str, str]]:
    return [{"kind": one.kind, "name": one.name, "step": one.step, "at": one.at} for one in under_way]


def show_environment(marks: Mapping[str, Mark], output: OutputOptions) -> None:
    """Show which environment variables differ; nothing for machines, which get them with the rest."""
    if output.json or not marks:
        return
    say_ours(f"environment variables: {_counts(list(marks.values()))}")
    for name, mark in marks.items():
        if mark is not Mark.SAME:
            say_ours(f"  {mark} {name}")
    if {Mark.MISSING, Mark.DIFFERS} & set(marks.values()):
        say_ours("  they cannot be written: `transfer config env FILE` puts them into a file")


def environment_json(marks: Mapping[str, Mark]) -> dict[str, list[str]]:
    """Return the same for machines."""
    return {key: [name for name, found in marks.items() if found is mark] for mark, key in _KEYS.items()}
