"""``transfer repair``, between two emulated deployments."""

import json
import logging
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from transfer.emulator import SyntheticHistory, TableHistory, compare

from .calling import PATIENCE, Command, Said, ended, interrupt, process
from .deployments import SMALL, Pair, pair_of
from .mending import close_stable_api, damage, differences, removals, runs


@pytest.fixture
def pair(folder: Path) -> Iterator[Pair]:
    """A source with 60 runs that can change, and a target with the same DAGs."""
    with pair_of(folder, history=TableHistory.copy_of(SyntheticHistory(SMALL))) as pair:
        yield pair


@pytest.fixture
def job(transfer: Command, pair: Pair) -> Command:
    """The program, which has moved everything, with its configuration."""
    config = pair.config()

    def call(*arguments: object) -> Said:
        return transfer(*arguments, "--config", config)

    assert call("run").code == 0
    return call  # type: ignore[return-value]  # called in the same way


def test_what_was_found_is_repaired(pair: Pair, job: Command) -> None:
    """What lacks is sent, what differs is replaced, what only the target has stays until it is told to go."""
    damage(pair)
    assert job("verify").code == 3
    said = job("repair", "--yes")
    assert said.code == 3
    assert [difference.key[0] for difference in compare(pair.source.history, pair.target.history)] == ["only-there"]
    assert "run `transfer verify` again" in said.out
    assert job("repair", "--yes", "--delete-extra").code == 0
    assert differences(pair) == []
    assert job("verify").code == 0


def test_it_shows_what_it_would_do(pair: Pair, job: Command) -> None:
    """A dry run counts the runs of each DAG by what is to be done, and does nothing."""
    damage(pair)
    job("verify")
    before = len(pair.target.requests)
    shown = job("repair", "--dry-run", "--json").result
    dag_id, _ = runs(pair)
    assert shown["dags"] == {dag_id: {"send": 1, "complete": 1, "replace": 1, "remove": 1, "leave": 0}}
    text = job("repair", "--dry-run")
    assert (text.code, len(pair.target.requests)) == (0, before)
    assert f"{dag_id}     1         1        1                   1           0" in text.out


def test_it_is_applied_once(pair: Pair, job: Command) -> None:
    """The same verification is not applied a second time: it says that nothing is left."""
    damage(pair)
    job("verify")
    job("repair", "--yes", "--delete-extra")
    before = sum(exchange.method == "DELETE" for exchange in pair.target.requests)
    said = job("repair", "--yes")
    assert "nothing is left to be done" in said.out
    assert sum(exchange.method == "DELETE" for exchange in pair.target.requests) == before


def test_only_some_dags(pair: Pair, job: Command) -> None:
    """``--dag`` narrows down what was found."""
    damage(pair)
    job("verify")
    assert job("repair", "--yes", "--dag", runs(pair, 1)[0]).code == 0
    assert len(differences(pair)) > 1
    assert job("repair", "--yes", "--since", "2020-01-01").code == 2


def test_a_history_that_somebody_else_moved(pair: Pair, job: Command, folder: Path) -> None:
    """There need be no job before: one is made."""
    damage(pair)
    state = folder / "other"
    assert job("verify", "--state-dir", state).code == 3
    said = job("repair", "--yes", "--delete-extra", "--state-dir", state)
    assert "1 are not known to have been written by this job" in said.out
    assert (said.code, differences(pair)) == (0, [])


def test_a_new_job_has_the_configured_selection(pair: Pair, job: Command, folder: Path) -> None:
    """What was narrowed down on the command line of a verification does not bind the job that a repair makes."""
    damage(pair)
    state, (dag_id, _) = folder / "other", runs(pair)
    assert job("verify", "--state-dir", state, "--dag", dag_id).code == 3
    assert job("repair", "--yes", "--delete-extra", "--state-dir", state).code == 0
    assert job("run", "--state-dir", state).code == 0
    assert job("verify", "--state-dir", state).code == 0


