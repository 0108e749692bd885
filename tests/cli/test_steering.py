"""Steering a ``transfer run`` that is under way: SIGHUP, files in the state directory, what it says of its limits."""

import itertools
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

import transfer as package
from transfer.checkpoint import Checkpoint, Found
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.run import run_job
from transfer.cli.session import identity, read_settings
from transfer.emulator import Exchange, compare

from .calling import PATIENCE, Command, Process, ended, line_with, process
from .deployments import Pair

LIMITS = "limits.toml"


def with_limits(pair: Pair, **target: Any) -> Path:
    """Write the configuration with limits of the target."""
    return pair.config(target__limits=target)


def event_of(started: Process, name: str) -> dict[str, Any]:
    """Return the next event of this name on standard output."""
    assert started.stdout is not None
    return next(event for event in map(json.loads, started.stdout) if event["event"] == name)


def test_hang_up_reads_the_limits_of_the_configuration_again(large: Pair) -> None:
    """SIGHUP does not end the process, which goes on with other limits and says so."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", with_limits(large, concurrency=2), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        with_limits(large, concurrency=3)
        started.send_signal(signal.SIGHUP)
        line = json.loads(line_with("limits changed", started))
        gate.open()
        said = ended(started)
    assert (line["side"], line["changes"]) == ("target", "concurrency: 2 -> 3")
    assert (said.code, said.result["limits"]["target"]) == (0, {"concurrency": 3, "highest": 3})
    assert compare(large.source.history, large.table) == []


def test_hang_up_with_a_broken_configuration(large: Pair) -> None:
    """It is told what is wrong, and the job goes on as it was."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    config = with_limits(large, concurrency=2)
    with process("run", "--config", config, "--json") as started:
        assert gate.reached.wait(PATIENCE)
        config.write_text("[source\n", encoding="utf-8")
        started.send_signal(signal.SIGHUP)
        line = json.loads(line_with("limits not changed", started))
        gate.open()
        said = ended(started)
    assert "is not TOML" in line["problems"]
    assert (said.code, said.result["limits"]["target"]["concurrency"]) == (0, 2)


