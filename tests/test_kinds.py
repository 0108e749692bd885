"""The table of kinds: keys, parents, and which nulls are harmless."""

import pytest

from transfer.emulator.columns import TABLES
from transfer.emulator.rows import run_row, task_row
from transfer.kinds import (
    CHILDREN,
    DAG_RUNS,
    FINISHED_STATES,
    KINDS,
    LIVE_TASK_STATES,
    TASK_INSTANCE_HISTORY,
    TASK_INSTANCES,
    Kind,
)

RUN = run_row("etl", 1)
ROWS = {"dag_runs": RUN, "task_instances": task_row(RUN, "t"), "task_instance_history": task_row(RUN, "t")}


def test_parents_come_first() -> None:
    """In the order of the table every kind stands behind its parent."""
    names = [kind.name for kind in KINDS]
    assert [kind.parent for kind in KINDS] == [None, *names[:-1]]
    assert KINDS[1:] == CHILDREN


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_keys_begin_with_the_run(kind: Kind) -> None:
    """A key is the run, and what tells rows of a run apart."""
    assert kind.key_of(ROWS[kind.name]) == tuple(ROWS[kind.name][column] for column in kind.key)
    assert kind.key[0] == "run_id"


def test_keys_extend_those_of_the_parent() -> None:
    """The key of a try begins with that of its task instance."""
    assert TASK_INSTANCE_HISTORY.key[:3] == TASK_INSTANCES.key


def test_a_row_without_its_key_is_an_error() -> None:
    """A missing key column is not taken for null."""
    with pytest.raises(KeyError):
        DAG_RUNS.key_of({})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_optional_columns_exist_and_default_to_null(kind: Kind) -> None:
    """Leaving an optional column out stores what sending null would."""
    columns = {column.name: column for column in TABLES[kind.name].columns}
    assert kind.optional <= columns.keys()
    assert {name for name in kind.optional if columns[name].required or columns[name].default is not None} == set()
    assert kind.optional.isdisjoint(kind.key)


def test_states_do_not_overlap() -> None:
    """A state that may change is no finished one."""
    assert FINISHED_STATES.isdisjoint(LIVE_TASK_STATES)
