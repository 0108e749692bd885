"""Pages that do not keep to what was asked for: the job ends, and writes nothing that was not asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transfer.emulator.rows import run_row
from transfer.kinds import Row

from .deployment import DAG, Asked, Deployment, Reply, as_json
from .running import between, ending_of

Rows = Callable[[Asked, Deployment], list[Row]]

OLD = 20_000
"""The first of the runs that an endless history holds."""


def the_same(_asked: Asked, source: Deployment) -> list[Row]:
    """Return everything, whatever was asked for."""
    return source.runs


def always_the_first(asked: Asked, source: Deployment) -> list[Row]:
    """Return the first page, whatever the offset."""
    return source.runs[: int(asked.params["limit"])]


def ever_more(asked: Asked, _source: Deployment) -> list[Row]:
    """Return a full page at any offset."""
    start, count = int(asked.params["offset"]), int(asked.params["limit"])
    return [run_row(DAG, OLD - start - number) for number in range(count)]


def more_than_asked(asked: Asked, source: Deployment) -> list[Row]:
    """Return a page and a row that nobody wanted."""
    return [*ever_more(asked, source), run_row(DAG, -1)]


def never_any(_asked: Asked, _source: Deployment) -> list[Row]:
    """Return no runs, though there should be some."""
    return []


def backwards(asked: Asked, source: Deployment) -> list[Row]:
    """Return the oldest first."""
    return ever_more(asked, source)[::-1]


def of_another_dag(asked: Asked, source: Deployment) -> list[Row]:
    """Return runs that claim to be another DAG's."""
    return [row | {"dag_id": "payroll"} for row in ever_more(asked, source)]


ENDINGS: dict[Rows, str] = {
    the_same: "UnexpectedAnswerError",
    always_the_first: "DAG not complete",
    ever_more: "UnexpectedAnswerError",
    more_than_asked: "UnexpectedAnswerError",
    never_any: "DAG not complete",
    backwards: "UnexpectedAnswerError",
    of_another_dag: "UnexpectedAnswerError",
}


@pytest.mark.parametrize("rows", ENDINGS, ids=lambda rows: rows.__name__)
def test_a_source_that_ignores_what_is_asked(tmp_path: Path, rows: Rows) -> None:
    """It ends, after a bounded number of requests, and never writes to another DAG."""
    source, target = Deployment.of(40), Deployment.of(0)

    def script(asked: Asked, _honest: Any) -> Reply | None:
        if asked.route != "dag_runs":
            return None
        return as_json({"dag_runs": rows(asked, source), "dag_run_count": 40})

    source.script = script
    with between(tmp_path, source, target, window_runs=10_000) as config:
        assert ending_of(config) == ENDINGS[rows]
    assert len(source.asked) < 700
    assert {row["dag_id"] for row in target.runs} <= {DAG}


@pytest.mark.parametrize("rows", [always_the_first, of_another_dag], ids=lambda rows: rows.__name__)
def test_a_target_that_ignores_what_is_asked(tmp_path: Path, rows: Rows) -> None:
    """What it says it has is looked at within bounds, too."""
    source, target = Deployment.of(40), Deployment.of(2)

    def script(asked: Asked, _honest: Any) -> Reply | None:
        if (asked.method, asked.route) != ("GET", "dag_runs"):
            return None
        return as_json({"dag_runs": rows(asked, target), "dag_run_count": 40})

    target.script = script
    with between(tmp_path, source, target) as config:
        assert ending_of(config) in {"UnexpectedAnswerError", "DAG not complete", "row rejected", "fine"}
    assert len(target.asked) < 5_000
