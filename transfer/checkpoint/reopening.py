"""SQL that turns settled runs into work again: what a verification found, and what changed since it was moved."""

from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import CODES, digest
from transfer.checkpoint.passes import restart_pass, resume_point
from transfer.checkpoint.plan import key_of
from transfer.checkpoint.values import Remedy
from transfer.kinds import DAG_RUNS
from transfer.model import Outcome

_TO_REPLACE: Final = CODES[Outcome.TO_REPLACE]
_REPLACING: Final = CODES[Outcome.REPLACING]
_CHANGED: Final = CODES[Outcome.CHANGED]
_CLAIMED: Final = ", ".join(str(CODES[outcome]) for outcome in (Outcome.IN_FLIGHT, Outcome.FILLING))

_REPLACE: Final = f"""
    INSERT INTO run (dag, digest, fingerprint, outcome, pass, theirs) VALUES (?, ?, 0, {_TO_REPLACE}, 0, 1)
    ON CONFLICT (dag, digest) DO UPDATE SET outcome = excluded.outcome WHERE outcome <> {_REPLACING}
"""  # noqa: S608 - only the numeric codes above are put in
_COMPLETE: Final = f"""
    UPDATE run SET outcome = CASE
        WHEN outcome IN ({CODES[Outcome.MOVED]}, {CODES[Outcome.PARTIAL]}) THEN {CODES[Outcome.MENDING]}
        ELSE {CODES[Outcome.MENDING_FOUND]} END
    WHERE dag = ? AND digest = ?
    AND outcome IN ({CODES[Outcome.MOVED]}, {CODES[Outcome.PARTIAL]}, {CODES[Outcome.ALREADY]})
"""  # noqa: S608 - only the numeric codes are put in
_WAITS: Final = (
    "INSERT OR IGNORE INTO rejected (dag, run_id, kind, key, reason, rows, at) VALUES (?, ?, ?, '', ?, 1, ?)"
)
_RETRY: Final = f"""
    UPDATE run SET outcome = {_TO_REPLACE} WHERE dag = ? AND digest = ? AND outcome = {_CHANGED}
    AND pass > 0 AND pass >= (SELECT finished_pass FROM dag WHERE id = run.dag)
"""  # noqa: S608 - as above
_LEAVE: Final = f"UPDATE run SET outcome = {_CHANGED} WHERE dag = ? AND outcome = {_TO_REPLACE}"  # noqa: S608 - as above
_IS_CHANGED: Final = f"(outcome = {_TO_REPLACE} OR outcome = {_CHANGED} AND run.pass = dag.finished_pass)"
_COUNT: Final = f"""
    SELECT dag_id, count(*) FROM run JOIN dag ON dag.id = run.dag
    WHERE planned AND {_IS_CHANGED} GROUP BY dag.id ORDER BY dag_id
"""  # noqa: S608 - as above
_NOT_OURS: Final = f"SELECT count(*) FROM run JOIN dag ON dag.id = run.dag WHERE planned AND theirs AND {_IS_CHANGED}"  # noqa: S608 - as above
_MARK: Final = f"""
    UPDATE run SET outcome = {_TO_REPLACE} WHERE dag = ? AND outcome = {_CHANGED}
    AND pass = (SELECT finished_pass FROM dag WHERE id = ?)
"""  # noqa: S608 - as above
_FORGET: Final = "DELETE FROM run WHERE dag = ? AND digest = ?"
_MET: Final = f"""
    SELECT 1 FROM run JOIN dag ON dag.id = run.dag WHERE dag_id = ? AND digest = ? AND (
        run.pass = finished_pass AND finished_at > ? OR run.pass = 0 AND outcome IN ({_CLAIMED})
        OR run.pass > finished_pass AND EXISTS (
            SELECT 1 FROM window WHERE window.dag = dag.id AND window.pass = run.pass AND done_at > ?))
"""  # noqa: S608 - as above
_ACCEPT: Final = "DELETE FROM rejected WHERE dag = ? AND run_id = ?"
_REMOVED: Final = "INSERT OR REPLACE INTO removed (dag, digest, verification) VALUES (?, ?, ?)"
_OUTDATED: Final = "DELETE FROM removed WHERE dag = ? AND verification <> ?"
_COUNT_REMOVED: Final = """
    SELECT count(*) FROM removed JOIN dag ON dag.id = removed.dag WHERE dag_id = ? AND removed.verification = ?
"""
_WAS_REMOVED: Final = "SELECT 1 FROM removed WHERE dag = ? AND digest = ? AND verification = ?"


