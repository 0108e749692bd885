"""What is to be done about each object, before anything is done."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from transfer.capabilities import Capabilities
from transfer.checkpoint.replacements import Replacement
from transfer.client.objects import OBJECT_KINDS, POOLS, ObjectKind, Objects
from transfer.engine.configuration.compare import Compared, Mark, compare
from transfer.engine.configuration.rules import refusal
from transfer.kinds import Row


class OnConflict(StrEnum):
    """What to do about an object that the target has otherwise."""

    SKIP = "skip"
    FAIL = "fail"
    REPLACE = "replace"


class Action(StrEnum):
    """What is done about one object."""

    CREATE = "create"
    REPLACE = "replace"
    COMPLETE = "complete"
    """A replacement that an earlier process began."""
    LEAVE = "leave"
    """It differs, and stays as it is."""
    REFUSE = "refuse"
    """The target would not take it."""
    NOTHING = "nothing"


DOING: Final = frozenset({Action.CREATE, Action.REPLACE, Action.COMPLETE})


@dataclass(frozen=True, slots=True)
class Step:
    """One object and what is done about it; ``reason`` says why nothing is, and what would help."""

    compared: Compared
    action: Action
    reason: str = ""

    @property
    def kind(self) -> ObjectKind:
        """Return the sort of object."""
        return self.compared.kind

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.compared.name


@dataclass(frozen=True, slots=True)
class Choice:
    """Which objects: of these kinds, with a name that fits one of ``names`` and none of ``excluded``."""

    kinds: tuple[ObjectKind, ...] = OBJECT_KINDS
    names: tuple[str, ...] = ("*",)
    excluded: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        """Tell whether an object of this name is meant, whatever its kind."""
        return _fits(name, self.names) and not _fits(name, self.excluded)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Both:
    """The objects of both sides by kind, secrets and all: never shown, never stored."""

    target: Capabilities
    here: dict[str, Objects] = field(default_factory=dict, repr=False)
    there: dict[str, Objects] = field(default_factory=dict, repr=False)

    def row(self, kind: ObjectKind, name: str) -> Row | None:
        """Return the source's object, None if it has none of that name."""
        return self.here[kind.name].get(name)


def make_steps(both: Both, choice: Choice, on_conflict: OnConflict, under_way: Sequence[Replacement]) -> list[Step]:
    """Return a step for every chosen object of either side, and for every replacement that was not brought to its end.

    The latter whatever is chosen: the target lacks the object, or is about to.
    """
    begun = {(one.kind, one.name) for one in under_way}
    steps: list[Step] = []
    for kind in OBJECT_KINDS:
        for one in compare(kind, both.here[kind.name], both.there[kind.name], both.target):
            if (kind.name, one.name) in begun:
                steps.append(_completing(both, one))
            elif kind in choice.kinds and choice.takes(one.name):
                steps.append(_step(both, one, on_conflict))
    return [*steps, *_lost(both, under_way)]


def _step(both: Both, one: Compared, on_conflict: OnConflict) -> Step:
    row = both.row(one.kind, one.name)
    if row is None or one.mark is Mark.SAME:
        return Step(one, Action.NOTHING)
    reason = refusal(one.kind, row, both.target)
    if reason is not None:
        return Step(one, Action.REFUSE, reason)
    if one.mark is Mark.MISSING:
        return Step(one, Action.CREATE)
    if one.kind is POOLS:
        return Step(one, Action.LEAVE, pool_advice(one.name, row))
    if on_conflict is OnConflict.REPLACE:
        return Step(one, Action.REPLACE)
    return Step(one, Action.LEAVE, "the target has another one; --on-conflict replace removes it and writes this one")


def _completing(both: Both, one: Compared) -> Step:
    """Return the step for a replacement that was begun: where the target has neither object it must get one."""
    row = both.row(one.kind, one.name)
    reason = None if row is None or one.mark is not Mark.MISSING else refusal(one.kind, row, both.target)
    return Step(one, Action.COMPLETE) if reason is None else Step(one, Action.REFUSE, reason)


def _lost(both: Both, under_way: Sequence[Replacement]) -> Iterator[Step]:
    """Yield the replacements of objects that neither side has any more."""
    kinds = {kind.name: kind for kind in OBJECT_KINDS}
    for one in under_way:
        kind = kinds.get(one.kind)
        if kind is not None and one.name not in both.here[kind.name] and one.name not in both.there[kind.name]:
            compared = Compared(kind, one.name, Mark.MISSING)
            yield Step(
                compared,
                Action.REFUSE,
                "it was removed from the target to be replaced, and the source does not have it any more:"
                " make it anew on either side",
            )


def pool_advice(name: str, row: Row) -> str:
    """Return how to change a pool by hand: Starship's way to remove one removes them all."""
    deferred = " --include-deferred" if row.get("include_deferred") else ""
    words = [name, str(row.get("slots")), row.get("description") or ""]
    command = f"airflow pools set {' '.join(map(shlex.quote, words))}{deferred}"
    return f"pools are never removed or changed: run `{command}` on the target, or edit it in Admin > Pools"


def counted(steps: Iterable[Step], *actions: Action) -> Counter[str]:
    """Return how many steps there are of each kind with one of ``actions``."""
    return Counter(step.kind.name for step in steps if step.action in actions)
