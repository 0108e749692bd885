"""``transfer cutover``, between two emulated deployments without a scheduler."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from transfer.emulator import SyntheticHistory, TableHistory
from transfer.emulator.faults import Action, Answer, Reset, Rule, Truncate
from transfer.engine.cutover import switch
from transfer.kinds import DAG_RUNS

from .calling import Command, Said
from .deployments import SMALL, Pair, pair_of
from .mending import sit_down


@pytest.fixture
def pair(folder: Path) -> Iterator[Pair]:
    """A source of which one DAG works, and a target that has both and works on none."""
    table = TableHistory.copy_of(SyntheticHistory(SMALL))
    table.set_paused(table.dags()[0]["dag_id"], paused=False)
    table.set_paused(table.dags()[1]["dag_id"], paused=True)
    target = TableHistory(dict(dag) for dag in table.dags())
    for dag in target.dags():
        dag["is_paused"] = True
    with pair_of(folder, history=table, table=target) as pair:
        yield pair


@pytest.fixture
def job(transfer: Command, pair: Pair) -> Command:
    """The program, which has moved everything, with its configuration."""
    config = pair.config()

    def call(*arguments: object) -> Said:
        return transfer(*arguments, "--config", config)

    assert call("run").code == 0
    return call  # type: ignore[return-value]  # called in the same way


def paused(pair: Pair) -> tuple[list[bool], list[bool]]:
    """Return who is paused at the source, and on the target, by the DAGs' order."""
    sides = (pair.source.history, pair.table)
    source, target = ([bool(dag["is_paused"]) for dag in side.dags()] for side in sides)
    return source, target


def patches(pair: Pair) -> int:
    """Return how often a DAG was switched."""
    return len(pair.source.asked("PATCH", "dags")) + len(pair.target.asked("PATCH", "dags"))


BEFORE = ([False, True], [True, True])
AFTER = ([True, True], [False, True])


def test_the_work_is_handed_over_and_back(pair: Pair, job: Command) -> None:
    """What is new is moved, and exactly the DAG that worked at the source works on the target; until it is undone."""
    said = job("cutover", "--yes")
    assert (said.code, paused(pair)) == (0, AFTER)
    assert "the source is paused, the target works" in said.out
    again = job("cutover", "--yes")
    assert (again.code, paused(pair)) == (0, AFTER)

    said = job("cutover", "--undo", "--yes")
    assert (said.code, paused(pair)) == (0, BEFORE)
    assert "both sides are as they were" in said.out


def test_a_dry_run_changes_nothing(pair: Pair, job: Command) -> None:
    """It shows the DAGs and the steps, and needs nobody to agree."""
    said = job("cutover", "--dry-run")
    assert (said.code, paused(pair), patches(pair)) == (0, BEFORE, 0)
    assert "1. remember who is paused, then pause 2 DAGs on the target" in said.out
    assert "5. unpause 1 DAGs on the target" in said.out
    said = job("cutover", "--dry-run", "--json")
    assert [values["source_paused"] for values in said.result["dags"].values()] == [False, True]
    assert said.result["step"] is None


def test_nobody_to_ask(pair: Pair, job: Command) -> None:
    """Without a terminal and without --yes nothing is switched."""
    for command in (["cutover"], ["cutover", "--json"]):
        said = job(*command)
        assert (said.code, patches(pair)) == (2, 0)
        assert "--yes" in said.err


@pytest.mark.parametrize(("answer", "code", "then"), [("y", 0, AFTER), ("n", 3, BEFORE)])
def test_somebody_is_asked(
    pair: Pair,
    job: Command,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    then: tuple[list[bool], list[bool]],
) -> None:
    """On a terminal the counts are shown and an explicit yes is wanted."""
    sit_down(monkeypatch, answer)
    said = job("cutover")
    assert (said.code, paused(pair)) == (code, then)
    assert "Pause 1 DAGs on the source, and unpause them on the target? [y/N]" in said.err


def test_without_a_job_nothing_is_paused(pair: Pair, transfer: Command) -> None:
    """The history is moved first: DAGs would be paused for as long as that takes."""
    said = transfer("cutover", "--yes", "--config", pair.config())
    assert (said.code, patches(pair)) == (1, 0)
    assert "`transfer run` moves the history first" in said.err


@pytest.mark.parametrize("flags", [["--until", "2030-01-01"], ["--run-state", "success"]])
def test_a_selection_that_leaves_out_new_runs_is_refused(pair: Pair, job: Command, flags: list[str]) -> None:
    """The target's scheduler would make them anew."""
    said = job("cutover", "--yes", *flags)
    assert (said.code, patches(pair)) == (2, 0)