WAITS_REASON: Final = (
    "the target has other rows of it: it was to be replaced, and whatever does that has not come to it"
)
LACKS_REASON: Final = "rows of it are gone from the target, and are not sent again yet"


def reopen(
    connection: Connection, dag_id: str, remedies: Iterable[tuple[str, Remedy]], verification: str, now: str
) -> bool:
    """Turn runs of a DAG into work and open its next pass; return False if ``verification`` did that.

    Then only those are marked again that could not be replaced and that the source still had when it was last read:
    they wait in the open pass, or in the next. What an earlier verification wanted to be replaced, and was not, is left
    as it is. A run to be replaced counts as rejected until that begins. Every marked run is named among the rejected
    rows: the run table knows no names.
    """
    dag = key_of(connection, dag_id)
    (applied,) = connection.execute("SELECT verification FROM dag WHERE id = ?", (dag,)).fetchone()
    if applied == verification:
        _mark_again(connection, dag, remedies)
        return False
    connection.execute(_LEAVE, (dag,))
    for run_id, remedy in remedies:
        if remedy is Remedy.REPLACE:
            connection.execute(_REPLACE, (dag, digest(run_id)))
            connection.execute(_WAITS, (dag, run_id, DAG_RUNS.name, WAITS_REASON, now))
        elif connection.execute(_COMPLETE, (dag, digest(run_id))).rowcount:
            connection.execute(_WAITS, (dag, run_id, DAG_RUNS.name, LACKS_REASON, now))
    connection.execute("UPDATE dag SET verification = ? WHERE id = ?", (verification, dag))
    restart_pass(connection, dag_id)
    return True


def _mark_again(connection: Connection, dag: int, remedies: Iterable[tuple[str, Remedy]]) -> None:
    for run_id, remedy in remedies:
        if remedy is Remedy.REPLACE:
            connection.execute(_RETRY, (dag, digest(run_id)))


def changed_runs(connection: Connection) -> dict[str, int]:
    """Return how many runs of each planned DAG the target has in another version.

    Those that are gone at the source are no part of it.
    """
    return dict(connection.execute(_COUNT))


def changed_not_ours(connection: Connection) -> int:
    """Return how many of these are not known to have been written by this job."""
    (count,) = connection.execute(_NOT_OURS).fetchone()
    return int(count)


def replace_changed(connection: Connection, dag_ids: Sequence[str]) -> None:
    """Mark these runs of ``dag_ids`` for replacement, and open the next pass of each DAG."""
    for dag_id in dag_ids:
        dag = key_of(connection, dag_id)
        connection.execute(_MARK, (dag, dag))
        restart_pass(connection, dag_id)


def was_met_since(connection: Connection, dag_id: str, run_id: str, moment: str) -> bool:
    """Tell whether the source may have shown a run since ``moment``: to a pass that ended later, or that goes on.

    A run that a window claimed which was never done counts, too: nobody knows when that was.
    """
    return connection.execute(_MET, (dag_id, digest(run_id), moment, moment)).fetchone() is not None


def forget(connection: Connection, dag_id: str, run_id: str, verification: str) -> None:
    """Remember of a run only that it was removed from the target, and open a pass over its DAG.

    If the source has it again it is new. ``verification`` is the one that had found it.
    """
    dag = key_of(connection, dag_id)
    connection.execute(_FORGET, (dag, digest(run_id)))
    connection.execute(_ACCEPT, (dag, run_id))
    connection.execute(_OUTDATED, (dag, verification))
    connection.execute(_REMOVED, (dag, digest(run_id), verification))
    resume_point(connection, dag_id)


def was_removed(connection: Connection, dag_id: str, run_id: str, verification: str) -> bool:
    """Tell whether a run that ``verification`` had found was removed since."""
    values = (key_of(connection, dag_id), digest(run_id), verification)
    return connection.execute(_WAS_REMOVED, values).fetchone() is not None


def removed_runs(connection: Connection, dag_id: str, verification: str) -> int:
    """Return how many of the runs that ``verification`` had found were removed since."""
    (count,) = connection.execute(_COUNT_REMOVED, (dag_id, verification)).fetchone()
    return int(count)
