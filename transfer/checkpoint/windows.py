"""SQL of a window's life: cut before anything of it is sent, settled when the target has acknowledged all of it."""

import json
from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import CODES, OUTCOMES, decoding, digest, signed, unsigned
from transfer.checkpoint.losses import store_losses
from transfer.checkpoint.plan import check_open, key_of
from transfer.kinds import DAG_RUNS, KINDS
from transfer.model import Counts, Outcome, RejectedRow, SettledRun, Settlement, Window

_CUT: Final = """
    INSERT INTO window (dag, pass, number, offset, size, last_start, state) VALUES (?, ?, ?, ?, ?, ?, 'cut')
    ON CONFLICT (dag, pass, number) WHERE state <> 'overtaken' DO UPDATE
    SET offset = excluded.offset, size = excluded.size, last_start = excluded.last_start WHERE state = 'cut'
"""
_THEIRS: Final = frozenset({Outcome.ALREADY, Outcome.FILLING, Outcome.MENDING_FOUND, Outcome.REJECTED})
"""Outcomes of runs that are not known to have been written by this job; those of ``_OURS`` are, others tell nothing."""

_OURS: Final = ", ".join(str(CODES[outcome]) for outcome in (Outcome.MOVED, Outcome.PARTIAL, Outcome.MENDING))
_REMEMBER: Final = f"""
    INSERT INTO run (dag, digest, fingerprint, outcome, pass, theirs) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (dag, digest) DO UPDATE
    SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, pass = excluded.pass,
        theirs = excluded.theirs OR run.theirs AND excluded.outcome NOT IN ({_OURS})
"""  # noqa: S608 - only the numeric codes are put in
_RECALL: Final = """
    SELECT digest, fingerprint, outcome FROM run WHERE dag = ? AND digest IN (SELECT value FROM json_each(?))
"""
_FIND: Final = """
    SELECT id FROM window WHERE dag = ? AND pass = ? AND number = ? AND offset = ? AND size = ? AND last_start IS ?
    AND state <> 'overtaken'
"""
_ADD: Final = """
    INSERT INTO window (dag, pass, number, offset, size, last_start, state) VALUES (?, ?, ?, ?, ?, ?, 'cut')
    ON CONFLICT DO NOTHING
"""
_ACCEPT: Final = f"""
    DELETE FROM rejected WHERE dag = ? AND run_id IN (SELECT value FROM json_each(?))
    AND kind IN ({", ".join(f"'{kind.name}'" for kind in KINDS)})
"""  # noqa: S608 - constants
_REASONS: Final = f"""
    SELECT run_id, reason FROM rejected
    WHERE dag = ? AND kind = '{DAG_RUNS.name}' AND key = '' AND run_id IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - a constant
_MET_CHANGED: Final = f"""
    SELECT digest, fingerprint FROM run
    WHERE dag = ? AND outcome = {CODES[Outcome.CHANGED]} AND pass > 0 AND digest IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - only the numeric code is put in
_REJECT: Final = (
    "INSERT OR REPLACE INTO rejected (dag, run_id, kind, key, reason, rows, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def cut(
    connection: Connection, window: Window, claimed: Sequence[SettledRun], expected: Mapping[str, SettledRun | None]
) -> bool:
    """Store ``window`` and remember ``claimed`` with the outcome that they have until it is settled.

    Return False, and do nothing, if something else than ``expected`` is remembered of a run. A window that was cut and
    is not done may be cut again, differently. Raises ValueError if the pass is not open or the window is done.
    """
    dag = key_of(connection, window.dag_id)
    check_open(connection, dag, window.pass_number)
    if _out_of_date(connection, window.dag_id, expected):
        return False
    if not connection.execute(_CUT, (dag, *_place(window))).rowcount:
        raise ValueError(f"{window} is done already")
    _remember(connection, dag, claimed, 0)
    return True


def _out_of_date(connection: Connection, dag_id: str, expected: Mapping[str, SettledRun | None]) -> set[str]:
    """Return the runs of which something else than ``expected`` is remembered by now."""
    now = recall(connection, dag_id, list(expected)) if expected else {}
    return {run_id for run_id, run in expected.items() if now.get(run_id) != run}


