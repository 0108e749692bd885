"""``transfer run --replace-changed``, between two emulated deployments."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from transfer.emulator import SyntheticHistory, TableHistory

from .calling import Command, Said
from .deployments import SMALL, Pair, pair_of
from .mending import close_stable_api, differences, removals, run_again, sit_down


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


def test_changed_runs_are_replaced_if_told(pair: Pair, job: Command) -> None:
    """An ordinary run says how many have changed and what to do; that replaces them."""
    again = run_again(pair, 2, 5)
    said = job("run")
    assert (said.code, len(differences(pair)) > 0) == (3, True)
    assert "2 runs are on the target in another version: transfer run --replace-changed replaces them" in said.out
    said = job("run", "--replace-changed", "--yes")
    assert (said.code, differences(pair)) == (0, [])
    assert sorted(removals(pair)) == sorted(again)


def test_nobody_to_ask(pair: Pair, job: Command) -> None:
    """Without a terminal and without --yes nothing is even moved."""
    run_again(pair, 2)
    before = len(pair.target.requests)
    for command in (["run", "--replace-changed"], ["run", "--replace-changed", "--json"]):
        said = job(*command)
        assert (said.code, len(pair.target.requests)) == (2, before)
        assert "--yes" in said.err


@pytest.mark.parametrize(("answer", "code", "removed"), [("y", 0, 1), ("n", 3, 0), ("", 3, 0), ("yes", 0, 1)])
def test_somebody_is_asked(
    pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, removed: int
) -> None:
    """On a terminal the number is shown and an explicit yes is wanted."""
    run_again(pair, 2)
    sit_down(monkeypatch, f"{answer}\n")
    said = job("run", "--replace-changed")
    assert "Remove 1 runs from the target and send them anew? [y/N]" in said.err
    assert (said.code, sum(exchange.method == "DELETE" for exchange in pair.target.requests)) == (code, removed)


def test_nothing_changed(pair: Pair, job: Command) -> None:
    """Where nothing has changed nobody is asked."""
    assert (job("run", "--replace-changed", "--yes").code, differences(pair)) == (0, [])


def test_what_was_there_before_is_counted_apart(pair: Pair, job: Command, folder: Path) -> None:
    """Runs that this job has only found on the target, and did not write, are named as such before they are removed."""
    assert job("run", "--state-dir", folder / "other").code == 0
    run_again(pair, 2, 5)
    said = job("run", "--replace-changed", "--yes", "--state-dir", folder / "other")
    assert "2 are not known to have been written by this job" in said.out
    run_again(pair, 3)
    said = job("run", "--replace-changed", "--yes", "--json")
    shown = next(line for line in said.objects if line["event"] == "changed")
    assert (sum(shown["runs"].values()), shown["not_by_this_job"]) == (3, 0)
    assert differences(pair) == []


def test_an_api_that_is_closed_marks_nothing(pair: Pair, job: Command) -> None:
    """Where runs cannot be removed it says so before any is marked, and ordinary runs go on as ever."""
    run_again(pair, 2)
    close_stable_api(pair)
    said = job("run", "--replace-changed", "--yes")
    assert (said.code, removals(pair)) == (1, [])
    assert "target: look for run" in said.err
    assert "Airflow's stable REST API (/api/v1) does not answer" in said.err
    assert "let it through at the proxy" in said.err
    assert job("run").code == 3
    pair.target.faults.rules.clear()
    assert (job("run", "--replace-changed", "--yes").code, differences(pair)) == (0, [])
