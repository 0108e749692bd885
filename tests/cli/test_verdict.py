"""What a verification ends with, in words."""

import io
from collections import Counter
from pathlib import Path

import anyio
import pytest
from rich.console import Console

from transfer.cli.live import render
from transfer.cli.verdict import Verdict, exit_code
from transfer.cli.verdict_text import say_as_text
from transfer.findings import FindingsStore, Identity, Opening, Point, Step, Tally, read_findings
from transfer.model import Difference, Mark
from transfer.progress import Progress

HOSTILE = "etl\x1b[31m\x07\u202e\u2028\nok"


async def store(
    folder: Path, found: dict[str, list[Difference]], what: Identity, *, missing: bool, with_children: int = 1
) -> None:
    """Store a finished verification with these differences; each DAG has two equal runs besides."""
    async with FindingsStore.open(folder, Opening(what, seed=3)) as findings:
        await findings.plan([(dag_id, 2) for dag_id in found])
        for dag_id, differences in found.items():
            losses = Counter({("task_instances", "trigger_id"): 4})
            tally = Tally(Counter({("dag_runs", Mark.SAME): 2}), losses, 1, 3, with_children)
            for difference in differences:
                tally.rows[difference.kind, difference.mark] += difference.rows
            await findings.advance(dag_id, Step(Point(missing=missing), tally, differences=differences))
            await findings.end(dag_id)
        await findings.finish()


def said(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    found: dict[str, list[Difference]],
    *,
    what: Identity | None = None,
    missing: bool = False,
    with_children: int = 1,
) -> list[str]:
    """Return the lines that a verification ends with."""

    async def make() -> None:
        await store(folder, found, what or Identity("a", "b", "c"), missing=missing, with_children=with_children)

    anyio.run(make)
    with read_findings(folder) as findings:
        dags = findings.dags()
        say_as_text(Verdict(exit_code(findings, dags), findings, dags, folder), everything=False)
    return capsys.readouterr().out.splitlines()


def missing_run(dag_id: str, run_id: str = "r") -> Difference:
    """Return a difference."""
    return Difference(Mark.MISSING, "dag_runs", dag_id, run_id)


def test_of_many_dags_those_with_differences_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The sum is of all of them, and how many are not named is said."""
    found = {f"dag_{number:02d}": [missing_run(f"dag_{number:02d}")] * (number in (4, 7)) for number in range(30)}
    lines = said(capsys, tmp_path, found)
    words = [line.split() for line in lines]
    assert lines[0] == "not the same"
    assert [line[0] for line in words if "dag_runs" in line and line[0] != "+"] == ["dag_04", "dag_07", "all"]
    assert ["all", "dag_runs", "60", "2"] in words
    assert "and 28 more DAGs, which are part of the sum; --list shows all" in lines


def test_the_first_differences_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Twenty of them, and how to see all."""
    lines = said(capsys, tmp_path, {"d": [missing_run("d", f"r{number:03d}") for number in range(50)]})
    assert [line for line in lines if line.startswith("  +")] == [
        f"  + dag_runs d r{number:03d}" for number in range(20)
    ]
    assert f"all differences, of 50 rows: transfer verify --list --state-dir {tmp_path}" in lines


def test_what_is_no_difference_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Known losses and runs that are not over are counted."""
    lines = said(capsys, tmp_path, {"d": [], "e": []})
    assert lines[0] == "the same"
    assert "known loss, no difference: task_instances trigger_id, 8 rows" in lines
    assert "2 runs were not at rest at the source and not compared" in lines
    assert "6 runs changed or went while they were compared: another verification tells" in lines


def test_what_narrows_the_result_is_in_the_headline(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A sample is never just the same; the seed repeats it."""
    lines = said(capsys, tmp_path, {"d": []}, what=Identity("a", "b", "c", sample=0.05, one_way=True))
    assert lines[0] == (
        "the same, of a sample: task instances and tries of 1 of 2 runs (50%) were compared,"
        " rows that only the target has were not looked for"
    )
    assert any(line.endswith("--seed 3") for line in lines)


def test_a_sample_that_has_taken_nothing_is_not_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Runs alone say nothing of what is below them."""
    lines = said(capsys, tmp_path, {"d": []}, what=Identity("a", "b", "c", sample=0.05), with_children=0)
    assert lines[0] == "the runs are the same, but of none were task instances compared"


def test_what_was_compared_and_what_to_do_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Both deployments, and the command that mends the differences."""
    lines = said(capsys, tmp_path, {"d": [missing_run("d")]})
    assert "source a, target b" in lines
    assert f"what can be done about it: transfer repair --dry-run --state-dir {tmp_path}" in lines


def test_a_dag_that_is_missing_as_a_whole_is_said_to_be(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its children were not counted, and that is said."""
    lines = said(capsys, tmp_path, {"d": [missing_run("d")]}, missing=True)
    why = "the target has it, without any run"
    assert f"missing as a whole: d: {why}; its task instances and tries were not counted" in lines


def test_names_cannot_speak_to_a_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Control characters in names are shown as what they are not."""
    lines = said(capsys, tmp_path, {HOSTILE: [missing_run(HOSTILE, HOSTILE)]}, missing=True)
    assert not [char for line in lines for char in line if not char.isprintable()]
    assert "ok" not in lines


def test_progress_speaks_of_comparing() -> None:
    """While it goes on, rows are compared and differences counted."""
    progress = Progress(differences=0)
    progress.plan("etl", 10)
    progress.compared("etl", 5, 55, 2)
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(render(progress.snapshot()))
    assert "rows compared" in capture.get()
    assert "55 rows compared | 0 retries, 2 differences" in capture.get()
