"""``transfer run``: what it says, and every exit code."""

import itertools
import json
import signal
from pathlib import Path

import pytest
from aiohttp import web

from transfer.cli import live
from transfer.emulator import Exchange, LoginForm, Shape, TableHistory, compare
from transfer.emulator.rows import dag_row, run_row
from transfer.kinds import DAG_RUNS

from .calling import Command, ended, process
from .deployments import SOURCE_PASSWORD, Pair, behaviour, door, pair_of


def test_a_job_ends_complete(transfer: Command, pair: Pair) -> None:
    """Exit code 0: everything is there, and the counts are said."""
    said = transfer("run", "--config", pair.config())
    assert said.code == 0, said.err
    assert said.out.startswith("complete\n")
    assert ["dag_runs", "60", "0", "0", "0"] in [line.split() for line in said.out.splitlines()]
    assert "360 rows sent" in said.out
    assert compare(pair.source.history, pair.table) == []


def test_the_usual_configuration_is_found(transfer: Command, pair: Pair) -> None:
    """Without --config it is transfer.toml in the current directory."""
    pair.config()
    assert transfer("run").code == 0


def test_events_and_result_are_json(transfer: Command, large: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json every line on both streams is one object, the last on standard output is the result."""
    monkeypatch.setattr(live, "LINES_SECONDS", 0.01)
    said = transfer("run", "--config", large.config(), "--json")
    assert {line["event"] for line in said.objects} == {"progress", "summary"}
    assert (said.code, said.result["exit_code"], said.result["result"]) == (0, 0, "complete")
    assert said.result["job"]["kinds"]["dag_runs"]["moved"] == 600
    assert said.result["this_run"]["rows_sent"] == 600 * (1 + 3 + 2)
    assert [json.loads(line)["event"] for line in said.err.splitlines()] == ["planned"]


def test_progress_is_logged_where_there_is_no_terminal(
    transfer: Command, large: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise there is now and then a line on standard error, and nothing but the result on standard output."""
    monkeypatch.setattr(live, "LINES_SECONDS", 0.01)
    said = transfer("run", "--config", large.config())
    assert "done_percent=" in said.err
    assert "progress" not in said.out


def test_a_second_run_has_nothing_to_send(transfer: Command, pair: Pair) -> None:
    """What was moved stays counted, and nothing is sent again."""
    transfer("run", "--config", pair.config())
    said = transfer("run", "--config", pair.config(), "--json")
    assert (said.code, said.result["this_run"]["rows_sent"]) == (0, 0)
    assert said.result["job"]["kinds"]["dag_runs"]["moved"] == 60


class BrokenDag(LoginForm):
    """A deployment whose database cannot read the task instances of one DAG."""

    def refuse(self, request: web.Request) -> web.Response | None:
        """Answer 500 where that DAG is asked for."""
        broken = request.path.endswith("/task_instances") and request.query.get("dag_id") == "dag_0001"
        return web.json_response({"error": "no"}, status=500) if broken else super().refuse(request)


def test_a_dag_that_cannot_be_read_fails_alone(transfer: Command, folder: Path) -> None:
    """Exit code 1: the others are moved, and the summary names it with the reason."""
    broken = behaviour(SOURCE_PASSWORD)
    broken.door = BrokenDag(tuple(door(SOURCE_PASSWORD)._users.values()))
    with pair_of(folder, source=broken) as pair:
        said = transfer("run", "--config", pair.config())
        assert said.code == 1
        assert pair.table.run_count("dag_0000") == 30
    assert said.out.startswith("not complete: ")
    assert "  dag_0001: source: task_instances " in said.out


def rival_of(pair: Pair) -> str:
    """Give the target a run of its own for a logical date of the source's; return the source's run."""
    moved = next(iter(pair.source.history.runs("dag_0000")))
    pair.table.add(DAG_RUNS, run_row("dag_0000", 1, run_id="rival", execution_date=moved["execution_date"]))
    return str(moved["run_id"])


def test_rejected_rows_are_named(transfer: Command, pair: Pair) -> None:
    """Exit code 3: everything else is moved, the refused rows are listed with the reason and how to see all."""
    refused = rival_of(pair)
    said = transfer("run", "--config", pair.config())
    assert said.code == 3
    assert said.out.startswith("finished, but not everything was accepted\n")
    assert f"dag_runs dag_0000, run_id={refused}: " in said.out
    assert f"transfer status --state-dir {pair.state_dir} --rejected" in said.out
    assert pair.table.run_count("dag_0000") == 30


def test_unfinished_runs_are_left_for_later(transfer: Command, folder: Path) -> None:
    """Runs that are not over are counted, and that they need another run is said."""
    with pair_of(folder, Shape(dags=1, runs=20, tasks=1, queued=2, running=1)) as pair:
        said = transfer("run", "--config", pair.config())
    assert said.code == 0
    assert "3 runs are not over at the source: run again when they are" in said.out


def test_a_dag_that_the_target_lacks_is_left_out(transfer: Command, folder: Path) -> None:
    """The result does not just say complete; with --allow-missing-dags the same job goes on with it."""
    with pair_of(folder, table=TableHistory([dag_row("dag_0000")])) as pair:
        said = transfer("run", "--config", pair.config())
        assert said.code == 0
        assert said.out.startswith("complete, without 1 DAGs that were left out\n")
        assert "  dag_0001: the target does not have it" in said.out
        assert transfer("run", "--config", pair.config(), "--allow-missing-dags").code == 0
        assert pair.table.run_count("dag_0001") == 30


def test_a_target_without_any_of_the_dags_is_a_failure(transfer: Command, folder: Path) -> None:
    """Exit code 1, not "complete", and no state that would stand in the way of the next try."""
    with pair_of(folder, table=TableHistory()) as pair:
        said = transfer("run", "--config", pair.config())
        assert said.code == 1
        assert "nothing can be moved" in said.err
        assert "dag_0001: the target does not have it" in said.err
        assert not pair.state_dir.exists()


@pytest.mark.parametrize("dag", ["nope", "nope*"])
def test_a_selection_of_nothing_is_a_failure(transfer: Command, pair: Pair, dag: str) -> None:
    """Exit code 1 for a name and for a pattern that nothing has, with the name, and no state."""
    said = transfer("run", "--config", pair.config(), "--dag", dag)
    assert said.code == 1
    assert dag in said.err
    assert not pair.state_dir.exists()


def test_sessions_may_expire_in_the_middle(transfer: Command, large: Pair) -> None:
    """A login that is over is renewed as often as needed, and nothing is lost."""
    doors = [side.behaviour.door for side in (large.source, large.target)]
    writes = itertools.count(1)

    async def hook(exchange: Exchange) -> None:
        if exchange.method == "POST" and exchange.route == "task_instances" and next(writes) % 5 == 0:
            for form in doors:
                assert isinstance(form, LoginForm)
                form.expire()

    large.target.behaviour.on_request = hook
    said = transfer("run", "--config", large.config())
    assert (said.code, compare(large.source.history, large.table)) == (0, []), said.err
    assert all(isinstance(form, LoginForm) and form.logins > 2 for form in doors)


def test_flags_override_the_configuration(transfer: Command, pair: Pair) -> None:
    """DAGs, state directory and URLs on the command line win."""
    elsewhere = pair.folder / "elsewhere"
    config = pair.config(source__url="http://127.0.0.1:9")
    said = transfer(
        "run", "-c", config, "-s", elsewhere, "--source-url", pair.source.url, "--dag", "dag_0001", "--newest", 7
    )
    assert said.code == 0
    assert (pair.table.run_count("dag_0000"), pair.table.run_count("dag_0001")) == (0, 7)
    assert elsewhere.exists()
    assert not pair.state_dir.exists()


def test_nobody_listens_to_the_result(pair: Pair) -> None:
    """A closed pipe on standard output ends the program quietly; the job is done all the same."""
    with process("run", "--config", pair.config(), "--json") as started:
        assert started.stdout is not None
        started.stdout.close()
        started.stdout = None
        said = ended(started)
    assert said.code == 1
    assert "Broken" not in said.err
    assert compare(pair.source.history, pair.table) == []


def test_a_killed_run_is_resumed(transfer: Command, large: Pair) -> None:
    """After SIGKILL the same command goes on and ends with everything there once."""
    gate = large.gate(large.target, "POST", "task_instances", nth=5)
    with process("run", "--config", large.config()) as started:
        assert gate.reached.wait(15)
        started.send_signal(signal.SIGKILL)
        assert ended(started).code == -signal.SIGKILL
    large.target.behaviour.on_request = None
    gate.open()
    said = transfer("run", "--config", large.config(), "--json")
    assert (said.code, compare(large.source.history, large.table)) == (0, [])
    assert said.result["job"]["kinds"]["dag_runs"]["moved"] == 600