def test_without_a_cutover_there_is_nothing_to_undo(pair: Pair, job: Command) -> None:
    """Nothing is switched."""
    said = job("cutover", "--undo", "--yes")
    assert (said.code, patches(pair)) == (0, 0)
    assert "nothing was changed" in said.out


def test_a_run_that_does_not_end_holds_it_up(pair: Pair, job: Command) -> None:
    """When the time is over the run is named; the source works on, the target stays paused, and it can go on."""
    table = pair.source.history
    dag_id = table.dags()[0]["dag_id"]
    run = next(table.runs(dag_id))
    state, run["state"] = run["state"], "running"
    said = job("cutover", "--yes", "--wait", "0")
    assert (said.code, paused(pair)) == (1, BEFORE)
    assert f"{dag_id}: {run['run_id']}" in said.err

    run["state"] = state
    assert job("cutover", "--yes").code == 0
    assert paused(pair) == AFTER


def test_rejected_rows_keep_the_target_paused_unless_accepted(pair: Pair, job: Command) -> None:
    """A run that the target refuses is missing there, and somebody has to say that this is all right."""
    table, dag_id = pair.source.history, pair.table.dags()[0]["dag_id"]
    assert isinstance(table, TableHistory)
    newest = next(table.runs(dag_id))
    assert isinstance(pair.target.history, TableHistory)
    rival = newest | {"run_id": "rival", "execution_date": "2031-01-01 00:00:00+00:00"}
    assert pair.table.insert(DAG_RUNS, [rival]) is None
    assert table.insert(DAG_RUNS, [rival | {"run_id": "ours"}]) is None

    said = job("cutover", "--yes")
    assert (said.code, paused(pair)) == (3, ([True, True], [True, True]))
    assert "`transfer cutover` goes on" in said.out

    said = job("cutover", "--yes", "--accept-rejected")
    assert (said.code, paused(pair)) == (3, AFTER)


def test_machines_hear_where_it_stands(pair: Pair, job: Command) -> None:
    """The last object says how it ended."""
    said = job("cutover", "--yes", "--json")
    assert said.result == {"event": "cutover_ends", "exit_code": 0, "step": "done"}
    assert paused(pair) == AFTER


def test_a_dag_without_runs_is_handed_over_as_well(pair: Pair, job: Command) -> None:
    """It has no history that could be moved."""
    for side in (pair.source.history, pair.table):
        assert isinstance(side, TableHistory)
        empty = side.dags()[0] | {"dag_id": "empty", "is_paused": side is pair.table}
        side._dags["empty"] = empty
    assert job("run").code == 0
    assert job("cutover", "--yes").code == 0
    assert paused(pair) == ([True, True, True], [False, True, False])


def test_a_paused_job_pauses_no_dag(pair: Pair, job: Command) -> None:
    """Both sides would rest as long as nothing may be moved; taking it back is always possible."""
    (pair.state_dir / "pause").touch()
    said = job("cutover", "--yes")
    assert (said.code, patches(pair)) == (1, 0)
    assert "not now: the job is paused while" in said.err


@pytest.mark.parametrize("fault", [Answer(502), Answer(502, after=True), Reset(), Reset(after=True), Truncate(0.5)])
def test_lost_answers_are_read_back(pair: Pair, job: Command, monkeypatch: pytest.MonkeyPatch, fault: Action) -> None:
    """Whether the request was carried out or not, all ends as it should, and it is said what is waited for."""
    monkeypatch.setattr(switch, "LATE_SECONDS", 0.01)
    for emulator in (pair.source, pair.target):
        emulator.faults.rules.append(Rule(fault, "PATCH", "dags", nth={1}))
    said = job("cutover", "--yes")
    assert (said.code, paused(pair)) == (0, AFTER)
    said = job("cutover", "--undo", "--yes")
    assert (said.code, paused(pair)) == (0, BEFORE)


def test_an_account_without_the_right_is_told_so(pair: Pair, job: Command) -> None:
    """Nothing else is done then."""
    pair.target.faults.rules.append(Rule(Answer(403), "PATCH", "dags"))
    pair.table.set_paused(pair.table.dags()[1]["dag_id"], paused=False)
    said = job("cutover", "--yes")
    assert (said.code, paused(pair)[0]) == (1, BEFORE[0])
    assert "target: pause" in said.err
