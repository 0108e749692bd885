"""``transfer undo``, between two emulated deployments."""

import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from transfer.checkpoint.opening import DATABASE
from transfer.emulator import SyntheticHistory, TableHistory
from transfer.kinds import DAG_RUNS, Row

from .calling import Command, Said, ended, interrupt, process
from .deployments import SMALL, VIEWER, Pair, pair_of
from .mending import Terminal, close_stable_api, removals, run_again, runs, sit_down

Snapshot = dict[str, list[Row]]


def add_own(table: TableHistory) -> None:
    """Give the target runs of its own: one that the source has, too, and two that it has not."""
    theirs = TableHistory.copy_of(SyntheticHistory(SMALL))
    dag_id = min(theirs.dag_ids())
    run = next(theirs.runs(dag_id))
    dates: tuple[dict[str, str], ...] = (
        {},
        {"execution_date": "2001-01-01 00:00:00+00:00"},
        {"execution_date": "2001-01-02 00:00:00+00:00"},
    )
    for number, changes in enumerate(dates):
        name = run["run_id"] if not changes else f"own {number}"
        table.insert(DAG_RUNS, [{**run, "creating_job_id": None, "run_id": name, **changes}])


@pytest.fixture
def pair(folder: Path) -> Iterator[Pair]:
    """A source with 60 runs that can change, and a target with the same DAGs and runs of its own."""
    history = TableHistory.copy_of(SyntheticHistory(SMALL))
    table = TableHistory(dict(dag) for dag in history.dags())
    add_own(table)
    with pair_of(folder, history=history, table=table) as pair:
        yield pair


@pytest.fixture
def before(pair: Pair) -> Snapshot:
    """What the target held before anything was moved."""
    return pair.table.snapshot()


@pytest.fixture
def job(transfer: Command, pair: Pair, before: Snapshot) -> Command:
    """The program, which has moved everything, with its configuration."""
    assert before
    config = pair.config()

    def call(*arguments: object) -> Said:
        return transfer(*arguments, "--config", config)

    assert call("run").code == 0
    return call  # type: ignore[return-value]  # called in the same way


def state_of(pair: Pair, run_id: str) -> str:
    """Return the state of a run of the second DAG on the target."""
    run = pair.table.run(runs(pair, 1)[0], run_id)
    assert run is not None
    return str(run["state"])


def own(pair: Pair, before: Snapshot) -> None:
    """Hold that the target has the runs that it had."""
    assert pair.table.snapshot()[DAG_RUNS.name] == before[DAG_RUNS.name]


def test_the_target_has_what_it_had(pair: Pair, job: Command, before: Snapshot) -> None:
    """All that was moved is removed, nothing else, and the program says so, then and afterwards."""
    said = job("undo", "--yes")
    assert said.code == 0, said.err
    own(pair, before)
    assert "59 runs were removed from the target" in said.out
    assert "runs that were there before this job stay" in said.out
    status = job("status", pair.state_dir)
    assert "undone: 59 runs of 2 DAGs were removed from the target again" in status.out


def test_a_second_undo_says_that_nothing_is_left(pair: Pair, job: Command, before: Snapshot) -> None:
    """It removes nothing, asks nobody, and names the undo that was."""
    job("undo", "--yes")
    asked = len(removals(pair))
    said = job("undo", "--yes")
    assert (said.code, len(removals(pair))) == (0, asked)
    assert "nothing is left to be removed that this job wrote" in said.out
    assert "undone: 59 runs" in said.out
    own(pair, before)


def test_it_can_be_moved_again(pair: Pair, job: Command) -> None:
    """An ordinary run moves everything again."""
    held = pair.table.snapshot()
    job("undo", "--yes")
    result = job("run", "--json").result
    assert (result["exit_code"], result["job"]["kinds"]["dag_runs"]["moved"]) == (0, 59)
    assert pair.table.snapshot() == held


def test_a_dry_run_shows_and_does_nothing(pair: Pair, job: Command) -> None:
    """It counts each DAG; nobody has to agree to it, and nothing is removed or remembered."""
    (dag_id, run_ids), (other, _) = runs(pair), runs(pair, 1)
    pair.table.remove_run(dag_id, run_ids[5])
    held = pair.table.snapshot()
    shown = job("undo", "--dry-run", "--json").result
    counts = {"removed": 28, "gone": 1, "left": 0, "begun": 0, "there_before": 1}
    assert shown["dags"] == {dag_id: counts, other: {**dict.fromkeys(counts, 0), "removed": 30}}
    text = job("undo", "--dry-run")
    assert (text.code, pair.table.snapshot()) == (0, held)
    assert f"{dag_id}         28             1     0      0             1" in text.out
    assert job("run", "--json").result["this_run"]["rows_sent"] == 0


