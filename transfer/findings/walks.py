"""The SQL of the first look: how far a DAG is read, what was counted, and which runs are suspect."""

from collections.abc import Collection, Iterable, Sequence
from sqlite3 import Connection
from typing import Any, Final

from transfer.checkpoint.encoding import decoding, digest
from transfer.findings.looks import add_differences
from transfer.findings.schema import OF_DAG
from transfer.findings.texts import storable
from transfer.findings.values import Phase, Point, Sighting, Spot, Step, Tally
from transfer.model import SideName

SIDES: Final[dict[SideName, int]] = {"source": 0, "target": 1}


def number_of(connection: Connection, dag_id: str) -> int:
    """Return the DAG's number; ValueError for a DAG that was not planned."""
    row = connection.execute("SELECT id FROM dag WHERE dag_id = ?", (storable(dag_id),)).fetchone()
    if row is None:
        raise ValueError(f"{dag_id!r} is not planned")
    return int(row[0])


def plan(connection: Connection, dags: Sequence[tuple[str, int]], absent: Collection[str]) -> None:
    """Add DAGs with their runs at the source, and drop those that are gone and not compared to their end."""
    for dag_id, runs in dags:
        connection.execute(
            "INSERT INTO dag (dag_id, source_runs, absent) VALUES (?, ?, ?)"
            " ON CONFLICT (dag_id) DO UPDATE SET problem = '', absent = excluded.absent",
            (storable(dag_id), runs, dag_id in absent),
        )
    planned = {storable(dag_id) for dag_id, _ in dags}
    rows = connection.execute("SELECT id, dag_id FROM dag WHERE phase <> ?", (Phase.DONE,)).fetchall()
    for number, dag_id in rows:
        if dag_id not in planned:
            _forget(connection, number)
            connection.execute("DELETE FROM dag WHERE id = ?", (number,))


def point(connection: Connection, dag_id: str) -> Point:
    """Return how far the DAG is."""
    row = connection.execute(
        "SELECT phase, source_offset, source_start, target_offset, target_start, selected, source_front, target_front,"
        " missing FROM dag WHERE id = ?",
        (number_of(connection, dag_id),),
    ).fetchone()
    phase, source_offset, source_start, target_offset, target_start, selected, *fronts, missing = row
    with decoding():
        return Point(
            Phase(phase),
            None if source_offset is None else Spot(source_start, source_offset),
            None if target_offset is None else Spot(target_start, target_offset),
            selected,
            (fronts[0], fronts[1]),
            missing=bool(missing),
        )


def advance(connection: Connection, dag_id: str, step: Step) -> None:
    """Store what a window has added."""
    number = number_of(connection, dag_id)
    _set_point(connection, number, step.point)
    count(connection, number, step.tally)
    _see(connection, number, "source", step.source_ids)
    _see(connection, number, "target", step.target_ids)
    for sighting in step.source_only:
        _suspect(connection, number, "source", sighting)
    for sighting in step.target_only:
        _suspect(connection, number, "target", sighting)
    add_differences(connection, number, step.differences)


def _set_point(connection: Connection, number: int, point: Point) -> None:
    values: dict[str, Any] = {"selected": point.selected, "missing": point.missing, "phase": point.phase}
    values["source_front"], values["target_front"] = point.fronts
    for side, spot in (("source", point.source), ("target", point.target)):
        values[f"{side}_offset"] = spot.offset if spot else None
        values[f"{side}_start"] = spot.start if spot else None
    changes = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE dag SET {changes} WHERE id = ?", (*values.values(), number))  # noqa: S608  our own names


def count(connection: Connection, number: int, tally: Tally) -> None:
    """Add ``tally`` to the DAG's totals."""
    connection.execute(
        "UPDATE dag SET unfinished = unfinished + ?, changed = changed + ?, with_children = with_children + ?"
        " WHERE id = ?",
        (tally.unfinished, tally.changed, tally.with_children, number),
    )
    add = "ON CONFLICT DO UPDATE SET rows = rows + excluded.rows"
    connection.executemany(
        f"INSERT INTO total VALUES (?, ?, ?, ?) {add}",  # noqa: S608  our own text
        [(number, kind, mark, rows) for (kind, mark), rows in tally.rows.items() if rows],
    )
    connection.executemany(
        f"INSERT INTO loss VALUES (?, ?, ?, ?) {add}",  # noqa: S608  our own text
        [(number, kind, storable(name), rows) for (kind, name), rows in tally.losses.items() if rows],
    )


def _see(connection: Connection, number: int, side: SideName, run_ids: Iterable[str]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", [(number, SIDES[side], digest(run_id)) for run_id in run_ids]
    )


def see_again(connection: Connection, dag_id: str, side: SideName, sightings: Sequence[Sighting]) -> None:
    """Note runs at the front of a side after the walk; one not seen before came or moved there meanwhile.

    At the source such a run explains whatever the target has of it; on the target it is what the source has, elsewhere.
    """
    number = number_of(connection, dag_id)
    for sighting in sightings:
        before = connection.total_changes
        _see(connection, number, side, [sighting.run_id])
        if connection.total_changes > before:
            _suspect(connection, number, side, sighting)


def seen(connection: Connection, dag_id: str, side: SideName) -> int:
    """Return how many different runs of the DAG were seen on a side."""
    row = connection.execute(
        "SELECT count(*) FROM seen WHERE dag = ? AND side = ?", (number_of(connection, dag_id), SIDES[side])
    ).fetchone()
    return int(row[0])


def restart(connection: Connection, dag_id: str, point: Point) -> None:
    """Forget what was found of a DAG and begin it at ``point``."""
    number = number_of(connection, dag_id)
    _forget(connection, number)
    connection.execute("UPDATE dag SET unfinished = 0, changed = 0, with_children = 0 WHERE id = ?", (number,))
    _set_point(connection, number, point)


def end(connection: Connection, number: int) -> None:
    """Note that the DAG is compared to its end; what only helped is dropped."""
    connection.execute("UPDATE dag SET phase = ?, problem = '' WHERE id = ?", (Phase.DONE, number))
    connection.execute("DELETE FROM seen WHERE dag = ?", (number,))
    connection.execute("DELETE FROM suspect WHERE dag = ?", (number,))


def give_up(connection: Connection, dag_id: str, problem: str) -> None:
    """Note why the DAG could not be compared to its end this time."""
    values = (storable(problem), number_of(connection, dag_id))
    connection.execute("UPDATE dag SET problem = ? WHERE id = ?", values)


def _forget(connection: Connection, number: int) -> None:
    for table in OF_DAG:
        connection.execute(f"DELETE FROM {table} WHERE dag = ?", (number,))  # noqa: S608  our own names


def _suspect(connection: Connection, number: int, side: SideName, sighting: Sighting) -> None:
    """Store one half of a suspect; the other side's half, once stored, stays."""
    other = "target" if side == "source" else "source"
    connection.execute(
        f"INSERT INTO suspect (dag, run_id, {side}_wanted, {side}_start, {side}_offset, {other}_offset)"  # noqa: S608  our own names
        f" VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET {side}_wanted = excluded.{side}_wanted,"
        f" {side}_start = excluded.{side}_start, {side}_offset = excluded.{side}_offset",
        (
            number,
            storable(sighting.run_id),
            sighting.wanted,
            sighting.spot.start,
            sighting.spot.offset,
            sighting.elsewhere,
        ),
    )
