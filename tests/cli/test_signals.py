"""Stopping ``transfer run`` with signals."""

import logging
import signal

import pytest

from transfer.emulator import compare

from .calling import PATIENCE, Command, ended, interrupt, process
from .deployments import Pair

SOFT, HARD = "what is under way is still written", "stopping now"
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@SIGNALS
def test_the_first_signal_lets_what_is_under_way_be_written(
    transfer: Command, large: Pair, number: signal.Signals
) -> None:
    """Exit code 4: the batch that was on its way is counted, and the next run completes the job."""
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", large.config(), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        interrupt(started, number, SOFT)
        gate.open()
        said = ended(started)
    assert (said.code, said.result["exit_code"], said.result["result"]) == (4, 4, "stopped; run again to go on")
    assert 0 < said.result["job"]["kinds"]["dag_runs"]["moved"] == len(list(large.table.snapshot()["dag_runs"])) < 600

    again = transfer("run", "--config", large.config(), "--json")
    assert (again.code, compare(large.source.history, large.table)) == (0, [])
    assert again.result["job"]["kinds"]["task_instances"]["moved"] == 1_800


@SIGNALS
def test_the_second_signal_stops_at_once(
    transfer: Command, large: Pair, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Exit code 4 although the target does not answer; the next run completes the job."""
    monkeypatch.setattr(logging.getLogger("aiohttp.server"), "disabled", True)  # it speaks of the client that is gone
    gate = large.gate(large.target, "POST", "task_instances", nth=3)
    with process("run", "--config", large.config()) as started:
        assert gate.reached.wait(PATIENCE)
        interrupt(started, number, SOFT)
        interrupt(started, number, HARD)
        said = ended(started)
    assert said.code == 4
    assert said.out.startswith("stopped; run again to go on\n")

    large.target.behaviour.on_request = None
    gate.open()
    assert transfer("run", "--config", large.config()).code == 0
    assert compare(large.source.history, large.table) == []


def test_a_signal_before_there_is_a_plan(large: Pair) -> None:
    """Exit code 4 at once, and no state directory."""
    gate = large.gate(large.source, "GET", "info")
    with process("run", "--config", large.config()) as started:
        assert gate.reached.wait(PATIENCE)
        interrupt(started, signal.SIGTERM, SOFT)
        said = ended(started)
    assert (said.code, said.out) == (4, "stopped before anything was planned\n")
    assert not large.state_dir.exists()


def test_a_signal_while_a_known_job_is_planned_again(transfer: Command, large: Pair) -> None:
    """Exit code 4 with the counts so far."""
    transfer("run", "--config", large.config())
    gate = large.gate(large.source, "GET", "info")
    with process("run", "--config", large.config(), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        interrupt(started, signal.SIGTERM, SOFT)
        said = ended(started)
    assert said.code == 4
    assert said.result["job"]["kinds"]["dag_runs"]["moved"] == 600


def test_ctrl_c_in_a_check(large: Pair) -> None:
    """A command that has nothing to bring to an end stops at once, with exit code 4 and without a traceback."""
    gate = large.gate(large.source, "GET", "info")
    with process("check", "--config", large.config()) as started:
        assert gate.reached.wait(PATIENCE)
        started.send_signal(signal.SIGINT)
        said = ended(started)
    assert (said.code, said.err) == (4, "error: stopped\n")