def test_nobody_agrees(pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal it wants --yes; with one, it asks with the count, and only yes is one."""
    assert "there is nobody to ask" in job("undo").err
    assert job("undo").code == 2
    sit_down(monkeypatch, "n\n")
    said = job("undo")
    assert (said.code, removals(pair)) == (3, [])
    assert "Remove 59 runs from the target, with all that hangs on them? [y/N]" in said.err
    assert "nothing was removed" in said.out
    sit_down(monkeypatch, "y\n")
    assert (job("undo").code, len(removals(pair))) == (0, 59)


def test_a_dag_that_is_not_paused_is_named(pair: Pair, job: Command) -> None:
    """A scheduler there would make the runs again that are gone: whoever undoes is told before."""
    dag_id, _ = runs(pair, 1)
    for row in pair.table.dags():
        row["is_paused"] = row["dag_id"] != dag_id
    assert f"not paused on the target: {dag_id}" in job("undo", "--dry-run").out
    assert job("undo", "--dry-run", "--json").result["not_paused"] == [dag_id]
    assert "not paused" not in job("undo", "--dry-run", "--exclude-dag", dag_id).out


def test_the_job_goes_on_while_it_asks(pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was agreed to is what was shown: where the job has moved on since, nothing is removed."""

    class Slow(Terminal):
        def readline(self, *_size: object) -> str:  # type: ignore[override]  # its argument does not matter
            """Say yes after a while."""
            with closing(sqlite3.connect(pair.state_dir / DATABASE, isolation_level=None)) as connection:
                connection.execute("DELETE FROM run WHERE digest = (SELECT min(digest) FROM run)")
            return "y"

    sit_down(monkeypatch, "")
    monkeypatch.setattr(sys, "stdin", Slow())
    said = job("undo")
    assert (said.code, removals(pair)) == (1, [])
    assert "the job went on meanwhile" in said.err


def test_only_some_dags(pair: Pair, job: Command) -> None:
    """--dag and --exclude-dag narrow it down; what is no DAG of the job is refused."""
    (dag_id, _), (other, _) = runs(pair), runs(pair, 1)
    assert job("undo", "--yes", "--dag", other).code == 0
    assert (pair.table.run_count(dag_id), pair.table.run_count(other)) == (32, 0)
    assert job("undo", "--yes", "--exclude-dag", other, "--json").result["dags"].keys() == {dag_id}
    assert "--dag, --exclude-dag: this job remembers no run" in job("undo", "--yes", "--dag", "nothing*").err
    assert job("undo", "--yes", "--since", "2020-01-01").code == 2


def test_what_somebody_changed_is_left_and_named(pair: Pair, job: Command) -> None:
    """A run that was cleared, changed or run again on the target stays, with the reason, and exit code 3."""
    dag_id, run_ids = runs(pair, 1)
    pair.table.move_run(dag_id, run_ids[3], start_date=None, state="queued")
    pair.table.move_run(dag_id, run_ids[4], start_date="2032-01-01 00:00:00+00:00", state=state_of(pair, run_ids[4]))
    other = "failed" if state_of(pair, run_ids[5]) == "success" else "success"
    run = pair.table.run(dag_id, run_ids[5])
    assert run is not None
    pair.table.move_run(dag_id, run_ids[5], start_date=run["start_date"], state=other)
    said = job("undo", "--yes", "--json")
    assert said.code == 3
    assert {run["run_id"] for run in pair.table.runs(dag_id)} == {run_ids[3], run_ids[4], run_ids[5]}
    reasons = {line.removeprefix(f"{dag_id} ").split(": ")[0]: line for line in said.result["left"]}
    assert "it is queued there" in reasons[run_ids[3]]
    assert "changed on the target since it was moved (start_date)" in reasons[run_ids[4]]
    assert "changed on the target since it was moved (state)" in reasons[run_ids[5]]
    again = job("undo", "--yes")
    assert again.code == 3
    assert run_ids[4] in again.out
    assert "nothing is left to be removed" in again.out


def test_what_the_source_has_no_more(pair: Pair, job: Command) -> None:
    """The only copy there is stays unless it is asked for; so does an earlier version."""
    table = pair.source.history
    assert isinstance(table, TableHistory)
    dag_id, run_ids = runs(pair)
    again = run_again(pair, 7)
    table.remove_run(dag_id, run_ids[9])
    said = job("undo", "--yes")
    assert (said.code, len(removals(pair))) == (3, 57)
    assert f"{run_ids[9]}: the source has it no more" in said.out
    assert f"{again[0]}: the source has another version of it" in said.out
    assert job("undo", "--yes", "--delete-gone").code == 0
    assert sorted(removals(pair)[57:]) == sorted([run_ids[9], *again])


def test_killed_and_run_again(pair: Pair, job: Command, before: Snapshot) -> None:
    """Killed with SIGKILL in the middle of removing, another undo removes the rest, and counts each run once."""
    dag_id, run_ids = runs(pair, 1)
    gate = pair.gate(pair.target, "DELETE", f"api/v1/dags/{dag_id}/dagRuns/{run_ids[11]}")
    with process("undo", "--yes", "--config", pair.config()) as started:
        assert gate.reached.wait(15)
        started.send_signal(signal.SIGKILL)
        started.wait()
    gate.open()
    assert 0 < pair.table.run_count(dag_id) < 30
    said = job("undo", "--yes", "--json")
    assert said.code == 0, said.err
    own(pair, before)
    assert job("status", pair.state_dir, "--json").result["kinds"]["dag_runs"]["moved"] == 0


def test_killed_and_moved_again_instead(pair: Pair, job: Command) -> None:
    """Whoever changes their mind after a kill runs `transfer run`: everything is there again."""
    held = pair.table.snapshot()
    dag_id, run_ids = runs(pair, 1)
    gate = pair.gate(pair.target, "DELETE", f"api/v1/dags/{dag_id}/dagRuns/{run_ids[11]}")
    with process("undo", "--yes", "--config", pair.config()) as started:
        assert gate.reached.wait(15)
        started.send_signal(signal.SIGKILL)
        started.wait()
    gate.open()
    said = job("run", "--json")
    assert said.code == 0, said.out
    assert pair.table.snapshot() == held
    assert said.result["job"]["kinds"]["dag_runs"]["moved"] == 59


def test_a_signal_stops_it_softly(pair: Pair, job: Command, before: Snapshot) -> None:
    """What is under way is brought to its end and remembered; then it goes on where it was."""
    dag_id, run_ids = runs(pair, 1)
    gate = pair.gate(pair.target, "DELETE", f"api/v1/dags/{dag_id}/dagRuns/{run_ids[11]}")
    with process("undo", "--yes", "--config", pair.config(), "--json") as started:
        assert gate.reached.wait(15)
        interrupt(started, signal.SIGTERM, "removals under way are still finished")
        gate.open()
        said = ended(started)
    assert (said.code, said.result["result"]) == (4, "stopped; run again to go on")
    with closing(sqlite3.connect(pair.state_dir / DATABASE)) as connection:
        assert connection.execute("SELECT count(*) FROM run WHERE outcome = 0").fetchone() == (0,)
        (noted,) = connection.execute("SELECT sum(runs) FROM undone").fetchone()
    assert noted == len(removals(pair)) < 59
    assert job("undo", "--yes").code == 0
    own(pair, before)


def test_the_stop_file_holds_it(pair: Pair, job: Command) -> None:
    """While it is there nothing is removed."""
    (pair.state_dir / "stop").touch()
    said = job("undo", "--yes")
    assert (said.code, removals(pair)) == (4, [])
    assert "the stop file" in said.err


def test_no_right_to_remove(pair: Pair, job: Command, transfer: Command) -> None:
    """Where the stable REST API does not answer nothing is marked, and nothing removed."""
    close_stable_api(pair)
    said = job("undo", "--yes")
    assert (said.code, removals(pair)) == (1, [])
    assert "stable REST API" in said.err
    assert job("run", "--json").result["this_run"]["rows_sent"] == 0
    assert transfer("undo", "--yes", "--config", pair.config(target__auth=VIEWER)).code == 1


def test_without_a_job(pair: Pair, transfer: Command, folder: Path) -> None:
    """What nobody remembers nobody can take back; another job's directory is refused."""
    said = transfer("undo", "--yes", "--config", pair.config())
    assert (said.code, "only that knows what it wrote" in said.err) == (1, True)
    assert not (folder / "state").exists()


def test_another_pair(pair: Pair, job: Command, transfer: Command) -> None:
    """The state directory of a job between other deployments is refused."""
    del job
    said = transfer("undo", "--yes", "--config", pair.config(target__url="http://127.0.0.1:1"))
    assert (said.code, "belongs to another job" in said.err) == (2, True)
    assert removals(pair) == []


def test_it_speaks_json(pair: Pair, job: Command) -> None:
    """With --json every line is one object: what was found, and what became of it."""
    said = job("undo", "--yes", "--json")
    assert [line["event"] for line in said.objects if line["event"] != "progress"] == ["undo", "summary"]
    (dag_id, _), removed = runs(pair), said.result["undone"]
    assert {name: of["runs"] for name, of in removed.items()} == {
        dag_id: 29,
        **dict.fromkeys(removed.keys() - {dag_id}, 30),
    }
    assert said.result["dags"][dag_id] == {"removed": 29, "gone": 0, "left": 0, "begun": 0, "there_before": 1}
