"""``transfer plan``."""

from pathlib import Path

from transfer.emulator import TableHistory
from transfer.emulator.rows import dag_row

from .calling import Command
from .deployments import Pair, pair_of


def test_what_would_be_moved(transfer: Command, pair: Pair) -> None:
    """Every DAG with its runs, their sum, and a forecast of the rows."""
    said = transfer("plan", "--config", pair.config())
    lines = [line.split() for line in said.out.splitlines()]
    assert said.code == 0
    assert lines[1:4] == [["dag_0000", "30"], ["dag_0001", "30"], ["2", "DAGs", "60"]]
    assert "360 rows" in said.out


def test_without_a_forecast(transfer: Command, pair: Pair) -> None:
    """--no-forecast reads no history."""
    assert "forecast" not in transfer("plan", "--config", pair.config(), "--no-forecast").out
    assert pair.source.asked("GET", "task_instances") == []


def test_nothing_is_written(transfer: Command, pair: Pair) -> None:
    """Not one POST but the logins, and no state directory."""
    transfer("plan", "--config", pair.config())
    posts = {route for method, route in pair.target.counts if method == "POST"}
    assert (posts, pair.state_dir.exists()) == ({"login"}, False)


def test_for_machines(transfer: Command, pair: Pair) -> None:
    """One object with the same."""
    (plan,) = transfer("plan", "--config", pair.config(), "--json").objects
    assert [dag["dag_id"] for dag in plan["dags"]] == ["dag_0000", "dag_0001"]
    assert (plan["runs"], plan["forecast"]["rows"], plan["left_out"]) == (60, 360, {})


def test_dags_that_are_left_out(transfer: Command, folder: Path) -> None:
    """Each with its reason."""
    with pair_of(folder, table=TableHistory([dag_row("dag_0000")])) as pair:
        said = transfer("plan", "--config", pair.config())
        everything = transfer("plan", "--config", pair.config(), "--allow-missing-dags")
    assert "left out: dag_0001: the target does not have it" in said.out
    assert ["dag_0001", "30", "not", "on", "the", "target"] in [line.split() for line in everything.out.splitlines()]


def test_nothing_to_move(transfer: Command, pair: Pair) -> None:
    """Exit code 1, the reason, and no forecast of nothing."""
    said = transfer("plan", "--config", pair.config(), "--dag", "nope")
    assert said.code == 1
    assert "left out: nope: " in said.out
    assert "forecast" not in said.out
