"""Two emulated deployments that have drifted apart after everything was moved."""

import io
import sys
from urllib.parse import unquote

import pytest

from transfer.emulator import Answer, Rule, TableHistory, compare
from transfer.kinds import CHILDREN, DAG_RUNS, TASK_INSTANCES

from .deployments import Pair


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """Be one."""
        return True


def sit_down(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Let somebody sit at a terminal, who sees standard error and types ``typed``."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def runs(pair: Pair, dag: int = 0) -> tuple[str, list[str]]:
    """Return a DAG and its runs."""
    dag_id = sorted(pair.table.dag_ids())[dag]
    return dag_id, [run["run_id"] for run in pair.table.runs(dag_id)]


def run_again(pair: Pair, *numbers: int) -> list[str]:
    """Clear runs at the source and let them succeed again."""
    table = pair.source.history
    assert isinstance(table, TableHistory)
    dag_id, run_ids = runs(pair)
    for number in numbers:
        table.clear_run(dag_id, run_ids[number])
        table.move_run(dag_id, run_ids[number], start_date=f"2031-01-{number + 1:02} 00:00:00+00:00", state="success")
        for row in table.children(TASK_INSTANCES, dag_id, run_ids[number]):
            row["state"] = "success"
    return [run_ids[number] for number in numbers]


def removals(pair: Pair) -> list[str]:
    """Return the runs whose removal was asked for."""
    deleted = [exchange.route for exchange in pair.target.requests if exchange.method == "DELETE"]
    return [unquote(route.rpartition("/")[2]) for route in deleted]


def damage(pair: Pair) -> None:
    """Take away a run and some children, change a row, add a run: on the target, after everything was moved."""
    dag_id, run_ids = runs(pair)
    pair.table.remove_run(dag_id, run_ids[1])
    for kind in CHILDREN:
        pair.table._children[kind.name].pop((dag_id, run_ids[2]), None)
    pair.table.children(TASK_INSTANCES, dag_id, run_ids[3])[0]["operator"] = "Changed"
    extra = pair.table.run(dag_id, run_ids[4])
    assert extra is not None
    more = {"run_id": "only-there", "execution_date": "2001-01-01 00:00:00+00:00"}
    pair.table.insert(DAG_RUNS, [{**extra, **more}])


def differences(pair: Pair) -> list[object]:
    """Return how the target differs from the source."""
    return list(compare(pair.source.history, pair.target.history))


def close_stable_api(pair: Pair) -> None:
    """Let something in front of the target know nothing of the stable REST API."""
    for dag_id in pair.table.dag_ids():
        for run in pair.table.runs(dag_id):
            route = f"api/v1/dags/{dag_id}/dagRuns/{run['run_id']}"
            pair.target.faults.rules.append(Rule(Answer(404, "404 page not found", "text/plain"), route=route))
