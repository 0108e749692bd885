"""The checkpoint's tables, and how an older file becomes the current one.

job           whose checkpoint this is: exactly one row
dag           a DAG that is or was planned, and how far its passes have come
window        a slice of one pass over a DAG: cut, then done
window_count  rows of each kind of children that a done window moved and found
run           what is remembered of each DAG run: 64-bit digest of its run_id, fingerprint, outcome, whose it is
window_loss   values of a done window's rows that did not arrive as they were, by column and reason
rejected      rows that the target refused for good, with the reason
removed       runs that only the target had and that were removed there
attached_run  runs of which everything of a kind (task logs, XComs) arrived, by digest
attached_piece  single pieces of runs of which not everything did
attached_count  pieces, and bytes, by what became of them
undone        how many runs of a DAG were removed from the target again, and when
found         what the deployments were found to bear, by name
invocation    one row per ``transfer run``
cutover       how far the last ``transfer cutover`` is
cutover_dag   which DAGs were paused before it
cutover_switch  what it has done to them, and what of that is in doubt

A pass reads a DAG from offset 0 to its end, in windows numbered from 0. No table holds a row's values or a credential.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

APPLICATION_ID: Final = 0x53544152
"""Marks the file as a checkpoint of this program (``PRAGMA application_id``)."""

_FIRST: Final = (
    # source and target are URLs without userinfo, selection is canonical JSON; compared on every open.
    """
    CREATE TABLE job (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        uuid TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        selection TEXT NOT NULL,
        created_at TEXT NOT NULL
    )
    """,
    # A pass is open while open_pass > finished_pass; finished_count is how many runs the finished one answers for.
    # A DAG that is no longer planned keeps its row and its history.
    """
    CREATE TABLE dag (
        id INTEGER PRIMARY KEY,
        dag_id TEXT NOT NULL UNIQUE,
        run_count INTEGER NOT NULL,
        listed INTEGER NOT NULL,
        on_target INTEGER NOT NULL,
        target_runs INTEGER NOT NULL,
        planned INTEGER NOT NULL,
        note TEXT NOT NULL,
        open_pass INTEGER NOT NULL DEFAULT 0,
        finished_pass INTEGER NOT NULL DEFAULT 0,
        finished_count INTEGER NOT NULL DEFAULT 0,
        finished_at TEXT
    )
    """,
    # state: cut (its runs are on their way), done (settled), overtaken (settled, but reading went back behind it and
    # gives its number to another window; it stays for its counts). last_start is the start_date of its last run.
    """
    CREATE TABLE window (
        id INTEGER PRIMARY KEY,
        dag INTEGER NOT NULL REFERENCES dag,
        pass INTEGER NOT NULL,
        number INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        size INTEGER NOT NULL,
        last_start TEXT,
        state TEXT NOT NULL CHECK (state IN ('cut', 'done', 'overtaken')),
        done_at TEXT
    )
    """,
    "CREATE UNIQUE INDEX window_number ON window (dag, pass, number) WHERE state <> 'overtaken'",
    # Only children, and only what is not zero: DAG runs are counted in run, rejected rows in rejected.
    """
    CREATE TABLE window_count (
        window INTEGER NOT NULL REFERENCES window,
        kind TEXT NOT NULL,
        moved INTEGER NOT NULL,
        already INTEGER NOT NULL,
        PRIMARY KEY (window, kind)
    ) WITHOUT ROWID
    """,
    # The largest table, kept small: outcome is a code (encoding.CODES), pass the last one that settled the run
    # (0: none yet), digest and fingerprint are unsigned 64-bit numbers stored as signed ones.
    """
    CREATE TABLE run (
        dag INTEGER NOT NULL REFERENCES dag,
        digest INTEGER NOT NULL,
        fingerprint INTEGER NOT NULL,
        outcome INTEGER NOT NULL,
        pass INTEGER NOT NULL,
        PRIMARY KEY (dag, digest)
    ) WITHOUT ROWID
    """,
    # key is the row's identity below its run as text, reason the server's words, redacted; rows is more than 1 where
    # one entry stands for many with one reason. A new settlement of the run replaces all of its entries.
    """
    CREATE TABLE rejected (
        dag INTEGER NOT NULL REFERENCES dag,
        run_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        reason TEXT NOT NULL,
        rows INTEGER NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (dag, run_id, kind, key)
    ) WITHOUT ROWID
    """,
    # ended_at and exit_code stay null when the process was killed.
    """
    CREATE TABLE invocation (
        number INTEGER PRIMARY KEY,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        exit_code INTEGER,
        version TEXT NOT NULL,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL
    )
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
)

