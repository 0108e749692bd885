"""Histories made by real schedulers, moved by the real program between all kinds of versions, judged by SQL.

What is moved from 2.11 to 3 is looked at much closer in `two_to_three`, always; these directions are behind
TRANSFER_LIVE_ALL=1.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.compare import compare
from tests.live.conftest import available
from tests.live.histories.load import load_history
from tests.live.histories.make import DAG_FILE
from tests.live.job import Job
from tests.live.pairs import EVERYTHING, Pairs, one
from tests.live.rig import Rig

_DIRECTIONS = [
    ("3.1.8", "3.1.8"),
    ("2.11.2", "3.1.8"),
    ("2.10.5", "3.1.8"),
    ("2.8.4", "3.1.8"),
    ("2.4.3", "3.1.8"),
    ("2.8.4", "2.11.2"),
    ("2.4.3", "2.11.2"),
    ("2.11.2", "2.8.4"),
    ("2.11.2", "2.4.3"),
    ("2.6.3", "2.9.3"),
    ("2.9.3", "2.6.3"),
]

pytestmark = pytest.mark.skipif(not EVERYTHING, reason="only with TRANSFER_LIVE_ALL=1")


@pytest.fixture(scope="module")
def pairs() -> Iterator[Pairs]:
    """The pair of sides that was asked for last."""
    with Pairs(available) as booted:
        yield booted


@pytest.mark.parametrize(("source", "target"), _DIRECTIONS, ids=[" to ".join(pair) for pair in _DIRECTIONS])
def test_it_arrives(pairs: Pairs, tmp_path: Path, source: str, target: str) -> None:
    """Every row of every finished run is there under the mapping's rules, a second run sends nothing, verify agrees."""
    rig = pairs.of(source, target)
    finished = _prepare(rig)
    job = Job(rig.source, rig.target, tmp_path)

    result = job.run()

    assert result.code == 0, result.err
    assert result.kinds["dag_runs"]["moved"] == finished
    with rig.source.connect() as left, rig.target.connect() as right:
        assert compare(left, right) == []
    again = job.run()
    assert (again.code, again.sent) == (0, 0)
    verified = job.run(command="verify")
    assert verified.code == 0, verified.out.splitlines()[-1]


def _prepare(rig: Rig) -> int:
    """Fill the source, have the target parse the DAGs, and return how many runs are finished."""
    with rig.source.connect() as conn:
        load_history(conn, str(rig.source.version))
        finished = one(conn, "SELECT count(*) FROM dag_run WHERE state IN ('success', 'failed')")
    rig.target.parse({DAG_FILE.name: DAG_FILE.read_text(encoding="utf-8")})
    return int(finished)
