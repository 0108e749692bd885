"""``transfer repair --delete-extra`` when the findings are older than what the source has by now."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from transfer.emulator import SyntheticHistory, TableHistory
from transfer.kinds import DAG_RUNS, Row

from .calling import Command, Said
from .deployments import SMALL, Pair, pair_of
from .mending import differences, removals, runs, sit_down


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


def add_extra(pair: Pair) -> Row:
    """Add a run to the target only, and return it."""
    dag_id, run_ids = runs(pair)
    run = pair.table.run(dag_id, run_ids[4])
    assert run is not None
    extra = {**run, "run_id": "restored", "execution_date": "2001-01-01 00:00:00+00:00"}
    pair.table.insert(DAG_RUNS, [extra])
    return extra


def restore(pair: Pair, extra: Row) -> None:
    """Give it to the source, too."""
    assert isinstance(pair.source.history, TableHistory)
    pair.source.history.insert(DAG_RUNS, [extra])


def test_what_the_job_has_met_since_stays(pair: Pair, job: Command) -> None:
    """A run that an ordinary run of the program has seen at the source since it was verified is not removed."""
    extra = add_extra(pair)
    assert job("verify").code == 3
    restore(pair, extra)
    assert job("run").code == 0
    said = job("repair", "--yes", "--delete-extra")
    assert (said.code, removals(pair), differences(pair)) == (3, [], [])
    assert "the source may have it by now" in said.err


def test_what_the_source_has_by_now_is_sent_again(pair: Pair, job: Command) -> None:
    """A run that nobody has met at the source is removed, and what it has there is sent with the same command."""
    extra = add_extra(pair)
    assert job("verify").code == 3
    restore(pair, extra)
    assert (job("repair", "--yes", "--delete-extra").code, removals(pair)) == (0, ["restored"])
    assert differences(pair) == []


def test_a_run_that_the_job_had_moved_before(pair: Pair, job: Command) -> None:
    """What the job knows of a run from before the verification does not keep it."""
    dag_id, run_ids = runs(pair)
    assert isinstance(pair.source.history, TableHistory)
    pair.source.history.remove_run(dag_id, run_ids[3])
    assert job("verify").code == 3
    assert (job("repair", "--yes", "--delete-extra").code, removals(pair)) == (0, [run_ids[3]])
    assert differences(pair) == []


def test_it_says_how_old_the_findings_are(pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody agrees it says when the verification had ended, with the count."""
    add_extra(pair)
    job("verify")
    sit_down(monkeypatch, "n\n")
    said = job("repair", "--delete-extra")
    moment = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.search(f"verification .*: runs that were not the same on both sides at {moment}", said.out)
    assert re.search(rf"Remove 1 runs from the target that the source did not have at {moment}\? \[y/N\]", said.err)
    assert removals(pair) == []
