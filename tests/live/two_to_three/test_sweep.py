"""The pages of Airflow 3 show everything that was moved."""

from collections.abc import Iterator
from typing import LiteralString

import pytest

from tests.live.pairs import one
from tests.live.rig import Connection

from .conftest import Moved
from .pages import ABOUT_OTHER_THINGS, LISTS, NOT_CARRIED, NOT_OF_EVERY_TASK, POSTED
from .sweep import Swept, pages, sweep


@pytest.fixture(scope="module")
def target(moved: Moved) -> Iterator[Connection]:
    """The database it was moved to."""
    with moved.rig.target.connect() as conn:
        yield conn


@pytest.fixture(scope="module")
def swept(moved: Moved, target: Connection) -> Swept:
    """The answers to every request there is."""
    return sweep(moved.rig.target, target)


def test_no_page_breaks(swept: Swept) -> None:
    """Every answer is a 200, or a 404 where that is the right one; not one is a 500."""
    assert swept.broken == []
    assert swept.pages_with(404) <= NOT_CARRIED | NOT_OF_EVERY_TASK


def test_every_page_was_asked_and_has_something_to_show(moved: Moved, swept: Swept) -> None:
    """Of the pages that this Airflow has, only those are left out that a history cannot name."""
    known = set(pages(moved.rig.target.install))
    asked = {page for page, _ in swept.answers}
    assert known - asked == ABOUT_OTHER_THINGS
    assert (known & asked) - swept.pages_with(200) == NOT_CARRIED
    assert {page for page, _ in (*LISTS, *POSTED)} <= swept.pages_with(200)


def test_the_lists_have_every_run_and_every_task_instance(moved: Moved, swept: Swept, target: Connection) -> None:
    """The totals that the pages state are the rows that were moved."""
    counts = moved.result.kinds
    for page, kind in (("/api/v2/dags/~/dagRuns/list", "dag_runs"),
                       ("/api/v2/dags/~/dagRuns/~/taskInstances/list", "task_instances")):  # fmt: skip
        assert counts[kind]["moved"] in swept.totals[page]
    assert one(target, "SELECT count(*) FROM dag_run") == counts["dag_runs"]["moved"]


@pytest.mark.parametrize(
    ("page", "breaking", "mending"),
    [
        ("/api/v2/dags/{dag_id}/dagRuns", "UPDATE dag_run SET triggered_by = 'timetable'",
         "UPDATE dag_run SET triggered_by = NULL"),
        ("/ui/grid/runs/{dag_id}", "UPDATE dag_run SET run_type = 'dataset_triggered' WHERE run_type = 'manual'",
         "UPDATE dag_run SET run_type = 'manual' WHERE run_type = 'dataset_triggered'"),
        ("/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances",
         "UPDATE task_instance SET state = 'shutdown' WHERE state = 'skipped'",
         "UPDATE task_instance SET state = 'skipped' WHERE state = 'shutdown'"),
    ],
)  # fmt: skip
def test_a_value_that_breaks_a_page_is_found(
    moved: Moved, target: Connection, page: str, breaking: LiteralString, mending: LiteralString
) -> None:
    """What the pages cannot show is a 500 in the sweep."""
    target.execute(breaking)
    try:
        broken = sweep(moved.rig.target, target, [page]).broken
    finally:
        target.execute(mending)
    assert {status for status, _, _ in broken} == {500}