def recall(connection: Connection, dag_id: str, run_ids: Sequence[str]) -> dict[str, SettledRun]:
    """Return what is remembered of ``run_ids``; those that were never seen are absent."""
    names = {digest(run_id): run_id for run_id in run_ids}
    found = connection.execute(_RECALL, (key_of(connection, dag_id), json.dumps(list(names))))
    with decoding():
        return {
            names[name]: SettledRun(names[name], unsigned(fingerprint), OUTCOMES[code])
            for name, fingerprint, code in found
        }


def settle(connection: Connection, settlement: Settlement, now: str) -> None:
    """Mark the window done with all that became of it; repeating a settlement changes nothing.

    Raises ValueError if another window has its place, or if it was not cut and its pass is not open.
    """
    window = settlement.window
    dag = key_of(connection, window.dag_id)
    key = _window_key(connection, dag, window)
    connection.execute("UPDATE window SET state = 'done', done_at = ? WHERE id = ?", (now, key))
    _store_counts(connection, key, settlement.counts)
    store_losses(connection, key, settlement.losses)
    reasons = _kept_reasons(connection, dag, settlement.runs)
    stale = _out_of_date(connection, window.dag_id, settlement.noted)
    _remember(connection, dag, [run for run in settlement.runs if run.run_id not in stale], window.pass_number)
    connection.execute(_ACCEPT, (dag, json.dumps([run_id for run_id in _tried(settlement) if run_id not in stale])))
    rejected = [row for row in settlement.rejected if row.run_id not in stale]
    connection.executemany(
        _REJECT, [(dag, row.run_id, row.kind, row.key, _reason(row, reasons), row.rows, now) for row in rejected]
    )


def _kept_reasons(connection: Connection, dag: int, runs: Sequence[SettledRun]) -> dict[str, str]:
    """Return why runs were CHANGED before, of those that still are and did not change since: that is no news."""
    marks = {digest(run.run_id): run for run in runs if run.outcome is Outcome.CHANGED}
    if not marks:
        return {}
    same = [
        marks[name].run_id
        for name, fingerprint in connection.execute(_MET_CHANGED, (dag, json.dumps(list(marks))))
        if unsigned(fingerprint) == marks[name].fingerprint
    ]
    return dict(connection.execute(_REASONS, (dag, json.dumps(same))))


def _reason(row: RejectedRow, reasons: Mapping[str, str]) -> str:
    is_run = row.kind == DAG_RUNS.name and not row.key
    return reasons.get(row.run_id, row.reason) if is_run else row.reason


def _remember(connection: Connection, dag: int, runs: Sequence[SettledRun], pass_number: int) -> None:
    rows = [
        (dag, digest(run.run_id), signed(run.fingerprint), CODES[run.outcome], pass_number, run.outcome in _THEIRS)
        for run in runs
    ]
    connection.executemany(_REMEMBER, rows)


def _tried(settlement: Settlement) -> list[str]:
    """Return the runs whose earlier rejected rows are out of date: a partial run without any was not tried again."""
    refused = {row.run_id for row in settlement.rejected}
    return [run.run_id for run in settlement.runs if run.outcome is not Outcome.PARTIAL or run.run_id in refused]


def _place(window: Window) -> tuple[int, int, int, int, str | None]:
    return window.pass_number, window.number, window.offset, window.size, window.end


def _store_counts(connection: Connection, window: int, counts: Mapping[str, Counts]) -> None:
    rows = [
        (window, kind, *_children(kind, count), count.repaired)
        for kind, count in counts.items()
        if any(_children(kind, count)) or count.repaired
    ]
    connection.execute("DELETE FROM window_count WHERE window = ?", (window,))
    connection.executemany(
        "INSERT INTO window_count (window, kind, moved, already, repaired) VALUES (?, ?, ?, ?, ?)", rows
    )


def _children(kind: str, count: Counts) -> tuple[int, int]:
    return (0, 0) if kind == DAG_RUNS.name else (count.moved, count.already)


def _window_key(connection: Connection, dag: int, window: Window) -> int:
    found = connection.execute(_FIND, (dag, *_place(window))).fetchone()
    if found is not None:
        return int(found[0])
    check_open(connection, dag, window.pass_number)
    added = connection.execute(_ADD, (dag, *_place(window)))
    if not added.rowcount:
        raise ValueError(f"{window} is not the window that was cut with this number")
    return added.lastrowid or 0
