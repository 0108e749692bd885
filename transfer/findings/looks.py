"""The SQL of the second look: which runs are left to look at, and what was found."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection

import orjson

from transfer.findings.schema import OF_DAG
from transfer.findings.texts import storable
from transfer.findings.values import Phase, Spot, Suspect
from transfer.model import Difference

_FOUND = tuple(table for table in OF_DAG if table in {"difference", "held"})


def begin(connection: Connection, number: int, runs: tuple[int, int]) -> None:
    """Keep the suspects that have to be looked at.

    A run that the source shows and that is not to be compared explains the target's half. So does, for a half that the
    target alone has, that the selection does not take it.
    """
    connection.execute(
        "DELETE FROM suspect WHERE dag = ? AND (source_wanted = 0 OR (source_wanted IS NULL AND target_wanted = 0))",
        (number,),
    )
    connection.execute(
        "UPDATE dag SET phase = ?, source_runs = ?, target_runs = ? WHERE id = ?", (Phase.LOOKING, *runs, number)
    )


def forget_suspects(connection: Connection, number: int) -> None:
    """Drop what an earlier look had found half-way of runs that are still suspects."""
    for table in _FOUND:
        connection.execute(
            f"DELETE FROM {table} WHERE dag = ? AND run_id IN (SELECT run_id FROM suspect WHERE dag = ?)",  # noqa: S608  our own names
            (number, number),
        )


def suspects(connection: Connection, number: int, limit: int) -> list[Suspect]:
    """Return the next suspects in about the order of the source."""
    rows = connection.execute(
        "SELECT run_id, source_wanted, source_start, source_offset, target_wanted, target_start, target_offset"
        " FROM suspect WHERE dag = ? ORDER BY source_offset, run_id LIMIT ?",
        (number, limit),
    )
    return [
        Suspect(
            run_id,
            None if source is None else Spot(source_start, source_offset),
            None if target is None else Spot(target_start, target_offset),
            source_offset,
            target_offset,
        )
        for run_id, source, source_start, source_offset, target, target_start, target_offset in rows
    ]


def add_differences(connection: Connection, number: int, differences: Iterable[Difference]) -> None:
    """Store differences; one that is stored already is replaced."""
    connection.executemany(
        "INSERT OR REPLACE INTO difference VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                storable(found.run_id),
                found.kind,
                storable(found.key),
                found.mark,
                orjson.dumps([storable(name) for name in found.columns]).decode(),
                found.rows,
            )
            for found in differences
        ],
    )


def add_held(connection: Connection, number: int, held: Mapping[str, Mapping[str, int]]) -> None:
    """Store how many rows of each kind the target has of runs with differences."""
    connection.executemany(
        "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)",
        [(number, storable(run_id), kind, rows) for run_id, kinds in held.items() for kind, rows in kinds.items()],
    )


def forget(connection: Connection, number: int, run_ids: Sequence[str]) -> None:
    """Drop what was found of runs that have to be looked at again."""
    for table in _FOUND:
        connection.executemany(
            f"DELETE FROM {table} WHERE dag = ? AND run_id = ?",  # noqa: S608  our own names
            [(number, storable(run_id)) for run_id in run_ids],
        )


def clear(connection: Connection, number: int, run_ids: Sequence[str]) -> None:
    """Take runs off the list of suspects."""
    connection.executemany(
        "DELETE FROM suspect WHERE dag = ? AND run_id = ?", [(number, storable(run_id)) for run_id in run_ids]
    )
