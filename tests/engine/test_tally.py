"""The account of one window."""

from typing import Any

from transfer.emulator.rows import run_row, task_row
from transfer.engine.choose import Choice, fingerprint
from transfer.engine.deliver import Delivery
from transfer.engine.tally import Tally
from transfer.engine.window import LoadedWindow
from transfer.kinds import DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Key, Kind, Row
from transfer.model import Counts, Outcome, SettledRun, Settlement, Window

RUNS = [run_row("dag", number) for number in range(3)]
IDS = [run["run_id"] for run in RUNS]
TASKS = [task_row(run, task) for run in RUNS for task in ("a", "b")]


def tally(before: Outcome | None = None, **choice: Any) -> Tally:
    """Return the account of a window of three runs, of each of which ``before`` was remembered."""
    marks = {run["run_id"]: fingerprint(run) for run in RUNS}
    known = dict.fromkeys(IDS, before) if before else {}
    chosen = Choice(to_move=RUNS, fingerprints=marks, **choice)
    return Tally(LoadedWindow(Window("dag", 1, 0, 0, 3, None), chosen, set(IDS), 3, known))


def keys(kind: Kind, rows: list[Row]) -> set[Key]:
    """Return the keys of ``rows``."""
    return set(map(kind.key_of, rows))


def outcomes(settlement: Settlement) -> list[Outcome]:
    """Return what became of the three runs."""
    found = {run.run_id: run.outcome for run in settlement.runs}
    return [found[run_id] for run_id in IDS]


def test_what_was_sent_is_moved() -> None:
    """Sent rows are counted by kind; a run of which all was sent is moved, and keeps its fingerprint."""
    account = tally()
    account.note(DAG_RUNS, Delivery(sent=keys(DAG_RUNS, RUNS)))
    assert account.sift(TASK_INSTANCES, TASKS, set()) == TASKS
    account.note(TASK_INSTANCES, Delivery(sent=keys(TASK_INSTANCES, TASKS)))
    settlement = account.settlement()
    assert [settlement.counts[kind.name].moved for kind in KINDS] == [3, 6, 0]
    assert [run.fingerprint for run in settlement.runs] == [fingerprint(run) for run in RUNS]
    assert outcomes(settlement) == [Outcome.MOVED] * 3


def test_what_was_there_is_already_there() -> None:
    """A run that is found is the target's own, also when children that it lacked are sent."""
    account = tally()
    account.note(DAG_RUNS, Delivery(sent={(IDS[0],)}, found={(IDS[1],), (IDS[2],)}))
    lacking = account.sift(TASK_INSTANCES, TASKS, keys(TASK_INSTANCES, TASKS[2:5]))
    assert lacking == TASKS[:2] + TASKS[5:]
    account.note(TASK_INSTANCES, Delivery(sent=keys(TASK_INSTANCES, lacking)))
    settlement = account.settlement()
    assert outcomes(settlement) == [Outcome.MOVED, Outcome.ALREADY, Outcome.ALREADY]
    assert settlement.counts["task_instances"] == Counts(moved=3, already=3)


def test_what_was_in_flight_is_ours() -> None:
    """Rows that are found of a run that this job had claimed were sent by it."""
    account = tally(Outcome.IN_FLIGHT)
    account.note(DAG_RUNS, Delivery(found=keys(DAG_RUNS, RUNS)))
    account.sift(TASK_INSTANCES, TASKS, keys(TASK_INSTANCES, TASKS))
    settlement = account.settlement()
    assert outcomes(settlement) == [Outcome.MOVED] * 3
    assert settlement.counts["task_instances"] == Counts(moved=6)


def test_children_of_a_refused_run_are_not_sent() -> None:
    """A refused run takes its children with it: they are counted, and one entry stands for those of a kind."""
    account = tally()
    account.note(DAG_RUNS, Delivery(sent=keys(DAG_RUNS, RUNS[1:]), refused={(IDS[0],): "HTTP 409: rival"}))
    assert account.sift(TASK_INSTANCES, TASKS, set()) == TASKS[2:]
    settlement = account.settlement()
    assert outcomes(settlement)[0] is Outcome.REJECTED
    assert [settlement.counts[kind.name].rejected for kind in KINDS] == [1, 2, 0]
    assert [(row.kind, row.run_id, row.rows) for row in settlement.rejected] == [
        ("dag_runs", IDS[0], 1),
        ("task_instances", IDS[0], 2),
    ]


def test_tries_of_a_refused_task_instance_are_not_sent() -> None:
    """A refused task instance takes its history with it, and spoils its run."""
    account = tally()
    account.note(DAG_RUNS, Delivery(sent=keys(DAG_RUNS, RUNS)))
    (bad,) = keys(TASK_INSTANCES, TASKS[:1])
    account.note(TASK_INSTANCES, Delivery(sent=keys(TASK_INSTANCES, TASKS[1:]), refused={bad: "HTTP 400: too long"}))
    assert account.sift(TASK_INSTANCE_HISTORY, TASKS, set()) == TASKS[1:]
    settlement = account.settlement()
    assert outcomes(settlement) == [Outcome.PARTIAL, Outcome.MOVED, Outcome.MOVED]
    reasons = [row.reason for row in settlement.rejected]
    assert reasons == ["HTTP 400: too long", "its task instance was rejected"]


def test_a_run_that_was_there_and_lacks_children_is_rejected() -> None:
    """A run of the target's own that refuses a child is no run of ours."""
    account = tally()
    account.note(DAG_RUNS, Delivery(found=keys(DAG_RUNS, RUNS)))
    (bad,) = keys(TASK_INSTANCES, TASKS[:1])
    account.note(TASK_INSTANCES, Delivery(refused={bad: "no"}))
    assert outcomes(account.settlement())[0] is Outcome.REJECTED


def test_children_of_other_runs_of_the_window_are_left_alone() -> None:
    """Rows of runs that are not to be moved are neither sent nor counted."""
    account = tally()
    stranger = task_row(run_row("dag", 9), "a")
    assert account.sift(TASK_INSTANCES, [stranger], set()) == []
    assert account.settlement().counts["task_instances"] == Counts()


def test_unfinished_and_changed_runs_are_settled_too() -> None:
    """Runs that are not moved are remembered; a changed one is reported with the reason."""
    settled = [SettledRun("u", 1, Outcome.UNFINISHED), SettledRun("x", 2, Outcome.UNSELECTED)]
    changed = [SettledRun("c", 3, Outcome.CHANGED)]
    settlement = tally(settled=settled, changed=changed).settlement()
    assert settlement.runs[3:] == settled + changed
    assert settlement.counts["dag_runs"] == Counts(unfinished=1, rejected=1)
    assert [(row.run_id, row.reason[:21]) for row in settlement.rejected] == [("c", "changed at the source")]


def test_every_rejected_row_has_a_reason() -> None:
    """What the checkpoint is told to count as rejected is named or stood for."""
    account = tally()
    account.note(DAG_RUNS, Delivery(refused={(run_id,): "no" for run_id in IDS}))
    account.sift(TASK_INSTANCES, TASKS, set())
    settlement = account.settlement()
    for kind in KINDS:
        named = sum(row.rows for row in settlement.rejected if row.kind == kind.name)
        assert named == settlement.counts[kind.name].rejected
