"""``transfer logs`` and ``transfer run --logs``: what they say, and every exit code."""

from pathlib import Path

import pytest

from transfer.emulator import Behaviour, Open, SyntheticHistory, TableHistory
from transfer.emulator.logs import path_of
from transfer.kinds import TASK_INSTANCES

from .calling import Command
from .deployments import SMALL, SOURCE_PASSWORD, Pair, behaviour, pair_of

CONTENT = b"[2026-01-01] {taskinstance.py:1} INFO - done\n"


def write_logs(pair: Pair) -> int:
    """Give each task instance's present try a log; return how many there are."""
    for dag_id in pair.source.history.dag_ids():
        for run in pair.source.history.runs(dag_id):
            for row in pair.source.history.children(TASK_INSTANCES, dag_id, run["run_id"]):
                name = {key: row[key] for key in ("dag_id", "run_id", "task_id", "map_index", "try_number")}
                pair.source.logs.put(CONTENT, **name)
    return len(pair.source.logs.files)


def test_logs_need_a_job_first(transfer: Command, pair: Pair) -> None:
    """There is nothing to go by without one: the message says what to do."""
    said = transfer("logs", "--config", pair.config())
    assert said.code == 1
    assert "there is no job" in said.err
    assert "`transfer run` moves the history first" in said.err
    assert not pair.state_dir.exists()


def test_the_logs_of_a_moved_history_arrive(transfer: Command, pair: Pair) -> None:
    """Exit code 0, and a summary for people; `status` counts them, too."""
    count = write_logs(pair)
    transfer("run", "--config", pair.config())
    said = transfer("logs", "--config", pair.config())
    assert said.code == 0, said.err
    assert said.out.startswith("task logs: complete\n")
    assert f"{count:,} moved" in said.out
    assert pair.target.logs.files == pair.source.logs.files
    status = transfer("status", "--config", pair.config())
    assert [line.split()[:2] for line in status.out.splitlines() if line.startswith("task_logs")] == [
        ["task_logs", str(count)]
    ]


def test_run_with_logs_does_both(transfer: Command, pair: Pair) -> None:
    """First the history, then its logs, in one command with two summaries."""
    count = write_logs(pair)
    said = transfer("run", "--logs", "--config", pair.config(), "--json")
    assert said.code == 0, said.err
    first, second = [line for line in said.objects if line["event"] == "summary"]
    assert first["job"]["kinds"]["dag_runs"]["moved"] == 60
    assert second["task_logs"] == {
        "moved": count,
        "already": 0,
        "missing": second["task_logs"]["missing"],
        "bytes": count * len(CONTENT),
        "rejected": 0,
    }
    assert second["this_run"]["bytes_sent"] == count * len(CONTENT)


def test_a_log_that_is_too_large_is_listed(transfer: Command, pair: Pair) -> None:
    """Exit code 3, with its size and what to do; a later `run` goes on as if nothing were, and still counts it."""
    write_logs(pair)
    large = next(iter(pair.source.logs.files))
    pair.source.logs.files[large] = bytes(2_000_000)
    transfer("run", "--config", pair.config())
    said = transfer("logs", "--config", pair.config())
    assert said.code == 3
    assert "too large: 2,000,000 bytes" in said.out
    assert "limits.log_bytes" in said.out
    assert transfer("run", "--config", pair.config()).code == 3
    again = transfer("logs", "--config", pair.config(), "--json")
    assert (again.code, again.result["task_logs"]["rejected"], again.result["this_run"]["logs_sent"]) == (3, 1, 0)


def test_airflow_3_is_refused_with_a_way_out(transfer: Command, folder: Path) -> None:
    """Before anything is moved: logs are to be copied at the level of the storage."""
    history = SyntheticHistory(SMALL)
    table = TableHistory((dict(dag) for dag in history.dags()), version="3.1.8")
    with pair_of(folder, history=history, table=table, target=Behaviour(door=Open(), airflow_version="3.1.8")) as pair:
        said = transfer("run", "--logs", "--config", pair.config(target__auth={"kind": "none"}))
        assert said.code == 1, said.err
        assert "Starship neither serves nor takes them on Airflow 3" in said.err
        assert "level of the storage" in said.err
        assert not pair.state_dir.exists()


def test_a_deployment_that_is_not_on_astronomer_is_refused(transfer: Command, pair: Pair) -> None:
    """Starship says so itself; nothing is sent."""
    transfer("run", "--config", pair.config())
    pair.target.logs.astronomer = False
    said = transfer("logs", "--config", pair.config())
    assert said.code == 1
    assert "only supported on Astronomer" in said.err
    assert pair.target.logs.files == {}
    check = transfer("check", "--config", pair.config())
    assert "note" in next(line for line in check.out.splitlines() if "task logs cannot be moved" in line)


def test_sides_that_share_their_logs_are_refused(transfer: Command, pair: Pair) -> None:
    """Writing a log would empty the very file that is being read: nothing is touched."""
    write_logs(pair)
    transfer("run", "--config", pair.config())
    pair.target.logs.files = pair.source.logs.files
    before = dict(pair.source.logs.files)
    said = transfer("logs", "--config", pair.config())
    assert said.code == 1
    assert "in the same place" in said.err
    assert pair.source.logs.files == before


def test_check_says_how_large_a_log_may_be(transfer: Command, pair: Pair) -> None:
    """And stores nothing to find that out."""
    said = transfer("check", "--config", pair.config())
    assert "takes task logs of up to 1047552 bytes" in said.out
    assert pair.target.asked("POST", "task_log") == []


def test_logs_that_the_target_has_are_left_with_found(transfer: Command, folder: Path) -> None:
    """Of runs that were there before, what lacks is added and what is there stays."""
    source = SyntheticHistory(SMALL)
    table = TableHistory(dict(dag) for dag in source.dags())
    with pair_of(folder, history=source, table=table) as pair:
        write_logs(pair)
        transfer("run", "--config", pair.config())
    with pair_of(folder / "again", history=source, table=table, source=behaviour(SOURCE_PASSWORD)) as pair:
        pair.folder.mkdir()
        count = write_logs(pair)
        theirs = next(iter(pair.source.logs.files))
        pair.target.logs.files[theirs] = b"theirs"
        transfer("run", "--config", pair.config())
        assert transfer("logs", "--config", pair.config(), "--json").result["task_logs"]["moved"] == 0
        said = transfer("logs", "--found", "--config", pair.config(), "--json")
        assert (said.code, said.result["task_logs"]["moved"], said.result["task_logs"]["already"]) == (0, count - 1, 1)
        assert pair.target.logs.files[theirs] == b"theirs"


def test_help_says_what_moves_and_what_cannot(transfer: Command) -> None:
    """Both commands name the switch, and the limits."""
    said = " ".join(transfer("logs", "--help").out.split())
    assert "--verify-logs" in said
    assert "1 MiB" in said
    assert "--logs" in transfer("run", "--help").out


@pytest.mark.parametrize("name", ["a+b", "x:y", "grün"])
def test_paths_are_those_of_airflow(name: str) -> None:
    """The emulator keeps its logs where Airflow does."""
    of = {"dag_id": "d", "run_id": name, "task_id": "t", "map_index": "3", "try_number": "2"}
    assert path_of(of) == f"dag_id=d/run_id={name}/task_id=t/map_index=3/attempt=2.log"
