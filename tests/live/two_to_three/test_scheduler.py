"""The scheduler of Airflow 3 leaves a moved history alone."""

import pytest

from tests.live.pairs import EVERYTHING

from .conftest import Moved
from .watch import restored, watch

SHORT = 10.0
SECONDS = 120.0 if EVERYTHING else SHORT
"""How long it is watched at least; it is longer until a new run has ended."""

_DAG = "history_größe"


def test_it_neither_dies_nor_repeats_history(moved: Moved) -> None:
    """Every DAG is unpaused, a new run is made and ends well, and no row of the history changes or is added to."""
    seen = watch(moved.rig.target, _DAG, SECONDS)

    assert seen.dead == {}, seen.log
    assert seen.canary == "success", seen.log
    assert seen.changed == []


@pytest.mark.skipif(not EVERYTHING, reason="only with TRANSFER_LIVE_ALL=1")
def test_a_value_that_kills_it_is_seen(moved: Moved) -> None:
    """A running run whose `triggered_by` is not one of Airflow's names ends the scheduler."""
    with moved.rig.target.connect() as target, restored(target):
        target.execute("UPDATE dag_run SET state = 'running', triggered_by = 'ui' WHERE run_id = 'manual__plain'")
        seen = watch(moved.rig.target, _DAG, SHORT)
    assert set(seen.dead) == {"scheduler"}
    assert "LookupError" in seen.log


@pytest.mark.skipif(not EVERYTHING, reason="only with TRANSFER_LIVE_ALL=1")
def test_a_run_that_it_takes_up_is_seen(moved: Moved) -> None:
    """A run that is still running and has a task without a state is gone on with: what must never be moved."""
    with moved.rig.target.connect() as target, restored(target):
        target.execute("UPDATE dag_run SET state = 'running' WHERE run_id = 'manual__plain'")
        target.execute("UPDATE task_instance SET state = NULL WHERE run_id = 'manual__plain' AND task_id = 'numbers'")
        seen = watch(moved.rig.target, _DAG, SHORT)
    assert any("manual__plain" in change for change in seen.changed)
