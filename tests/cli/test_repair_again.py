"""``transfer repair`` when it could not do everything at once, or when there is nothing left to do."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from transfer.checkpoint import CheckpointReader
from transfer.emulator import Answer, Rule, SyntheticHistory, TableHistory

from .calling import Command, Said
from .deployments import SMALL, Pair, pair_of
from .mending import Terminal, damage, differences, removals, runs


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


def refuse_removal(pair: Pair, times: int | None = None) -> None:
    """Let the target refuse removals."""
    answer = Answer(403, '{"detail": "no right to delete", "status": 403, "title": "Forbidden"}', "application/json")
    pair.target.faults.rules.append(Rule(answer, method="DELETE", times=times))


def reasons(pair: Pair) -> dict[str, str]:
    """Return the rejected runs with the reason."""
    with CheckpointReader.open(pair.state_dir) as reader:
        return {row.run_id: row.reason for row in reader.rejected(100) if row.kind == "dag_runs"}


def test_what_failed_is_tried_again(pair: Pair, job: Command) -> None:
    """The same verification is applied again to the runs that failed, and only to these."""
    _, run_ids = runs(pair)
    damage(pair)
    job("verify")
    refuse_removal(pair, times=2)  # it logs in anew, and asks again
    assert job("repair", "--yes").code == 3
    shown = job("repair", "--dry-run", "--json").result["dags"]
    assert [counts["replace"] for counts in shown.values()] == [1]
    assert job("repair", "--yes", "--delete-extra").code == 0
    assert (removals(pair), differences(pair)) == ([run_ids[3], run_ids[3], "only-there", run_ids[3]], [])
    assert "nothing is left to be done" in job("repair", "--yes").out


def test_it_never_says_that_nothing_is_left_while_something_is(pair: Pair, job: Command) -> None:
    """However often it fails, it ends with 3 and with the reason that the target gave."""
    damage(pair)
    job("verify")
    refuse_removal(pair)
    for _ in range(3):
        said = job("repair", "--yes")
        assert (said.code, "nothing is left" in said.out) == (3, False)
    assert any("not allowed" in reason for reason in reasons(pair).values())


def test_a_reason_is_kept(pair: Pair, job: Command) -> None:
    """Ordinary runs of the program do not say something else of a run that could not be replaced."""
    damage(pair)
    job("verify")
    refuse_removal(pair)
    job("repair", "--yes")
    before = reasons(pair)
    assert job("run").code == 3
    assert reasons(pair) == before
    assert all("could not be replaced" in reason for reason in before.values())


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_the_source_has_no_more(pair: Pair, job: Command, number: int) -> None:
    """Of a run that was to be repaired and that is gone at the source nothing is owed, and it is named."""
    dag_id, run_ids = runs(pair)
    lost = run_ids[number]
    damage(pair)
    job("verify")
    assert isinstance(pair.source.history, TableHistory)
    pair.source.history.remove_run(dag_id, lost)
    said = job("repair", "--yes", "--delete-extra", "--json")
    assert (said.code, said.result["forgotten"], reasons(pair)) == (0, [f"{dag_id} {lost}"], {})
    if pair.table.run(dag_id, lost) is not None:
        pair.table.remove_run(dag_id, lost)
    assert (job("run").code, job("verify").code) == (0, 0)


def test_what_stays_is_part_of_the_result(pair: Pair, job: Command) -> None:
    """A surplus run that cannot be removed is named with the reason, and the recorded exit code is the same."""
    damage(pair)
    job("verify")
    assert job("repair", "--yes").code == 3
    refuse_removal(pair)
    said = job("repair", "--yes", "--delete-extra")
    assert (said.code, "not all that was found could be repaired" in said.out) == (3, True)
    assert "only-there: " in said.out
    with CheckpointReader.open(pair.state_dir) as reader:
        assert reader.invocations()[-1].exit_code == 3


def test_removed_runs_are_not_listed_again(pair: Pair, job: Command) -> None:
    """A surplus run that was removed is no work any more."""
    damage(pair)
    job("verify")
    assert job("repair", "--yes", "--delete-extra").code == 0
    said = job("repair", "--yes", "--delete-extra", "--json")
    assert [(counts["remove"], said.code) for counts in said.result["dags"].values()] == [(0, 0)]
    assert removals(pair).count("only-there") == 1


def test_it_says_what_is_left(pair: Pair, job: Command) -> None:
    """Where nothing can be done it says why, and what would help; a dry run, too."""
    damage(pair)
    job("verify")
    job("repair", "--yes")
    for arguments, code in ((["--yes"], 3), (["--dry-run"], 0)):
        said = job("repair", *arguments)
        assert (said.code, "nothing is left to be done, but:" in said.out) == (code, True)
        assert "1 runs that only the target has: `transfer repair --delete-extra` removes them" in said.out


def test_a_question_that_nobody_would_see(pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is no terminal nobody is asked."""
    damage(pair)
    job("verify")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    said = job("repair")
    assert (said.code, "there is nobody to ask" in said.err) == (2, True)


def test_a_dag_that_the_target_lacks(pair: Pair, job: Command) -> None:
    """It says that a DAG may be left out, and how to move it nevertheless."""
    dag_id, run_ids = runs(pair)
    for run_id in run_ids:
        pair.table.remove_run(dag_id, run_id)
    job("verify")
    assert f"the target had no run of {dag_id}" in job("repair", "--dry-run").out
