"""What is noted about replacements, and what survives."""

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transfer.checkpoint.replacements import NOTES, Replacement, Step, hold_replacements, read_replacements
from transfer.errors import StateCorruptError, StateFullError, StateLockedError, StateMismatchError

SIDES = ("http://source", "http://target")


def test_notes_survive(tmp_path: Path) -> None:
    """What is noted is there for the next process, in order and with the time at which it began, until it ends."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with hold_replacements(tmp_path / "new", *SIDES, clock=lambda: moment) as notes:
        notes.note("variables", "b", Step.REMOVING)
        notes.note("variables", "a", Step.REMOVING)
        notes.note("variables", "b", Step.WRITING)
    at = "2026-01-02T03:04:05+00:00"
    both = [Replacement("variables", "b", Step.WRITING, at), Replacement("variables", "a", Step.REMOVING, at)]
    assert list(read_replacements(tmp_path / "new", *SIDES)) == both
    with hold_replacements(tmp_path / "new", *SIDES) as notes:
        assert notes.under_way() == both
        notes.end("variables", "b")
    assert list(read_replacements(tmp_path / "new", *SIDES)) == both[1:]


def test_nothing_is_noted(tmp_path: Path) -> None:
    """Where there is no file, nothing is; looking makes none."""
    assert list(read_replacements(tmp_path / "nowhere", *SIDES)) == []
    assert list(tmp_path.iterdir()) == []


def test_files_are_the_users_own(tmp_path: Path) -> None:
    """Mode 0600, and URLs without a user and a password."""
    with hold_replacements(tmp_path, "http://u:canary@source", SIDES[1]) as notes:
        notes.note("variables", "a", Step.REMOVING)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert "canary" not in (tmp_path / NOTES).read_text(encoding="utf-8")
    assert len(read_replacements(tmp_path, *SIDES)) == 1


def test_one_at_a_time(tmp_path: Path) -> None:
    """Another process is turned away."""
    with hold_replacements(tmp_path, *SIDES), pytest.raises(StateLockedError), hold_replacements(tmp_path, *SIDES):
        pass


def test_other_deployments(tmp_path: Path) -> None:
    """Notes of another pair are kept from this one; without any notes the file is anybody's."""
    with hold_replacements(tmp_path, *SIDES) as notes:
        notes.note("variables", "a", Step.REMOVING)
    with pytest.raises(StateMismatchError, match="http://other"):
        read_replacements(tmp_path, SIDES[0], "http://other")
    with hold_replacements(tmp_path, *SIDES) as notes:
        notes.end("variables", "a")
    assert list(read_replacements(tmp_path, SIDES[0], "http://other")) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"replacing": [1]}', json.dumps({"source": "", "target": "", "replacing": [{"kind": "v"}]})],
)
def test_a_file_that_is_not_ours(tmp_path: Path, text: str) -> None:
    """It is never taken for "nothing to do"."""
    (tmp_path / NOTES).write_text(text, encoding="utf-8")
    with pytest.raises(StateCorruptError):
        read_replacements(tmp_path, *SIDES)


def test_a_note_that_cannot_be_written(tmp_path: Path) -> None:
    """Raises before anything is done, and leaves the former notes."""
    with hold_replacements(tmp_path, *SIDES) as notes:
        notes.note("variables", "a", Step.REMOVING)
        (tmp_path / f"{NOTES}.new").mkdir()
        with pytest.raises(StateFullError):
            notes.note("variables", "b", Step.REMOVING)
    assert len(read_replacements(tmp_path, *SIDES)) == 1