def test_hang_up_does_not_end_a_verification(transfer: Command, pair: Pair) -> None:
    """It listens to the same."""
    assert transfer("run", "--config", pair.config()).code == 0
    gate = pair.gate(pair.target, "GET", "task_instances")
    with process("verify", "--config", pair.config(), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        started.send_signal(signal.SIGHUP)
        line_with("configuration read again", started)
        gate.open()
        assert ended(started).code == 0


def test_a_terminal_that_goes_away_is_a_soft_stop(large: Pair, transfer: Command) -> None:
    """What is under way is written; the exit code is that of a stop, although nobody can read what is said."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "transfer", "run", "--config", str(large.config()), "--json"]
    environment = os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=theirs) as started:  # noqa: S603  the program under test
        os.close(theirs)
        assert gate.reached.wait(PATIENCE)
        os.close(ours)
        started.send_signal(signal.SIGHUP)
        gate.open()
        assert started.wait(PATIENCE) == 4
    assert transfer("run", "--config", large.config()).code == 0
    assert compare(large.source.history, large.table) == []


def test_a_file_in_the_state_directory_changes_limits(large: Pair) -> None:
    """It is seen by itself."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", with_limits(large, concurrency=2), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        (large.state_dir / LIMITS).write_text("[target]\nconcurrency = 5\n")
        line = json.loads(line_with("limits changed", started))
        gate.open()
        said = ended(started)
    assert line["changes"] == "concurrency: 2 -> 5"
    assert (said.code, said.result["limits"]["target"]["concurrency"]) == (0, 5)


async def test_a_paused_job_asks_nothing_until_it_may(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    """With a pause file no request is sent; when it is gone the job is done by itself."""
    asked: list[str] = []

    async def note(exchange: Exchange) -> None:
        asked.append(exchange.route)

    pair.source.behaviour.on_request = pair.target.behaviour.on_request = note
    options = JobOptions(config=pair.config())
    pair.state_dir.mkdir()
    (pair.state_dir / "pause").touch()
    codes = []

    async def run() -> None:
        codes.append(await run_job(options, OutputOptions(json=True)))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        assert asked == []
        (pair.state_dir / "pause").unlink()
    assert (codes, compare(pair.source.history, pair.table)) == ([0], [])
    err = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert err == ["paused: what is under way is written for ten seconds at most", "going on", "planned"]


def test_a_pause_lets_what_is_under_way_be_written(large: Pair) -> None:
    """Reading ends, what was read arrives, and nothing more is asked for until the file is gone."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    config = large.config(source__limits={"concurrency": 1}, target__limits={"concurrency": 1})
    with process("run", "--config", config, "--json", "--every", "0.1") as started:
        assert gate.reached.wait(PATIENCE)
        (large.state_dir / "pause").touch()
        line_with("paused", started)
        gate.open()
        numbers = [event_of(started, "progress") for _ in range(12)]
        seen = itertools.groupby((event["paused"], event["rows"]) for event in numbers)
        last = [pair for pair, _ in seen][-1]
        (large.state_dir / "pause").unlink()
        line_with("going on", started)
        said = ended(started)
    assert last[0] == f"while {large.state_dir / 'pause'} exists"
    assert 0 < last[1] < said.result["this_run"]["rows_sent"] == 3_600
    assert (said.code, compare(large.source.history, large.table)) == (0, [])


def test_a_stop_file(transfer: Command, large: Pair) -> None:
    """It stops as the first signal does, keeps the next run from beginning, and removed lets it go on."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", large.config(), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        (large.state_dir / "stop").touch()
        line_with("stopping", started)
        gate.open()
        said = ended(started)
    assert (said.code, said.result["result"]) == (4, "stopped; run again to go on")
    assert 0 < said.result["job"]["kinds"]["dag_runs"]["moved"] < 600
    kept = transfer("run", "--config", large.config())
    assert (kept.code, kept.err.splitlines()[-2:]) == (
        4,
        [
            f"error: not begun: the stop file {large.state_dir / 'stop'} exists",
            "  hint: remove it, then run again to go on",
        ],
    )
    (large.state_dir / "stop").unlink()
    assert transfer("run", "--config", large.config()).code == 0
    assert compare(large.source.history, large.table) == []


def test_progress_events_say_what_was_found(large: Pair) -> None:
    """With --every they come as often as wanted, with the requests at once on both sides."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    config = large.config(source__limits={"concurrency": 2}, target__limits={"concurrency": 3})
    with process("run", "--config", config, "--json", "--every", "0.1") as started:
        assert gate.reached.wait(PATIENCE)
        event = event_of(started, "progress")
        gate.open()
        assert ended(started).code == 0
    assert (event["concurrency"], event["paused"]) == ({"source": 2, "target": 3}, None)


@pytest.mark.parametrize("seconds", ["0.05", "0", "-1", "nan", "inf", "100000"])
def test_an_interval_that_no_clock_can_wait_for(transfer: Command, pair: Pair, seconds: str) -> None:
    """Exit code 2, with the bounds."""
    said = transfer("run", "--config", pair.config(), "--every", seconds)
    assert said.code == 2
    assert "from 0.1 to 86400 seconds" in " ".join((said.out + said.err).split())


def test_what_was_found_is_shown_and_used_again(transfer: Command, pair: Pair) -> None:
    """The summary and the status name it; the next run begins with what the checkpoint says."""
    auto = {"concurrency": "auto", "max_concurrency": 20}
    config = pair.config(source__limits=auto, target__limits=auto)
    first = transfer("run", "--config", config, "--json")
    limits = first.result["limits"]
    assert set(limits) == {"source", "target", "body_bytes"}
    assert (limits["source"]["highest"], limits["body_bytes"]) == (20, None)
    status = transfer("status", "--json").result["limits"]
    assert status == {side: {"concurrency": limits[side]["concurrency"]} for side in ("source", "target")} | {
        "body_bytes": None
    }

    async def find() -> None:
        async with Checkpoint.open(pair.state_dir, identity(read_settings(JobOptions(config=config)))) as checkpoint:
            await checkpoint.remember(Found({"source": 17, "target": 19}, 400_000))

    anyio.run(find)
    assert (
        "found: requests at once: source 17, target 19; the target takes bodies of 390.6 KiB" in transfer("status").out
    )
    said = transfer("run", "--config", config)
    assert (
        "requests at once: source 17 (at most 20), target 19 (at most 20); the target takes bodies of 390.6 KiB"
        in said.out
    )


def test_fixed_limits_are_not_remembered(transfer: Command, pair: Pair) -> None:
    """A number that somebody has chosen was not found out."""
    config = pair.config(source__limits={"concurrency": 2}, target__limits={"concurrency": 3})
    assert "requests at once: source 2 (at most 2), target 3 (at most 3)" in transfer("run", "--config", config).out
    assert transfer("status", "--json").result["limits"] == {"body_bytes": None}
