"""The verdict finds every wrong row, and excuses only what the source itself did."""

from collections.abc import Callable
from random import Random
from typing import LiteralString

import pytest

from tests.live.later import copy_history, finished_run_ids
from tests.live.rig import Connection
from tests.live.seed_runs import dag_name
from transfer.checkpoint.encoding import digest
from transfer.model import RejectedRow

from .history import LivingHistory, RunKey
from .judge import Verdict, judge

DAG = dag_name(0)
Act = Callable[[LivingHistory], RunKey | None]


@pytest.fixture
def history(source: Connection, target: Connection) -> LivingHistory:
    """Two DAGs, the same on both sides."""
    living = LivingHistory(source, target, Random(1), dags=2)  # noqa: S311 - reproducible, no secrets
    living.grow(40)
    for dag in range(2):
        dag_id = dag_name(dag)
        copy_history(source, target, dag_id, finished_run_ids(source, dag_id))
    return living


def told(run: RunKey) -> list[RejectedRow]:
    """Return the report of one rejected run."""
    return [RejectedRow("dag_runs", *run, "", "changed")]


def judged(history: LivingHistory, rejected: list[RejectedRow]) -> Verdict:
    """Return the verdict on both sides as they are."""
    return judge(history.source, history.target, history, rejected)


def test_the_same_is_the_same(history: LivingHistory) -> None:
    """Nothing is wrong where both sides hold the same."""
    assert judged(history, []).wrong == []


@pytest.mark.parametrize(
    ("on_source", "statement", "kind"),
    [
        (False, "DELETE FROM task_instance WHERE run_id = %s AND map_index = -1", "missing"),
        (False, "UPDATE dag_run SET clear_number = 7 WHERE run_id = %s", "differing"),
        (True, "DELETE FROM dag_run WHERE run_id = %s", "extra"),
    ],
)
def test_a_wrong_row_is_found(history: LivingHistory, statement: LiteralString, kind: str, *, on_source: bool) -> None:
    """Rows that lack, that differ and that are too many are counted as such, each of them."""
    run_id = finished_run_ids(history.source, DAG)[6]
    (history.source if on_source else history.target).execute(statement, [run_id])
    verdict = judged(history, [])
    assert getattr(verdict, kind) > 0
    assert len(verdict.wrong) == verdict.missing + verdict.differing + verdict.extra


def test_a_report_without_a_cause_is_wrong(history: LivingHistory) -> None:
    """A run that nobody touched must not be reported."""
    assert len(judged(history, told((DAG, finished_run_ids(history.source, DAG)[3]))).wrong) == 1


@pytest.mark.parametrize("act", [LivingHistory.clear, LivingHistory.mark])
def test_an_earlier_version_is_excused_if_it_is_reported(history: LivingHistory, act: Act) -> None:
    """What changed may be on the target as it was, if the program says so; nothing else may be there."""
    run = happened(history, act)
    assert judged(history, []).differing > 0
    assert judged(history, told(run)).wrong == []
    history.target.execute("UPDATE task_instance SET pid = 77 WHERE dag_id = %s AND run_id = %s", run)
    assert judged(history, told(run)).wrong == [f"a mixture of versions: {run}"]


def test_what_is_gone_at_the_source_is_whole_or_reported(history: LivingHistory) -> None:
    """A deleted run may be on the target as it was; a part of it only if the program says so."""
    run = happened(history, LivingHistory.delete)
    verdict = judged(history, [])
    assert (verdict.wrong, verdict.deleted_at_source) == ([], 1)
    history.target.execute("DELETE FROM task_instance WHERE dag_id = %s AND run_id = %s", run)
    assert len(judged(history, []).wrong) == 1
    assert judged(history, told((run[0], f"(digest {digest(run[1]) % 2**64:016x})"))).wrong == []


def happened(history: LivingHistory, act: Act) -> RunKey:
    """Let something happen to a run with task instances, let all runs end, and bring what else finished over."""
    run = act(history)
    assert run is not None
    finished = {dag: set(finished_run_ids(history.source, dag_name(dag))) for dag in range(2)}
    history.finish()
    for dag, before in finished.items():
        later = set(finished_run_ids(history.source, dag_name(dag))) - before - {run[1]}
        copy_history(history.source, history.target, dag_name(dag), sorted(later))
    return run
