"""SQL of a pass over a DAG: where it goes on, how it is given up, how it ends."""

from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import CODES, OUTCOMES, checked, decoding, digest, unsigned
from transfer.checkpoint.plan import check_open, key_of, passes_of
from transfer.checkpoint.values import ResumePoint
from transfer.kinds import DAG_RUNS
from transfer.model import UNSETTLED, Outcome

_DONE: Final = """
    SELECT number, offset + size, last_start FROM window
    WHERE dag = ? AND pass = ? AND state = 'done' ORDER BY number
"""
_OVERTAKE: Final = """
    UPDATE window SET state = 'overtaken' WHERE dag = ? AND pass = ? AND state = 'done' AND number >= ?
"""
_FINISH: Final = """
    UPDATE dag SET finished_pass = ?, finished_count = max(run_count, ?), finished_at = ? WHERE id = ?
"""
_CLAIMED: Final = tuple(sorted(CODES[outcome] for outcome in UNSETTLED))
_IS_CLAIMED: Final = f"dag = ? AND outcome IN ({', '.join('?' * len(_CLAIMED))})"
GONE_REASON: Final = "gone at the source before all of it was moved; what had arrived of it is still on the target"
_LACKS_ROWS: Final = "rows of it were gone from the target, which may lack them still: the source has it no more"
_GONE_REASONS: Final = {
    Outcome.REPLACING: "its earlier version was removed or was about to be; the source has it no more",
    Outcome.MENDING: _LACKS_ROWS,
    Outcome.MENDING_FOUND: _LACKS_ROWS,
}
_IS_MARKED: Final = (
    f"(outcome = {CODES[Outcome.TO_REPLACE]}"
    f" OR pass <> 0 AND outcome IN ({CODES[Outcome.MENDING]}, {CODES[Outcome.MENDING_FOUND]}))"
)
"""Of a run that no window has claimed since it was marked nothing was sent or removed."""

_MARKED_GONE: Final = f"SELECT digest FROM run WHERE dag = ? AND {_IS_MARKED} AND pass <> ?"  # noqa: S608 - constants
_GONE: Final = f"SELECT digest, outcome FROM run WHERE {_IS_CLAIMED} AND pass <> ?"  # noqa: S608 - a constant
_NAMES: Final = "SELECT DISTINCT run_id FROM rejected WHERE dag = ?"
_REJECT: Final = """
    INSERT OR REPLACE INTO rejected (dag, run_id, kind, key, reason, rows, at) VALUES (?, ?, ?, '', ?, 1, ?)
"""
_CHANGE_GONE: Final = f"UPDATE run SET outcome = ?, pass = 0 WHERE {_IS_CLAIMED} AND pass <> ?"  # noqa: S608 - as above
_FORGET_RUN: Final = "DELETE FROM run WHERE dag = ? AND digest = ?"
_ACCEPT: Final = "DELETE FROM rejected WHERE dag = ? AND run_id = ?"
_FORGET: Final = """
    DELETE FROM window WHERE dag = ? AND pass <= ? AND state <> 'cut'
    AND NOT EXISTS (SELECT 1 FROM window_count WHERE window_count.window = window.id)
    AND NOT EXISTS (SELECT 1 FROM window_loss WHERE window_loss.window = window.id)
"""


def resume_point(connection: Connection, dag_id: str) -> ResumePoint:
    """Return where to read on: behind the unbroken row of done windows of the open pass, or at a new pass's start.

    Windows that were cut and not done are dropped. Done ones behind a gap are read again, but keep their counts.
    """
    dag = key_of(connection, dag_id)
    connection.execute("DELETE FROM window WHERE dag = ? AND state = 'cut'", (dag,))
    newest, finished = passes_of(connection, dag)
    if newest == finished:
        return _open_pass(connection, dag, newest + 1)
    point = ResumePoint(newest, 0, 0, None, fresh=True)
    for row in connection.execute(_DONE, (dag, newest)):
        number, offset, end = checked(row, int, int, str | None)
        if number != point.next_number:
            break
        point = ResumePoint(newest, number + 1, offset, end, fresh=False)
    connection.execute(_OVERTAKE, (dag, newest, point.next_number))
    return point


