"""``transfer status``: a job that runs, was stopped, was killed, is done, has rejected rows, or is none."""

import os
import signal
from pathlib import Path

from transfer.cli.options import DEFAULT_STATE_DIR
from transfer.config.settings import Settings
from transfer.emulator.rows import run_row
from transfer.kinds import DAG_RUNS

from .calling import PATIENCE, Command, ended, interrupt, process
from .deployments import Pair


def test_no_job(transfer: Command) -> None:
    """Exit code 1 where there is none, with the directory's name; nothing is created."""
    said = transfer("status")
    assert said.code == 1
    assert "there is no job in transfer-state" in said.err
    assert not Path("transfer-state").exists()


def test_a_job_that_is_done(transfer: Command, pair: Pair) -> None:
    """Both URLs, how the last run ended, and how much of each DAG is there."""
    transfer("run", "--config", pair.config())
    said = transfer("status", "--state-dir", pair.state_dir)
    lines = [line.split() for line in said.out.splitlines()]
    assert said.code == 0
    assert ["from", pair.source.url] in lines
    assert ["to", pair.target.url] in lines
    assert ["dag_0001", "30", "30", "0", "complete"] in lines
    assert ["2", "DAGs", "60", "60"] in lines
    assert "not running; run 1 of " in said.out
    assert "UTC ended with exit code 0" in said.out


def test_the_state_directory_may_come_from_the_configuration(transfer: Command, pair: Pair) -> None:
    """Without --state-dir it is the configuration's, found as for the other commands."""
    transfer("run", "--config", pair.config())
    assert transfer("status").code == 0
    assert transfer("status", "--config", pair.config()).code == 0
    assert transfer("status", pair.state_dir).code == 0


def test_the_usual_state_directory_is_that_of_the_settings() -> None:
    """Where nothing names one, ``status`` looks where ``run`` writes."""
    assert Settings.model_fields["state_dir"].default == DEFAULT_STATE_DIR


def test_a_job_that_runs(transfer: Command, large: Pair) -> None:
    """Its process, how far it is, and in JSON the same; another run is turned away with exit code 5."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", large.config()) as started:
        assert gate.reached.wait(PATIENCE)
        text, json = transfer("status", large.state_dir), transfer("status", large.state_dir, "--json")
        second = transfer("run", "--config", large.config())
    assert f"running as process {started.pid} on {os.uname().nodename}: run 1 of " in text.out
    assert ["2", "DAGs"] in [line.split()[:2] for line in text.out.splitlines()]
    assert json.result["running_pid"] == started.pid
    assert json.result["planned_runs"] == {"dag_0000": 300, "dag_0001": 300}
    assert second.code == 5
    assert f"process {started.pid}" in second.err


def test_a_job_that_was_killed(transfer: Command, large: Pair) -> None:
    """That nothing runs any more, and that the end was not a proper one."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", large.config()) as started:
        assert gate.reached.wait(PATIENCE)
        started.send_signal(signal.SIGKILL)
        ended(started)
    assert "not running; run 1 of " in (said := transfer("status", large.state_dir)).out
    assert "UTC was killed" in said.out
    assert transfer("status", large.state_dir, "--json").result["last_exit_code"] is None


def test_a_job_that_was_stopped(transfer: Command, large: Pair) -> None:
    """The exit code of a stop."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", large.config()) as started:
        assert gate.reached.wait(PATIENCE)
        interrupt(started, signal.SIGTERM, "stopping")
        gate.open()
        ended(started)
    assert "ended with exit code 4" in transfer("status", large.state_dir).out


def test_a_run_that_failed_is_on_record(transfer: Command, pair: Pair) -> None:
    """An error ends the invocation with its exit code."""
    transfer("run", "--config", pair.config())
    transfer("run", "--config", pair.config(source__auth={"kind": "none"}))
    assert transfer("status", "--json").result["last_exit_code"] == 1


def test_rejected_rows(transfer: Command, pair: Pair) -> None:
    """The first ones, and with --rejected all, each with its reason."""
    runs = list(pair.source.history.runs("dag_0000"))
    for number, run in enumerate(runs[:15]):
        rival = run_row("dag_0000", number, run_id=f"rival_{number}", execution_date=run["execution_date"])
        pair.table.add(DAG_RUNS, rival)
    assert transfer("run", "--config", pair.config()).code == 3

    some, everything = transfer("status"), transfer("status", "--rejected")
    assert "rejected rows; --rejected lists all:" in some.out
    assert some.out.count("  dag_runs dag_0000, run_id=") + some.out.count("  task_") == 10
    assert everything.out.count("\n  dag_runs dag_0000, run_id=") == 15
    assert len(transfer("status", "--rejected", "--json").result["rejected"]) > 15


def test_a_reader_that_stops_reading(pair: Pair, transfer: Command) -> None:
    """``transfer status | head -1`` ends quietly."""
    transfer("run", "--config", pair.config())
    with process("status", pair.state_dir) as started:
        assert started.stdout is not None
        started.stdout.close()
        started.stdout = None
        assert ended(started).err == ""
