"""SQL of what hangs on runs beside their rows (task logs, XComs): which runs are done, and single pieces until then.

A run is done for a kind when all that it has of it arrived. Until then, and while something of it was refused, its
pieces that need nothing more are remembered one by one; they are forgotten when the run is done.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import CODES, checked, digest
from transfer.checkpoint.plan import key_of
from transfer.checkpoint.values import AttachedStep
from transfer.checkpoint.windows import recall
from transfer.model import Attached, Counts, Outcome, SettledRun

KINDS: Final[Mapping[Attached, int]] = {Attached.TASK_LOGS: 1, Attached.XCOMS: 2}
"""How kinds are stored; a number is never used again for something else."""

_NAMES: Final = {code: kind.value for kind, code in KINDS.items()}
_LISTED: Final = "IN (SELECT value FROM json_each(?))"
_ANY: Final = f"kind IN ({', '.join(map(str, _NAMES))})"
"""Any kind: said, lest all runs of the DAG be looked at."""

_LEFT: Final = f"""
    SELECT dag_id, count(*) FROM run JOIN dag ON dag.id = run.dag WHERE outcome {_LISTED} AND NOT EXISTS (
        SELECT 1 FROM attached_run AS done WHERE done.dag = run.dag AND done.kind = ? AND done.digest = run.digest)
    GROUP BY dag.id ORDER BY dag_id
"""  # noqa: S608 - a constant
_DONE: Final = f"SELECT digest FROM attached_run WHERE dag = ? AND kind = ? AND digest {_LISTED}"  # noqa: S608 - a constant
_PIECES: Final = f"SELECT digest, piece FROM attached_piece WHERE dag = ? AND kind = ? AND digest {_LISTED}"  # noqa: S608 - a constant
_FINISH: Final = "INSERT OR IGNORE INTO attached_run (dag, kind, digest) VALUES (?, ?, ?)"
_CLEAR: Final = "DELETE FROM attached_piece WHERE dag = ? AND kind = ? AND digest = ?"
_KEEP: Final = "INSERT OR IGNORE INTO attached_piece (dag, kind, digest, piece) VALUES (?, ?, ?, ?)"
_COUNT: Final = """
    INSERT INTO attached_count (dag, kind, name, amount) VALUES (?, ?, ?, ?)
    ON CONFLICT (dag, kind, name) DO UPDATE SET amount = amount + excluded.amount
"""
_ACCEPT: Final = "DELETE FROM rejected WHERE dag = ? AND run_id = ? AND kind = ? AND key = ?"
_ACCEPT_ALL: Final = "DELETE FROM rejected WHERE dag = ? AND run_id = ? AND kind = ?"
_REJECT: Final = (
    "INSERT OR REPLACE INTO rejected (dag, run_id, kind, key, reason, rows, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_READ: Final = """
    SELECT dag_id, kind, name, amount FROM attached_count JOIN dag ON dag.id = attached_count.dag
    ORDER BY dag_id, kind, name
"""


def runs_left(connection: Connection, kind: Attached, outcomes: Collection[Outcome]) -> dict[str, int]:
    """Return how many runs of each DAG are remembered as one of ``outcomes`` and not done; DAGs without any lack."""
    return dict(connection.execute(_LEFT, (_codes(outcomes), KINDS[kind])))


def runs_to_do(
    connection: Connection, dag_id: str, kind: Attached, run_ids: Sequence[str], outcomes: Collection[Outcome]
) -> dict[str, SettledRun]:
    """Return what is remembered of those of ``run_ids`` that are one of ``outcomes`` and not done."""
    key, names = key_of(connection, dag_id), json.dumps([digest(run_id) for run_id in run_ids])
    done = {number for (number,) in connection.execute(_DONE, (key, KINDS[kind], names))}
    known = recall(connection, dag_id, run_ids)
    return {name: run for name, run in known.items() if run.outcome in outcomes and digest(name) not in done}


def pieces_done(
    connection: Connection, dag_id: str, kind: Attached, run_ids: Sequence[str]
) -> dict[str, frozenset[int]]:
    """Return the names (``piece_name``) of single pieces that need nothing more, by run; runs without any lack."""
    names = {digest(run_id): run_id for run_id in run_ids}
    found: dict[str, set[int]] = {}
    for number, piece in connection.execute(
        _PIECES, (key_of(connection, dag_id), KINDS[kind], json.dumps(list(names)))
    ):
        found.setdefault(names[number], set()).add(piece)
    return {run_id: frozenset(pieces) for run_id, pieces in found.items()}


def piece_name(key: str) -> int:
    """Return the stored name of a piece, unique within its run for all practical purposes."""
    return digest(key)


def attach(connection: Connection, kind: Attached, steps: Sequence[AttachedStep], now: str) -> None:
    """Store ``steps`` in the order in which they are given."""
    for step in steps:
        dag, run = key_of(connection, step.dag_id), digest(step.run_id)
        place = dag, KINDS[kind], run
        if step.done:
            connection.execute(_FINISH, place)
            connection.execute(_CLEAR, place)
            connection.execute(_ACCEPT_ALL, (dag, step.run_id, kind.value))
        else:
            connection.executemany(_KEEP, [(*place, piece_name(key)) for key in step.pieces])
            connection.executemany(_ACCEPT, [(dag, step.run_id, kind.value, key) for key in step.pieces])
        counts = [(dag, KINDS[kind], name, amount) for name, amount in step.counts.items() if amount]
        connection.executemany(_COUNT, counts)
        connection.executemany(
            _REJECT, [(dag, row.run_id, row.kind, row.key, row.reason, row.rows, now) for row in step.rejected]
        )


def take_up_again(connection: Connection, kind: Attached) -> None:
    """Take every run of which something of ``kind`` was refused for not done; the reasons stay until it is."""
    runs = connection.execute("SELECT DISTINCT dag, run_id FROM rejected WHERE kind = ?", (kind.value,)).fetchall()
    places = [(dag, KINDS[kind], digest(run_id)) for dag, run_id in runs]
    connection.executemany("DELETE FROM attached_run WHERE dag = ? AND kind = ? AND digest = ?", places)


def forget_attached(connection: Connection, dag_id: str, run_ids: Collection[str]) -> None:
    """Take what hangs on ``run_ids`` for not done: their rows are sent anew, and what was there went with the old."""
    dag = key_of(connection, dag_id)
    runs = json.dumps([digest(run_id) for run_id in run_ids])
    for table in ("attached_run", "attached_piece"):
        connection.execute(f"DELETE FROM {table} WHERE dag = ? AND {_ANY} AND digest {_LISTED}", (dag, runs))  # noqa: S608 - constants
    connection.execute(
        f"DELETE FROM rejected WHERE dag = ? AND run_id {_LISTED} AND kind {_LISTED}",  # noqa: S608 - constants
        (dag, json.dumps(list(run_ids)), json.dumps([kind.value for kind in KINDS])),
    )


def read_attached(connection: Connection) -> dict[str, dict[str, dict[str, int]]]:
    """Return all that was counted: by DAG, kind and name."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for row in connection.execute(_READ):
        dag_id, code, name, amount = checked(row, str, int, str, int)
        found.setdefault(dag_id, {}).setdefault(_NAMES[code], {})[name] = amount
    return found


def attached_counts(names: Mapping[str, int]) -> Counts:
    """Return the part of what was counted that every kind has."""
    return Counts(moved=names.get("moved", 0), already=names.get("already", 0))


def _codes(outcomes: Collection[Outcome]) -> str:
    return json.dumps([CODES[outcome] for outcome in outcomes])
