"""SQL of what values of moved rows did not arrive as they were, and why: counts, never values."""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.encoding import checked
from transfer.model import Loss

_STORE: Final = "INSERT INTO window_loss (window, kind, name, why, amount) VALUES (?, ?, ?, ?, ?)"
_READ: Final = """
    SELECT kind, name, why, sum(amount) FROM window_loss GROUP BY kind, name, why ORDER BY kind, name, why
"""


def store_losses(connection: Connection, window: int, losses: Mapping[Loss, int]) -> None:
    """Store what a window has lost, in place of what was stored of it before."""
    connection.execute("DELETE FROM window_loss WHERE window = ?", (window,))
    connection.executemany(
        _STORE, [(window, loss.kind, loss.column, loss.why, amount) for loss, amount in losses.items() if amount]
    )


def read_losses(connection: Connection) -> dict[Loss, int]:
    """Return how many values the job has lost, over all DAGs."""
    found = {}
    for row in connection.execute(_READ):
        kind, name, why, amount = checked(row, str, str, str, int)
        found[Loss(kind, name, why)] = amount
    return found
