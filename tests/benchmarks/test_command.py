"""The command line of ``python -m benchmarks``."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.__main__ import framed, measured, parse
from benchmarks.measure import CandidateFailedError
from benchmarks.part import Bar, Document, Part, PartUnavailableError, Settings


def nothing(_settings: Settings) -> Document:
    """Measure nothing."""
    return {}


def size(parser: argparse._ArgumentGroup) -> None:
    """Add an option."""
    parser.add_argument("--large-size", type=int, default=5)


PARTS = {
    "small": Part("small", "A small part.", nothing, list, lambda *_: None),
    "large": Part("large", "A large part.", nothing, list, lambda *_: None, size),
}


def test_no_part_given_leaves_the_choice_to_all() -> None:
    """One command measures everything."""
    assert parse(PARTS, []).parts == []


def test_parts_and_their_own_options_are_taken() -> None:
    """A part's options are there whatever part is chosen."""
    options = parse(PARTS, ["large", "--large-size", "9", "--quick", "--repeat", "2"])
    assert (options.parts, options.large_size, options.quick, options.repeat) == (["large"], 9, True, 2)


@pytest.mark.parametrize("arguments", [["huge"], ["--repeat", "0"], ["--large-size", "x"]])
def test_what_cannot_be_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence, before anything is booted."""
    with pytest.raises(SystemExit) as ended:
        parse(PARTS, arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_help_names_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to read the source to know what can be measured."""
    with pytest.raises(SystemExit):
        parse(PARTS, ["--help"])
    said = capsys.readouterr().out
    assert "A small part." in said
    assert "A large part." in said


def test_a_document_is_framed_with_machine_and_versions() -> None:
    """What the part says of its servers stands beside what is known of the client."""
    document = framed({"versions": {"postgresql": "15"}}, quick=True, repeat=1)
    assert document["versions"]["postgresql"] == "15"
    assert document["versions"]["transfer"]
    assert document["machine"]["cpus"]
    assert document["quick"] is True


@pytest.mark.parametrize(
    "error", [CandidateFailedError("exit code 1: the target is down"), PartUnavailableError("no uv")]
)
def test_a_part_that_cannot_be_measured_says_why_and_leaves_the_others(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and no end of an hour's measuring."""

    def fails(_settings: Settings) -> Document:
        raise error

    part = Part("small", "A small part.", fails, list, lambda *_: None)
    options = argparse.Namespace(repeat=None, quick=False, results=tmp_path)
    assert measured(part, options) is False
    assert f"small: {error}" in capsys.readouterr().err


EXTRAS = ("psycopg", "tests", "matplotlib")
WITHOUT_EXTRAS = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))  # whoever imports one of these is told that there is none
from benchmarks.__main__ import main
main()
"""


def without_extras(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on a machine that has nothing but ``transfer`` itself."""
    program = [sys.executable, "-c", WITHOUT_EXTRAS, *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False)  # noqa: S603  our own command


def test_the_help_needs_no_extras() -> None:
    """What can be measured is known before anything is installed for it."""
    said = without_extras("--help")
    assert (said.returncode, said.stderr) == (0, "")
    assert all(part in said.stdout for part in ("real", "overhead", "scale", "networks"))


def test_the_real_pair_says_what_it_needs(tmp_path: Path) -> None:
    """A sentence instead of a traceback, and no empty summary."""
    said = without_extras("real", "--quick", "--results", str(tmp_path))
    assert said.returncode == 1
    assert said.stderr.startswith("real: module tests")
    assert "pip install -e '.[test]'" in said.stderr
    assert "Traceback" not in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_bars_of_a_quick_run_are_not_judged() -> None:
    """Its document says neither that a promise is held nor that it is not."""
    promised = [Bar("against the pipe", 1.04, 1.05).document()]
    (quick,), (whole,) = (framed({"bars": promised}, quick=quick, repeat=1)["bars"] for quick in (True, False))
    assert (quick["held"], whole["held"]) == (None, False)


def run_command(monkeypatch: pytest.MonkeyPatch, parts: dict[str, Part], folder: Path) -> object:
    """Run the command over ``parts`` and return its exit code."""
    monkeypatch.setattr(command, "all_parts", lambda: parts)
    monkeypatch.setattr(command, "interruptible", lambda: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--results", str(folder)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    return ended.value.code


def interrupted(_settings: Settings) -> Document:
    """Stand for Ctrl-C in the middle of a part."""
    raise KeyboardInterrupt


INTERRUPTED = Part("large", "A large part.", interrupted, list, lambda *_: None)


def test_an_interruption_before_anything_was_measured_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A summary of nothing would look like a result."""
    assert run_command(monkeypatch, {"large": INTERRUPTED}, tmp_path) == command.INTERRUPTED
    assert list(tmp_path.iterdir()) == []
    assert "All bars" not in capsys.readouterr().out


def test_an_interruption_keeps_what_was_measured_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts that are whole are in the summary."""
    monkeypatch.setattr("benchmarks.results.draw", lambda *_: False)
    small = Part("small", "A small part.", nothing, lambda _: ["7 rows"], lambda *_: None)
    assert run_command(monkeypatch, {"small": small, "large": INTERRUPTED}, tmp_path) == command.INTERRUPTED
    assert "## [small](small.md)" in (tmp_path / "summary.md").read_text()
