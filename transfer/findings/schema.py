"""The tables of a verification's result, made anew for each verification.

verification  what is compared, since when, and until when: exactly one row
dag           a DAG, and how far it is compared
seen          the runs that were seen of a DAG that is under way, as 64-bit digests: what tells whether it is whole
suspect       the runs that have to be looked at a second time, of DAGs under way
difference    rows that are not the same, by key
held          rows of each kind that the target has of a run with differences
total         rows of each DAG and kind by verdict
loss          values that the target cannot hold, by column

A place is a start_date; no other value of a row is stored, and no credential.
"""

from sqlite3 import Connection
from typing import Final

DATABASE: Final = "verify.sqlite"
LOCK: Final = "verify.sqlite.lock"

APPLICATION_ID: Final = 0x53565246
"""Marks the file as a result of this program (``PRAGMA application_id``)."""

VERSION: Final = 3
"""Changes with the tables (``PRAGMA user_version``): a result of another version is not read, but replaced."""

_TABLES: Final = {
    # sample is null for all runs; seed decides which ones a sample takes; ended_at is null until all is compared.
    "verification": """
        id INTEGER PRIMARY KEY CHECK (id = 1),
        uuid TEXT NOT NULL,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        selection TEXT NOT NULL,
        sample REAL,
        one_way INTEGER NOT NULL,
        seed INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT
    """,
    # offset is null where nothing of a side was read yet; start is null, too, for a run that never started.
    "dag": """
        id INTEGER PRIMARY KEY,
        dag_id TEXT NOT NULL UNIQUE,
        phase TEXT NOT NULL DEFAULT 'walking',
        source_runs INTEGER NOT NULL,
        target_runs INTEGER NOT NULL DEFAULT 0,
        source_offset INTEGER,
        source_start TEXT,
        target_offset INTEGER,
        target_start TEXT,
        source_front TEXT,
        target_front TEXT,
        selected INTEGER NOT NULL DEFAULT 0,
        missing INTEGER NOT NULL DEFAULT 0,
        absent INTEGER NOT NULL DEFAULT 0,
        unfinished INTEGER NOT NULL DEFAULT 0,
        changed INTEGER NOT NULL DEFAULT 0,
        with_children INTEGER NOT NULL DEFAULT 0,
        problem TEXT NOT NULL DEFAULT ''
    """,
    "seen": """
        dag INTEGER NOT NULL,
        side INTEGER NOT NULL,
        digest INTEGER NOT NULL,
        PRIMARY KEY (dag, side, digest)
    """,
    # One half per side; wanted is null where the side did not show the run, 0 where the run explains the other half.
    "suspect": """
        dag INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        source_wanted INTEGER,
        source_start TEXT,
        source_offset INTEGER NOT NULL,
        target_wanted INTEGER,
        target_start TEXT,
        target_offset INTEGER NOT NULL,
        PRIMARY KEY (dag, run_id)
    """,
    # key is the identity below the run as text, columns a JSON list of names.
    "difference": """
        dag INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        mark TEXT NOT NULL,
        columns TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (dag, run_id, kind, key)
    """,
    "held": """
        dag INTEGER NOT NULL,
        run_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (dag, run_id, kind)
    """,
    "total": """
        dag INTEGER NOT NULL,
        kind TEXT NOT NULL,
        mark TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (dag, kind, mark)
    """,
    "loss": """
        dag INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        rows INTEGER NOT NULL,
        PRIMARY KEY (dag, kind, name)
    """,
}

OF_DAG: Final = ("seen", "suspect", "difference", "held", "total", "loss")
"""The tables whose rows belong to a DAG."""

_WITH_ROWID: Final = {"verification", "dag"}


def create(connection: Connection) -> None:
    """Replace whatever result the file holds by empty tables; must run inside a transaction."""
    for name, columns in _TABLES.items():
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        connection.execute(f"CREATE TABLE {name} ({columns}) {'' if name in _WITH_ROWID else 'WITHOUT ROWID'}")
    connection.execute("CREATE INDEX suspect_order ON suspect (dag, source_offset, run_id)")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
