"""The ids that Airflow 3 wants of task instances, made of what identifies them: the same after any restart.

They have the shape of the ids that Airflow 3.1 makes itself (UUID version 7), whose order is that of time. A task
instance and its earlier tries need different ones, else clearing it fails on the target (3.1.8).
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from transfer.kinds import TASK_INSTANCE_HISTORY, Kind, Row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MILLISECONDS: Final = (1 << 48) - 1
_VERSION: Final = 7
_VARIANT: Final = 0b10


def id_of(kind: Kind, row: Row) -> str:
    """Return the id of a task instance, or of one of its earlier tries, as text."""
    key = [kind.name, row["dag_id"], *kind.key_of(row)]
    digest = int.from_bytes(sha256(json.dumps(key).encode()).digest()[:10], "big")
    rand_a, rand_b = digest >> 68, digest & ((1 << 62) - 1)
    number = _milliseconds(row) << 80 | _VERSION << 76 | rand_a << 64 | _VARIANT << 62 | rand_b
    return str(UUID(int=number))


def id_column(kind: Kind) -> str:
    """Return the name of the column that holds it."""
    return "task_instance_id" if kind is TASK_INSTANCE_HISTORY else "id"


def _milliseconds(row: Row) -> int:
    """Return when the task was queued, or else began or ended, in milliseconds since 1970; 0 if it never was."""
    for column in ("queued_dttm", "start_date", "end_date"):
        value = row.get(column)
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                continue
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return min(max(int((aware - _EPOCH).total_seconds() * 1000), 0), _MOST_MILLISECONDS)
    return 0
