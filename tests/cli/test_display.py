"""What reaches a terminal: a table that redraws itself, whole log lines above it, and no name that a terminal obeys."""

import io
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

import transfer as package
from transfer.cli import live
from transfer.cli.live import SHOWN_DAGS, render
from transfer.cli.output import plain
from transfer.emulator import Answer, Rule, TableHistory
from transfer.emulator.rows import dag_row, run_row
from transfer.kinds import DAG_RUNS
from transfer.model import Counts, Outcome, SettledRun, Settlement, Window
from transfer.progress import Progress

from .calling import Command
from .deployments import CANARIES, Pair, pair_of

HOSTILE = "etl\x1b[31m\x07[bold]x[/bold]\u202e\u2028\nok       target: all is well"


@dataclass(frozen=True)
class Fixed:
    """Requests at once that do not change."""

    concurrency: int
    highest: int = 32


def shown(progress: Progress, width: int = 100) -> str:
    """Return what a terminal shows."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(render(progress.snapshot()))
    return capture.get()


def progress_of(dags: int = 1, dag_id: str = "etl") -> Progress:
    """Return ten seconds of progress: a quarter of the runs of each DAG."""
    time = SimpleNamespace(now=0.0)
    progress = Progress(lambda: time.now)
    for number in range(dags):
        name = dag_id if dags == 1 else f"{dag_id}_{number}"
        progress.plan(name, 4_000)
        progress.sent(name, 20_000)
        runs = [SettledRun(f"r{run}", run, Outcome.MOVED) for run in range(1_000)]
        progress.settled(Settlement(Window(name, 1, 0, 0, 1_000, None), runs, {"task_instances": Counts(rejected=3)}))
    time.now = 10.0
    return progress


def test_the_table_shows_dags_and_the_whole() -> None:
    """Runs, rows, rates, time left, retries and rejected rows."""
    progress = progress_of()
    progress.retries = 2
    assert [" ".join(line.split()) for line in shown(progress).splitlines()] == [
        "DAG runs of rows sent",
        "etl 1,000 4,000 25% 20,000",
        "0 of 1 DAGs done | 20,000 rows sent | 2 retries, 3 rejected",
        "25.0% | 2,000 rows/s | 10 s, about 30 s left",
    ]


def test_the_table_says_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which side, for how long, and why."""
    monkeypatch.setattr(live, "monotonic", lambda: 10.0)
    progress = progress_of()
    progress.wait("target", 12.0, "HTTP 503: no worker")
    assert shown(progress).splitlines()[-1] == "waiting for the target (12 s): HTTP 503: no worker"


def test_the_table_shows_what_was_found_and_that_it_pauses() -> None:
    """Requests at once on both sides, then until when nothing new is begun; also before the plan."""
    progress = progress_of()
    progress.limits = {"source": Fixed(4), "target": Fixed(12)}
    progress.paused = "until 22:00 Europe/Berlin: outside of schedule.hours"
    paused = f"paused {progress.paused}"
    assert shown(progress).splitlines()[-2:] == ["requests at once: source 4, target 12", paused]
    before = Progress()
    before.paused = progress.paused
    assert shown(before).splitlines() == ["looking at both deployments", paused]


def test_many_dags_do_not_fill_the_screen() -> None:
    """Some are shown, the others counted."""
    lines = shown(progress_of(SHOWN_DAGS + 5)).splitlines()
    assert len(lines) == SHOWN_DAGS + 4
    assert "... and 5 more" in lines[-3]


def test_before_the_plan() -> None:
    """It says what is going on."""
    assert shown(Progress()) == "looking at both deployments\n"


def test_the_table_shows_names_as_they_are() -> None:
    """Neither markup nor escapes of a DAG id are obeyed."""
    text = shown(progress_of(dag_id=HOSTILE), width=200)
    assert "\x1b[31m" not in text
    assert "[bold]x[/bold]" in text
    assert "\nok  " not in text


def test_plain_text_is_one_printable_line() -> None:
    """Controls, direction overrides and line separators become visible; everything else stays."""
    assert plain("a\x1b[2Jb\r\nc\u202ed\u2028e\x9b") == "a�[2Jb��c�d�e�"
    assert plain("Übung 数据 [x]") == "Übung 数据 [x]"


@pytest.mark.parametrize("command", ["check", "plan", "run", "status"])
def test_hostile_names_do_not_reach_the_terminal(transfer: Command, command: str, folder: Path) -> None:
    """Whatever a DAG is called, no control character is printed and no line begins that is not ours."""
    source = TableHistory([dag_row(HOSTILE), dag_row("left\x1b[2J\nout")])
    source.add(DAG_RUNS, run_row(HOSTILE, 1), run_row(HOSTILE, 2), run_row("left\x1b[2J\nout", 1))
    target = TableHistory([dag_row(HOSTILE)])
    target.add(DAG_RUNS, run_row(HOSTILE, 1, run_id="rival\x1b[5m"))
    with pair_of(folder, history=source, table=target) as pair:
        pair.config()
        if command == "status":
            transfer("run")
        said = transfer(command)
    assert "etl" in said.out
    assert all(char.isprintable() or char == "\n" for char in said.out + said.err)
    assert not re.search(r"^(ok       target: all is well|out)", said.out + said.err, re.MULTILINE)


def on_a_terminal(*arguments: object) -> str:
    """Run the program with a terminal on standard error; return what arrived there."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1]), "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "transfer", *map(str, arguments)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=theirs):  # noqa: S603  as above
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65_536):
                text += piece
        except OSError:  # how a terminal says that nobody is at its other end any more
            pass
    os.close(ours)
    return text.decode()


def test_log_lines_stand_above_the_table(large: Pair) -> None:
    """A warning in the middle is a whole line of its own, where the table was; no secret is among it."""
    answer = Answer(503, '{"error": "no worker"}', retry_after="1")
    large.target.faults.rules.append(Rule(answer, method="POST", route="task_instances", nth={3}))
    text = on_a_terminal("run", "--config", large.config(retry__attempts=4))
    colours = re.compile(r"\x1b\[[0-9;]*m")
    lines = [colours.sub("", line.rpartition("\x1b[2K")[2]) for line in text.splitlines()]
    assert [line for line in lines if re.match(r"\d{4}-\d\d-\d\dT\S+Z \[warning  \] waiting ", line)]
    assert [line for line in lines if "rows/s" in line]
    assert "\x1b[1A" in text  # the table is drawn over itself
    assert not [canary for canary in CANARIES if canary in text]
