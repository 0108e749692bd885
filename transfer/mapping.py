"""How rows of one Airflow version become rows of another; this release knows Airflow 2.11 to 2.11 only."""

from transfer.errors import UnsupportedError
from transfer.kinds import Row
from transfer.model import ServerInfo

SUPPORTED = (2, 11)
"""The Airflow version, major and minor, on both sides."""


def check_versions(source: ServerInfo, target: ServerInfo) -> None:
    """Raise ``UnsupportedError`` unless rows of ``source`` can be written to ``target`` by this release."""
    for side, info in (("source", source), ("target", target)):
        if info.airflow != SUPPORTED:
            raise UnsupportedError(
                side,
                f"Airflow {info.airflow_version} is not supported: this release moves 2.11 to 2.11",
                hint="both sides must run Airflow 2.11 with Starship 2.10.1 or a compatible release",
            )


def fit(rows: list[Row]) -> None:
    """Make ``rows`` of task instances or their history acceptable to the target, in place.

    A trigger is a row of the source's own ``trigger`` table, which nobody moves: the target refuses an id that it
    does not have with a foreign key violation (Airflow 2.11).
    """
    for row in rows:
        if row.get("trigger_id") is not None:
            row["trigger_id"] = None
