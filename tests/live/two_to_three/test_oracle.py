"""What was moved is what Airflow's own upgrade would have made, but for what the rules say."""

from collections.abc import Iterator
from typing import Any, LiteralString

import pytest
from psycopg import sql

from tests.live.pairs import one
from tests.live.plant import change_value, types_of
from tests.live.rig import Connection
from tests.live.versions import Version

from .conftest import Moved
from .oracle import KEYS, against_oracle, upgraded
from .rules import NEVER_NEEDED, RULES

_INVENT = (
    "INSERT INTO dag_run (dag_id, run_id, run_type, run_after, clear_number, span_status)"
    " VALUES ('history_failed', 'invented', 'manual', now(), 0, 'not_started')"
)


@pytest.fixture(scope="module")
def oracle(moved: Moved) -> Iterator[Connection]:
    """The same history, upgraded in place."""
    with upgraded(moved.rig) as conn:
        yield conn


@pytest.fixture
def target(moved: Moved) -> Iterator[Connection]:
    """The database it was moved to."""
    with moved.rig.target.connect() as conn:
        yield conn


def test_the_program_is_content(moved: Moved) -> None:
    """It ends with exit code 0, and its counts are those of the finished runs."""
    assert moved.result.code == 0, moved.result.err
    with moved.rig.source.connect() as source:
        finished = one(source, "SELECT count(*) FROM dag_run WHERE state IN ('success', 'failed')")
    assert moved.result.kinds["dag_runs"]["moved"] == finished


def test_it_is_what_an_upgrade_makes(moved: Moved, oracle: Connection, target: Connection) -> None:
    """Every column of every row is equal or as its rule says, and no rule is there for nothing."""
    verdict = against_oracle(oracle, target)

    assert verdict.wrong == []
    assert [table for table in KEYS if not verdict.rows[table]] == _left_empty(moved)
    rules = {(table, column) for table in RULES for column in RULES[table] if verdict.rows[table]}
    assert rules - verdict.used.keys() <= NEVER_NEEDED


def _left_empty(moved: Moved) -> list[str]:
    """Return the tables that the source did not have yet."""
    return [] if moved.rig.source.version >= Version(2, 10) else ["task_instance_history"]


@pytest.mark.parametrize("table", KEYS)
def test_a_wrong_value_is_found_in_every_column(
    moved: Moved, oracle: Connection, target: Connection, table: str
) -> None:
    """Each column but the database's own numbers, changed in one row, is the one difference that is found."""
    if table in _left_empty(moved):
        pytest.skip("the source kept no earlier tries")
    unseen = []
    for column, type_ in types_of(target, table).items():
        if column in KEYS[table] or (table, column) == ("dag_run", "id"):
            continue
        with target.transaction(force_rollback=True):
            target.execute("SET LOCAL session_replication_role = replica")  # any number, whatever it refers to
            change_value(target, table, column, type_, _first_key(target, table))
            wrong = against_oracle(oracle, target).wrong
        if len(wrong) != 1 or f": {column} is " not in wrong[0]:
            unseen.append((column, wrong))
    assert unseen == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM task_instance_history WHERE task_id = 'fail'", "missing on the target"),
        (_INVENT, "only on the target"),
    ],
)
def test_a_lost_and_an_invented_row_are_found(
    moved: Moved, oracle: Connection, target: Connection, statement: LiteralString, expected: str
) -> None:
    """Each is the one difference that is found."""
    if any(table in statement for table in _left_empty(moved)):
        pytest.skip("the source kept no earlier tries")
    with target.transaction(force_rollback=True):
        assert target.execute(statement).rowcount == 1
        (wrong,) = against_oracle(oracle, target).wrong
    assert wrong.endswith(expected)


def _first_key(target: Connection, table: str) -> dict[str, Any]:
    names = KEYS[table]
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    row = target.execute(sql.SQL("SELECT {0} FROM {1} LIMIT 1").format(listed, sql.Identifier(table))).fetchone()
    assert row is not None
    return dict(zip(names, row, strict=True))