def test_what_only_sends_says_so(pair: Pair, job: Command) -> None:
    """Nobody is warned of removals where there are none."""
    dag_id, run_ids = runs(pair)
    pair.table.remove_run(dag_id, run_ids[1])
    job("verify")
    said = job("repair")
    assert (said.code, "this sends rows to the target, and there is nobody to ask" in said.err) == (2, True)
    damage(pair)
    job("verify")
    assert "this removes runs from the target, and there is nobody to ask" in job("repair").err


def test_a_verification_in_one_direction(pair: Pair, job: Command) -> None:
    """Where nobody has looked for surplus rows it says that they stay."""
    damage(pair)
    job("verify", "--one-way")
    assert "surplus rows of the target were not looked for" in job("repair", "--dry-run").out
    assert job("repair", "--dry-run", "--json").result["one_way"]
    job("verify")
    assert "surplus rows" not in job("repair", "--dry-run").out


def test_there_must_be_a_verification(job: Command) -> None:
    """Nothing can be repaired that was not compared."""
    said = job("repair", "--yes")
    assert (said.code, "transfer verify" in said.err) == (1, True)


def test_it_must_be_finished(pair: Pair, job: Command) -> None:
    """An unfinished verification is refused."""
    damage(pair)
    job("verify")
    _unfinish(pair.state_dir)
    said = job("repair", "--yes")
    assert (said.code, "was not finished" in said.err) == (1, True)


def test_it_must_be_of_this_job(pair: Pair, job: Command) -> None:
    """A verification of other deployments or dates is refused, and both values are said."""
    damage(pair)
    job("verify", "--since", "2020-01-01")
    said = job("repair", "--yes")
    assert (said.code, "since: verified 2020-01-01T00:00:00Z, here None" in said.err) == (2, True)


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGTERM, signal.SIGTERM], [signal.SIGKILL]])
def test_stopped_and_gone_on_with(
    pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch, signals: list[signal.Signals]
) -> None:
    """Stopped after a removal and before the run is there again, the same command goes on; the end is right."""
    monkeypatch.setattr(logging.getLogger("aiohttp.server"), "disabled", True)  # it speaks of the client that is gone
    damage(pair)
    job("verify")
    gate = pair.gate(pair.target, "POST", "dag_runs", nth=2)  # the first one is the probe of the database
    with process("repair", "--yes", "--delete-extra", "--config", pair.folder / "transfer.toml") as started:
        assert gate.reached.wait(PATIENCE)
        for number, answer in zip(signals, ["is still written", "stopping now"], strict=False):
            if number is signal.SIGKILL:
                started.kill()
            else:
                interrupt(started, number, answer)
        pair.target.behaviour.on_request = None
        if signals == [signal.SIGTERM]:
            gate.open()
        code = ended(started).code
    assert code == (-signal.SIGKILL if signal.SIGKILL in signals else 4)
    gate.open()
    assert job("repair", "--yes").code in {0, 3}
    assert (job("verify").code, differences(pair)) == (0, [])


def _unfinish(state_dir: Path) -> None:
    with closing(sqlite3.connect(state_dir / "verify.sqlite")) as connection, connection:
        connection.execute("UPDATE verification SET ended_at = NULL")


def test_machines_are_told(pair: Pair, job: Command) -> None:
    """With --json every line is an object: what is to be done first, the summary last."""
    damage(pair)
    job("verify")
    said = job("repair", "--yes", "--json")
    assert [line["event"] for line in said.objects if line["event"] != "progress"] == ["repair", "summary"]
    assert said.result["job"]["kinds"]["dag_runs"]["repaired"] == 2
    assert json.loads(said.out.splitlines()[0])["not_by_this_job"] == 0


def test_an_api_that_is_closed_marks_nothing(pair: Pair, job: Command) -> None:
    """Where runs cannot be removed it says so before anything is marked: the findings can be applied later."""
    damage(pair)
    job("verify")
    close_stable_api(pair)
    said = job("repair", "--yes")
    assert (said.code, removals(pair)) == (1, [])
    assert "Airflow's stable REST API (/api/v1) does not answer" in said.err
    pair.target.faults.rules.clear()
    assert (job("repair", "--yes", "--delete-extra").code, differences(pair)) == (0, [])
