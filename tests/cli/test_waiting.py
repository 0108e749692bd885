"""A job that begins in a pause: mistakes come out at once, nobody takes its place, and it says what it waits for."""

import json
import signal
from pathlib import Path

import pytest

from .calling import Command, ended, line_with, process
from .deployments import Pair
from .test_steering import event_of


def paused(pair: Pair) -> Path:
    """Return the configuration of a job that has to wait."""
    pair.state_dir.mkdir(exist_ok=True)
    (pair.state_dir / "pause").touch()
    return pair.config()


@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_secret_that_lacks_comes_out_at_once(
    transfer: Command, pair: Pair, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Exit code 2, although nothing may be asked yet."""
    monkeypatch.delenv("TARGET_PASSWORD")
    said = transfer(command, "--config", paused(pair))
    assert (said.code, "environment variable TARGET_PASSWORD is not set" in said.err) == (2, True)
    assert (pair.source.requests, pair.target.requests) == ([], [])


def test_a_second_run_is_turned_away(transfer: Command, pair: Pair) -> None:
    """Exit code 5 while the first one waits, which then does the whole job; the status says that one waits."""
    config = paused(pair)
    with process("run", "--config", config, "--json", "--every", "0.1") as started:
        event_of(started, "progress")
        second, status = transfer("run", "--config", config), transfer("status", pair.state_dir)
        assert f"process {started.pid} on " in status.err
        assert f"has not planned its job in {pair.state_dir} yet" in status.err
        assert (second.code, f"process {started.pid}" in second.err) == (5, True)
        (pair.state_dir / "pause").unlink()
        assert ended(started).code == 0


def test_a_directory_in_which_a_job_has_only_waited_is_free(transfer: Command, pair: Pair) -> None:
    """Stopped before its plan, the job has not bound it: another selection may take it."""
    config = paused(pair)
    with process("run", "--config", config, "--json", "--every", "0.1") as started:
        event_of(started, "progress")
        started.send_signal(signal.SIGTERM)
        assert ended(started).code == 4
    (pair.state_dir / "pause").unlink()
    assert transfer("run", "--config", config, "--newest", "5").code == 0


@pytest.mark.parametrize("command", ["run", "verify"])
def test_it_says_again_and_again_that_it_is_paused(pair: Pair, command: str) -> None:
    """As a job does that has begun, and without a time that is left."""
    with process(command, "--config", paused(pair), "--json", "--every", "0.1") as started:
        events = [event_of(started, "progress") for _ in range(3)]
    assert {event["paused"] for event in events} == {f"while {pair.state_dir / 'pause'} exists"}
    assert {(event["dags"], event["eta_seconds"]) for event in events} == {(0, None)}


def test_hang_up_without_the_configuration(pair: Pair) -> None:
    """It says that the file is gone, also where nobody named it, and waits on."""
    config = paused(pair)
    with process("run", "--json", "--every", "0.1") as started:
        event_of(started, "progress")
        config.unlink()
        started.send_signal(signal.SIGHUP)
        line = json.loads(line_with("limits not changed", started))
        (pair.state_dir / "pause").unlink()
        said = ended(started)
    assert (line["problems"], said.code) == ("transfer.toml: the file is gone", 0)


def test_status_names_the_files(transfer: Command, pair: Pair) -> None:
    """Those in the state directory, whether the job runs or not, as text and in JSON."""
    config = pair.config()
    assert transfer("run", "--config", config).code == 0
    assert transfer("status", "--json").result["pause_file"] is None
    with process("run", "--config", paused(pair), "--json", "--every", "0.1") as started:
        event_of(started, "progress")
        text, said = transfer("status", pair.state_dir).out, transfer("status", pair.state_dir, "--json").result
    assert f"paused: the pause file {pair.state_dir / 'pause'} exists" in text.splitlines()
    assert (said["pause_file"], said["stop_file"]) == (str(pair.state_dir / "pause"), None)
    (pair.state_dir / "stop").touch()
    lines = transfer("status", pair.state_dir).out.splitlines()
    assert f"no run begins: the stop file {pair.state_dir / 'stop'} exists" in lines
    assert f"a run would wait: the pause file {pair.state_dir / 'pause'} exists" in lines


def test_status_looks_where_the_configuration_says(transfer: Command, pair: Pair) -> None:
    """Then files of the usual names mean nothing."""
    config = pair.config()
    assert transfer("run", "--config", config).code == 0
    elsewhere = pair.folder / "wait"
    config.write_text(f"{config.read_text()}\n[schedule]\npause_file = {json.dumps(str(elsewhere))}\n")
    (pair.state_dir / "pause").touch()
    assert transfer("status", "--json").result["pause_file"] is None
    elsewhere.touch()
    assert transfer("status", "--json").result["pause_file"] == str(elsewhere)


def test_check_looks_for_the_folders_of_both_files(transfer: Command, pair: Pair) -> None:
    """Exit code 2 with the key, before anybody is asked."""
    config = pair.config()
    config.write_text(f'{config.read_text()}\n[schedule]\nstop_file = "no/stop"\n')
    said = transfer("check", "--config", config)
    assert (said.code, "schedule.stop_file: there is no folder no" in said.err) == (2, True)


def test_the_summary_leaves_pauses_out(transfer: Command, pair: Pair) -> None:
    """It says how long it was paused, in JSON too; a job that was never paused says nothing of it."""
    with process("run", "--config", paused(pair), "--every", "0.1") as started:
        line_with("paused=", started)
        (pair.state_dir / "pause").unlink()
        said = ended(started)
    assert ", paused for " in next(line for line in said.out.splitlines() if line.startswith("this run:"))
    again = transfer("run", "--config", pair.config(), "--json").result["this_run"]
    assert again["paused_seconds"] == 0
    assert "paused for" not in transfer("run", "--config", pair.config()).out