def restart_pass(connection: Connection, dag_id: str) -> ResumePoint:
    """Give up the DAG's open pass, if any, and open the next.

    Windows that are on their way still may be settled: their place is in the pass that was given up.
    """
    dag = key_of(connection, dag_id)
    newest, _ = passes_of(connection, dag)
    return _open_pass(connection, dag, newest + 1)


def _open_pass(connection: Connection, dag: int, pass_number: int) -> ResumePoint:
    connection.execute("UPDATE dag SET open_pass = ? WHERE id = ?", (pass_number, dag))
    return ResumePoint(pass_number, 0, 0, None, fresh=True)


def finish_pass(connection: Connection, dag_id: str, pass_number: int, now: str) -> list[str]:
    """Close the pass and forget its windows, but for those with counts; return the marked runs that were forgotten.

    Raises ValueError if it is not open or if one of its windows was cut and is not done.
    """
    dag = key_of(connection, dag_id)
    check_open(connection, dag, pass_number)
    lacking = connection.execute(
        "SELECT min(number) FROM window WHERE dag = ? AND pass = ? AND state = 'cut'", (dag, pass_number)
    ).fetchone()[0]
    if lacking is not None:
        raise ValueError(f"pass {pass_number} over {dag_id} cannot be finished: window {lacking} is not done")
    forgotten = _forget_marked(connection, dag, pass_number)
    _give_up_gone(connection, dag, pass_number, now)
    seen = seen_in_pass(connection, dag_id, pass_number)
    connection.execute(_FINISH, (pass_number, seen, now, dag))
    connection.execute(_FORGET, (dag, pass_number))
    return forgotten


def _forget_marked(connection: Connection, dag: int, pass_number: int) -> list[str]:
    """Forget runs that were only marked and that a whole pass did not meet: nothing of them is owed any more."""
    gone = [number for (number,) in connection.execute(_MARKED_GONE, (dag, pass_number)).fetchall()]
    names = _names(connection, dag) if gone else {}
    for number in gone:
        connection.execute(_FORGET_RUN, (dag, number))
        if number in names:
            connection.execute(_ACCEPT, (dag, names[number]))
    return [names.get(number, _nameless(number)) for number in gone]


def _names(connection: Connection, dag: int) -> dict[int, str]:
    return {digest(run_id): run_id for (run_id,) in connection.execute(_NAMES, (dag,))}


def _nameless(number: int) -> str:
    return f"(digest {unsigned(number):016x})"


def _give_up_gone(connection: Connection, dag: int, pass_number: int, now: str) -> None:
    """Turn claimed runs that a whole pass did not meet into changed ones, with a reason: they may be there in part.

    They are named if they have rejected rows, as those have that a verification found; else only by digest.
    """
    gone = connection.execute(_GONE, (dag, *_CLAIMED, pass_number)).fetchall()
    if not gone:
        return
    names = _names(connection, dag)
    for number, code in gone:
        with decoding():
            reason = _GONE_REASONS.get(OUTCOMES[code], GONE_REASON)
        run_id = names.get(number, _nameless(number))
        connection.execute(_REJECT, (dag, run_id, DAG_RUNS.name, reason, now))
    connection.execute(_CHANGE_GONE, (CODES[Outcome.CHANGED], dag, *_CLAIMED, pass_number))


def claimed_runs(connection: Connection, dag_id: str) -> int:
    """Return how many runs are claimed by windows that were never done."""
    key = key_of(connection, dag_id)
    (count,) = connection.execute(f"SELECT count(*) FROM run WHERE {_IS_CLAIMED}", (key, *_CLAIMED)).fetchone()  # noqa: S608 - a constant
    return int(count)


def seen_in_pass(connection: Connection, dag_id: str, pass_number: int) -> int:
    """Return how many runs were settled in the pass, whatever became of them."""
    (count,) = connection.execute(
        "SELECT count(*) FROM run WHERE dag = ? AND pass = ?", (key_of(connection, dag_id), pass_number)
    ).fetchone()
    return int(count)
