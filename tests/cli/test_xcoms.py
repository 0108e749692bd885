"""``transfer xcoms``, and ``transfer run --xcoms``."""

from pathlib import Path

from transfer.emulator import Answer, Faults
from transfer.emulator.faults import Rule
from transfer.kinds import TASK_INSTANCES

from .calling import Command
from .deployments import SOURCE_PASSWORD, Pair, behaviour, pair_of

TUPLE = b'{"__classname__": "builtins.tuple", "__version__": 1, "__data__": [1, 2]}'


def fill(pair: Pair, value: bytes = b'{"a": 1}') -> int:
    """Give the first task instance of every run a value; return how many there are."""
    history = pair.source.history
    runs = [(dag_id, run["run_id"]) for dag_id in history.dag_ids() for run in history.runs(dag_id)]
    for dag_id, run_id in runs:
        task = history.children(TASK_INSTANCES, dag_id, run_id)[0]
        pair.source.xcoms.put((dag_id, run_id, task["task_id"], task["map_index"]), "return_value", value)
    return len(runs)


def test_after_a_run(transfer: Command, pair: Pair) -> None:
    """The values of all that was moved; once."""
    count = fill(pair)
    transfer("run", "--config", pair.config())
    said = transfer("xcoms", "--config", pair.config())
    assert said.code == 0
    assert f"in all: {count} moved" in said.out
    again = transfer("xcoms", "--config", pair.config(), "--json").result
    assert again["this_run"]["xcoms_sent"] == 0
    assert again["xcoms"]["moved"] == count
    assert pair.target.xcoms.values == pair.source.xcoms.values


def test_together_with_a_run(transfer: Command, pair: Pair) -> None:
    """History and XComs in one command; each with its summary."""
    count = fill(pair)
    said = transfer("run", "--config", pair.config(), "--xcoms", "--json")
    assert said.code == 0
    assert [one["result"] for one in said.objects if one["event"] == "summary"] == ["complete", "XComs: complete"]
    assert said.result["xcoms"]["moved"] == count


def test_what_is_not_sent_is_listed_with_the_reason(transfer: Command, pair: Pair) -> None:
    """With exit code 3; sent on demand."""
    count = fill(pair, TUPLE)
    transfer("run", "--config", pair.config())
    said = transfer("xcoms", "--config", pair.config())
    assert said.code == 3
    assert f"{count} not moved" in said.out
    assert "a tuple or a set" in said.out
    listed = transfer("status", "--state-dir", pair.state_dir, "--rejected")
    assert listed.out.count("a tuple or a set") == count
    assert transfer("xcoms", "--config", pair.config(), "--again", "--doubtful").code == 0


def test_without_a_job_there_is_nothing_to_do(transfer: Command, pair: Pair) -> None:
    """The history comes first."""
    said = transfer("xcoms", "--config", pair.config())
    assert said.code == 1
    assert "there is no job" in said.err
    assert "transfer run" in said.err


def test_versions_that_have_none_are_refused_before_the_history_moves(transfer: Command, folder: Path) -> None:
    """Also by ``run --xcoms``: not hours later."""
    with pair_of(folder, source=behaviour(SOURCE_PASSWORD, airflow_version="2.7.3")) as pair:
        said = transfer("run", "--config", pair.config(), "--xcoms")
    assert said.code == 1
    assert "XComs cannot be moved with Airflow 2.7" in said.err
    assert not pair.state_dir.exists()


def test_a_plan_says_what_they_cost(transfer: Command, pair: Pair) -> None:
    """In requests and time, with what is assumed."""
    count = fill(pair)
    said = transfer("plan", "--config", pair.config())
    assert f"XComs (transfer xcoms): about {count} values, {3 * count} requests" in said.out
    assert "task logs (transfer logs): about" in said.out
    assert "assumed of these: 4 requests at once" in said.out
    (plan,) = transfer("plan", "--config", pair.config(), "--json").objects
    assert [one["kind"] for one in plan["attached"]] == ["task_logs", "xcoms"]


def test_a_check_says_whether_they_can_be_moved(transfer: Command, folder: Path) -> None:
    """And that it is slow where Airflow's own API does not list them to us; nothing is stored."""
    closed = Answer(403, '{"detail": null, "status": 403}', "application/problem+json")
    route = "api/v1/dags/transfer_probe/dagRuns/~/taskInstances/~/xcomEntries"
    with pair_of(folder) as pair:
        before = transfer("check", "--config", pair.config())
        pair.source.behaviour.faults = Faults([Rule(closed, "GET", route)])
        after = transfer("check", "--config", pair.config())
        assert pair.target.asked("POST", "xcom") == []
    assert "target: takes XComs" in before.out
    assert "does not list XComs" not in before.out
    assert "every task instance has to be asked" in after.out
    assert (before.code, after.code) == (0, 0)
