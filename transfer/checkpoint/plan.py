"""SQL of the plan: which DAGs there are, and which pass over each is open."""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import checked
from transfer.checkpoint.values import PlannedDag

_PLAN: Final = """
    INSERT INTO dag (dag_id, run_count, listed, on_target, target_runs, planned, note) VALUES (?, ?, ?, ?, ?, 1, ?)
    ON CONFLICT (dag_id) DO UPDATE SET run_count = excluded.run_count, listed = excluded.listed,
        on_target = excluded.on_target, planned = 1, note = excluded.note
"""


def store_plan(connection: Connection, dags: Sequence[PlannedDag]) -> None:
    """Make ``dags`` the plan; what was planned before and is not among them keeps its history.

    ``target_runs`` stays what it was at a DAG's first plan: what the target has later may be ours.
    """
    connection.execute("UPDATE dag SET planned = 0")
    connection.executemany(_PLAN, _values(dags))


def _values(dags: Sequence[PlannedDag]) -> list[tuple[str, int, bool, bool, int, str]]:
    return [(dag.dag_id, dag.run_count, dag.listed, dag.on_target, dag.target_runs, dag.note) for dag in dags]


def read_plan(connection: Connection) -> list[PlannedDag]:
    """Return the planned DAGs by name."""
    rows = connection.execute(
        "SELECT dag_id, run_count, listed, on_target, note, target_runs FROM dag WHERE planned ORDER BY dag_id"
    )
    return [
        PlannedDag(name, count, bool(listed), bool(known), note, there)
        for name, count, listed, known, note, there in (checked(row, str, int, int, int, str, int) for row in rows)
    ]


def key_of(connection: Connection, dag_id: str) -> int:
    """Return the DAG's key in all other tables; ValueError if it never was in a plan."""
    row = connection.execute("SELECT id FROM dag WHERE dag_id = ?", (dag_id,)).fetchone()
    if row is None:
        raise ValueError(f"DAG {dag_id} is not in the plan")
    return int(row[0])


def passes_of(connection: Connection, dag: int) -> tuple[int, int]:
    """Return the numbers of the DAG's newest pass and of its last finished one, 0 for none."""
    row = connection.execute("SELECT open_pass, finished_pass FROM dag WHERE id = ?", (dag,)).fetchone()
    newest, finished = checked(row, int, int)
    return newest, finished


def check_open(connection: Connection, dag: int, pass_number: int) -> None:
    """Raise ValueError unless ``pass_number`` is the open pass of the DAG."""
    newest, finished = passes_of(connection, dag)
    if pass_number != newest or newest == finished:
        raise ValueError(f"pass {pass_number} is not open: the newest is {newest}, the last finished one {finished}")
