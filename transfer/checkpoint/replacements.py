"""Which objects are being replaced at this moment: the old one is removed, the new one may not stand yet.

A small file of its own in the state directory, since this belongs to two deployments and to no job between them. It
holds names and steps, never a value: what is lost when a process dies is read from the source again.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from transfer.checkpoint.failures import translated
from transfer.checkpoint.filesystem import make_private, refuse_network
from transfer.checkpoint.lock import DirectoryLock
from transfer.checkpoint.opening import bare
from transfer.errors import StateCorruptError, StateMismatchError

NOTES: Final = "replacements.json"
LOCK: Final = "replacements.lock"
_HINT: Final = "wait for it or stop it; the lock goes away with the process"


class Step(StrEnum):
    """How far a replacement is."""

    REMOVING = "removing"
    """The old object is there, or not any more."""
    WRITING = "writing"
    """The old object is gone; the new one may stand."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One object of the target; ``kind`` is the name of its kind, ``at`` UTC text."""

    kind: str
    name: str
    step: Step
    at: str = ""


class Replacements:
    """The replacements under way between a source and a target; what is noted survives any crash.

    All methods raise ``StateFullError`` when nothing can be written.
    """

    def __init__(self, path: Path, sides: tuple[str, str], clock: Callable[[], datetime]) -> None:
        self._path = path
        self._sides = sides
        self._clock = clock
        self._noted = {(one.kind, one.name): one for one in read_replacements(path.parent, *sides)}

    def under_way(self) -> list[Replacement]:
        """Return what was begun and not ended, in the order in which it was begun."""
        return list(self._noted.values())

    def note(self, kind: str, name: str, step: Step) -> None:
        """Note how far the replacement of an object is, before anything is done about it."""
        begun = self._noted.get((kind, name)) or Replacement(kind, name, step, self._clock().isoformat("T", "seconds"))
        self._noted[kind, name] = replace(begun, step=step)
        self._write()

    def end(self, kind: str, name: str) -> None:
        """Forget a replacement: the target has one of the two objects."""
        self._noted.pop((kind, name), None)
        self._write()

    def _write(self) -> None:
        source, target = self._sides
        noted = [{"kind": one.kind, "name": one.name, "step": one.step, "at": one.at} for one in self._noted.values()]
        text = json.dumps({"source": source, "target": target, "replacing": noted}, indent=1)
        new = self._path.with_name(f"{NOTES}.new")
        with translated(self._path):
            with open(new, "w", encoding="utf-8", opener=_private) as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
            _sync(self._path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def hold_replacements(
    directory: Path, source: str, target: str, *, clock: Callable[[], datetime] = _utc_now
) -> Iterator[Replacements]:
    """Hold the notes of a state directory, which is made if need be; a history may be moved meanwhile.

    ``source`` and ``target`` are URLs, of which any userinfo is ignored. Raises ``StateLockedError`` when another
    process has them, ``StateMismatchError`` when something is noted there between other deployments, or another
    ``StateError``.
    """
    with translated(directory / LOCK):
        make_private(directory)
        refuse_network(directory)
        lock = DirectoryLock(directory / LOCK, other="another copy of variables and connections", hint=_HINT)
    try:
        yield Replacements(directory / NOTES, (bare(source), bare(target)), clock)
    finally:
        lock.release()


def read_replacements(directory: Path, source: str, target: str) -> Sequence[Replacement]:
    """Return what is noted in a state directory, holding nothing; raises as ``hold_replacements`` does."""
    path = directory / NOTES
    with translated(path):
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return ()
    sides, noted = _parsed(path, text)
    here = bare(source), bare(target)
    if noted and sides != here:
        raise StateMismatchError(
            "objects are being replaced between other deployments\n"
            f"source: there {sides[0]}, here {here[0]}\ntarget: there {sides[1]}, here {here[1]}",
            hint="run `transfer config copy` with that configuration to its end, or use another state directory",
        )
    return noted


def _parsed(path: Path, text: str) -> tuple[tuple[str, str], list[Replacement]]:
    try:
        document: dict[str, Any] = json.loads(text)
        noted = [
            Replacement(str(one["kind"]), str(one["name"]), Step(one["step"]), str(one["at"]))
            for one in document["replacing"]
        ]
        return (document["source"], document["target"]), noted
    except (ValueError, KeyError, TypeError):
        pass  # raised below
    raise StateCorruptError(
        f"{path} cannot be read: it is not what this program wrote",
        hint="see with `transfer config diff` what the target lacks, once the file is removed",
    )
