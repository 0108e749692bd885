"""The comparison finds every planted difference and no other."""

import pickle

import pytest

from .compare import compare
from .later import copy_history, finished_run_ids
from .rig import Connection
from .seed import seed_history


@pytest.fixture
def copied(source: Connection, target: Connection) -> tuple[Connection, Connection]:
    """Two databases of which the second has the first one's finished runs."""
    for dag_id in seed_history(source, dags=3, runs=60, tasks=3, wide=100).dag_ids:
        copy_history(source, target, dag_id, finished_run_ids(source, dag_id))
    return source, target


def found(sides: tuple[Connection, Connection]) -> list[tuple[str, str, list[str]]]:
    """Return table, verdict and column names of each difference."""
    return [(d.table, d.verdict, [name for name, _, _ in d.columns]) for d in compare(*sides)]


def test_a_straight_copy_has_no_difference(copied: tuple[Connection, Connection]) -> None:
    """Unfinished runs are not missed, and triggers need not move."""
    assert found(copied) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE dag_run SET clear_number = 7 WHERE id = 5", [("dag_run", "differs", ["clear_number"])]),
        ("UPDATE dag_run SET end_date = end_date + interval '1 microsecond' WHERE id = 9",
         [("dag_run", "differs", ["end_date"])]),
        ("DELETE FROM task_instance WHERE map_index = 77", [("task_instance", "missing", [])]),
        ("DELETE FROM task_instance_history WHERE id = 1", [("task_instance_history", "missing", [])]),
        ("UPDATE task_instance SET map_index = 4711 WHERE map_index = 99",
         [("task_instance", "missing", []), ("task_instance", "extra", [])]),
        ("UPDATE task_instance SET trigger_id = 1, hostname = 'x' WHERE map_index = 98",
         [("task_instance", "differs", ["hostname", "trigger_id"])]),
        ("INSERT INTO dag_run (dag_id, run_id, execution_date, run_type) VALUES ('z', 'z', now(), 'manual')",
         [("dag_run", "extra", [])]),
    ],
)  # fmt: skip
def test_a_planted_difference_is_found(
    copied: tuple[Connection, Connection], statement: str, expected: list[tuple[str, str, list[str]]]
) -> None:
    """Missing, extra and changed rows are told apart, and a change names its columns."""
    copied[1].execute("INSERT INTO trigger (id, classpath, kwargs, created_date) VALUES (1, '', '', now())")
    copied[1].execute(statement)
    assert found(copied) == expected


def test_an_unfinished_run_on_the_target_is_extra(copied: tuple[Connection, Connection]) -> None:
    """Only finished runs may have moved."""
    source, target = copied
    copy_history(source, target, "history_000", ["scheduled__2024-01-01T13:00:00.000013+00:00"], tables=1)
    assert found(copied) == [("dag_run", "extra", [])]


@pytest.mark.parametrize(("stored", "equal"), [({"a": 1}, True), ({"a": 1.0}, False), ({"a": True}, False)])
def test_conf_is_compared_as_json(
    copied: tuple[Connection, Connection], stored: dict[str, object], *, equal: bool
) -> None:
    """The pickle's bytes do not matter, but 1, 1.0 and true are different values."""
    source, target = copied
    source.execute("UPDATE dag_run SET conf = %s WHERE id = 5", [pickle.dumps({"a": 1}, protocol=5)])
    target.execute("UPDATE dag_run SET conf = %s WHERE id = 5", [pickle.dumps(stored, protocol=2)])
    assert (found(copied) == []) is equal


def test_no_conf_and_a_stored_none_are_equal(copied: tuple[Connection, Connection]) -> None:
    """Starship stores a pickled None where Airflow has NULL."""
    copied[1].execute("UPDATE dag_run SET conf = %s WHERE conf IS NULL", [pickle.dumps(None)])
    assert found(copied) == []
