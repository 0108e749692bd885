"""Prepares what ``service_times`` writes."""

from benchmarks import history
from benchmarks.bodies import batches, body_of
from benchmarks.side import Side, post
from tests.live.rig import Rig
from transfer.kinds import KINDS, Kind, Row

BODY_BYTES = 983_040
"""What Airflow 2.11 takes at most."""


class Writer:
    """Gives out bodies of rows that the target does not have yet."""

    def __init__(self, rig: Rig, target: Side, rows: dict[Kind, list[Row]]) -> None:
        self.rows = rows
        self.target = target
        self._rig = rig

    async def prepare(self, kind: Kind) -> None:
        """Empty the target and write all that rows of ``kind`` hang on."""
        with self._rig.target.connect() as conn:
            history.empty(conn)
        for parent in KINDS[: KINDS.index(kind)]:
            for batch in batches(self.rows[parent], 1000):
                await post(self.target, parent.route, body_of(parent, batch))

    def series(self, kind: Kind, rows: list[Row], size: int, count: int) -> list[bytes]:
        """Return ``count`` bodies of ``size`` of the ``rows`` each, and a target that has no rows of ``kind`` yet.

        Fewer come when the history does not hold so many, none when a body would be too large for the server.
        """
        with self._rig.target.connect() as conn:
            history.empty_of(conn, kind.name)
        bodies = [body_of(kind, batch) for batch in batches(rows[: size * count], size) if len(batch) == size]
        return [body for body in bodies if len(body) <= BODY_BYTES]