_SECOND: Final = (
    # Rows that were sent again, of runs that had been counted before; for dag_runs, which are counted in run, too.
    "ALTER TABLE window_count ADD COLUMN repaired INTEGER NOT NULL DEFAULT 0",
    # The verification whose findings were the last to be turned into work on the DAG, empty for none.
    "ALTER TABLE dag ADD COLUMN verification TEXT NOT NULL DEFAULT ''",
)

_THIRD: Final = (
    # 1 for a run that is not known to have been written by this job; outlasts outcomes that do not tell.
    "ALTER TABLE run ADD COLUMN theirs INTEGER NOT NULL DEFAULT 0",
    # All but in flight, moved, partial and mending.
    "UPDATE run SET theirs = 1 WHERE outcome NOT IN (0, 1, 8, 11)",
)

_FOURTH: Final = (
    # Runs that only the target had, as a verification found, and that were removed there since.
    """
    CREATE TABLE removed (
        dag INTEGER NOT NULL REFERENCES dag,
        digest INTEGER NOT NULL,
        verification TEXT NOT NULL,
        PRIMARY KEY (dag, digest)
    ) WITHOUT ROWID
    """,
)

_FIFTH: Final = (
    # Numbers that a run begins with instead of finding them anew; "at" is when this value was found.
    """
    CREATE TABLE found (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL,
        at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)

_SIXTH: Final = (
    # name is a column, or * for whole rows; why the rule that says what became of the values. Of rows sent only.
    """
    CREATE TABLE window_loss (
        window INTEGER NOT NULL REFERENCES window,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        why TEXT NOT NULL,
        amount INTEGER NOT NULL,
        PRIMARY KEY (window, kind, name, why)
    ) WITHOUT ROWID
    """,
)

_SEVENTH: Final = (
    # kind is a code (attached.KINDS), digest the run's.
    """
    CREATE TABLE attached_run (
        dag INTEGER NOT NULL REFERENCES dag,
        kind INTEGER NOT NULL,
        digest INTEGER NOT NULL,
        PRIMARY KEY (dag, kind, digest)
    ) WITHOUT ROWID
    """,
    # Of a run that is under way, or has rejected pieces: piece is the digest of a piece that needs nothing more.
    """
    CREATE TABLE attached_piece (
        dag INTEGER NOT NULL REFERENCES dag,
        kind INTEGER NOT NULL,
        digest INTEGER NOT NULL,
        piece INTEGER NOT NULL,
        PRIMARY KEY (dag, kind, digest, piece)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE attached_count (
        dag INTEGER NOT NULL REFERENCES dag,
        kind INTEGER NOT NULL,
        name TEXT NOT NULL,
        amount INTEGER NOT NULL,
        PRIMARY KEY (dag, kind, name)
    ) WITHOUT ROWID
    """,
)

_EIGHTH: Final = (
    # runs is the sum over all undos, at the time of the last removal.
    """
    CREATE TABLE undone (
        dag INTEGER PRIMARY KEY REFERENCES dag,
        runs INTEGER NOT NULL,
        at TEXT NOT NULL
    )
    """,
)

_NINTH: Final = (
    # At most one row: the step (cutover.Step) that is under way, or that ended it.
    """
    CREATE TABLE cutover (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        step TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    # How the DAGs were before it. By name: not all of them need to have been planned.
    """
    CREATE TABLE cutover_dag (
        dag_id TEXT PRIMARY KEY,
        source_paused INTEGER NOT NULL,
        target_paused INTEGER NOT NULL,
        runs INTEGER
    ) WITHOUT ROWID
    """,
    # The last thing that was done to a DAG on a side; doubt is when something was sent that was never answered.
    """
    CREATE TABLE cutover_switch (
        dag_id TEXT NOT NULL,
        side TEXT NOT NULL,
        paused INTEGER NOT NULL,
        sure INTEGER NOT NULL,
        doubt TEXT,
        PRIMARY KEY (dag_id, side)
    ) WITHOUT ROWID
    """,
)

MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    _NINTH,
)
"""The statements that lead from version n to n + 1 (``PRAGMA user_version``), n being the index. Append only."""

VERSION: Final = len(MIGRATIONS)


def version_of(connection: Connection) -> int:
    """Return the schema version of the file, 0 when it is empty."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the file to the newest version; must run inside a transaction, which also records the version."""
    for number, statements in enumerate(migrations[version_of(connection) :], start=version_of(connection) + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
