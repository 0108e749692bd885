"""Whatever comes back over the wire ends in an error of ours, a DAG that is not complete, or nothing at all."""

from pathlib import Path
from typing import Any

import pytest

from .deployment import Asked, Reply, Script
from .running import ending
from .transports import GAVE_UP, TABLE, Answered

SAME = {GAVE_UP: "DAG not complete"}
"""How the same answer ends when it concerns one DAG only."""


def instead(answered: Answered, route: str) -> Script:
    """Return a script that gives the answer in place of one document."""

    def script(asked: Asked, honest: Any) -> Reply | None:
        return answered.reply(honest) if (asked.method, asked.route) == ("GET", route) else None

    return script


@pytest.mark.parametrize("answered", TABLE, ids=lambda answered: answered.name)
def test_an_answer_to_the_first_question(tmp_path: Path, answered: Answered) -> None:
    """What comes instead of the versions ends the job as the table says."""
    attempts = 1 if answered.slow else 2
    assert ending(tmp_path, instead(answered, "info"), attempts=attempts) == answered.outcome


@pytest.mark.parametrize("answered", [row for row in TABLE if not row.slow], ids=lambda answered: answered.name)
def test_an_answer_in_place_of_rows(tmp_path: Path, answered: Answered) -> None:
    """What comes instead of task instances ends the job, or leaves the DAG alone."""
    expected = answered.pages or SAME.get(answered.outcome, answered.outcome)
    assert ending(tmp_path, instead(answered, "task_instances")) == expected
