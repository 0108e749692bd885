"""A target in memory that answers inserts as a schedule says: lost before or after the commit, late, refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from transfer.engine.batch import Batcher
from transfer.engine.deliver import Courier, Delivery, Strikes
from transfer.errors import ConflictError, InvalidRowError, LostAnswerError, TooLargeError, TransferError
from transfer.kinds import TASK_INSTANCES, Key, Kind, Row
from transfer.model import Batch

JOB_ID = UUID(int=7)


@dataclass
class Store:
    """A table with atomic inserts.

    ``schedule`` says for each insert in turn: "ok", "before" (lost, not stored), "after" (stored, answer lost), "late"
    (lost, stored when ``late_after`` more requests came in). Rows in ``invalid`` are refused by 400, batches with a row
    in ``crashing`` are lost with 500, and bodies over ``ceiling`` refused by 413.
    """

    schedule: Sequence[str] = ()
    invalid: frozenset[int] = frozenset()
    crashing: frozenset[int] = frozenset()
    ceiling: int = 1_000_000
    late_after: int = 1
    rows: dict[Key, Row] = field(default_factory=dict)
    stored: list[Key] = field(default_factory=list)
    requests: int = 0
    inserts: int = 0
    bodies: list[int] = field(default_factory=list)
    _late: list[tuple[int, Batch]] = field(default_factory=list)

    async def insert(self, batch: Batch) -> None:
        """Implement ``Target``."""
        self._tick()
        self.bodies.append(len(batch.body))
        answer = self.schedule[self.inserts] if self.inserts < len(self.schedule) else "ok"
        self.inserts += 1
        if len(batch.body) > self.ceiling:
            raise TooLargeError("target", "insert", "too large", status=413)
        if answer == "before":
            raise LostAnswerError("target", "insert", "reset")
        if answer == "late":
            self._late.append((self.requests + self.late_after, batch))
            raise LostAnswerError("target", "insert", "timed out")
        self._refuse(batch)
        self._commit(batch)
        if answer == "after":
            raise LostAnswerError("target", "insert", "reset")

    def _refuse(self, batch: Batch) -> None:
        numbers = {row["number"] for row in batch.rows}
        if numbers & self.invalid:
            raise InvalidRowError("target", "insert", "DataError", status=400)
        if numbers & self.crashing:
            raise LostAnswerError("target", "insert", "Ooops", status=500)
        if any(TASK_INSTANCES.key_of(row) in self.rows for row in batch.rows):
            raise ConflictError("target", "insert", "duplicate", status=409)

    def _commit(self, batch: Batch) -> None:
        for row in batch.rows:
            key = TASK_INSTANCES.key_of(row)
            self.rows[key] = row
            self.stored.append(key)

    async def present(self, kind: Kind) -> set[Key]:
        """Return all keys, as a read-back does."""
        assert kind is TASK_INSTANCES
        self._tick()
        return set(self.rows)

    def _tick(self) -> None:
        self.requests += 1
        due = [batch for when, batch in self._late if when <= self.requests]
        self._late = [(when, batch) for when, batch in self._late if when > self.requests]
        for batch in due:
            try:
                self._refuse(batch)
            except TransferError:
                continue
            self._commit(batch)


def rows(count: int, *, wide: Callable[[int], int] = lambda _number: 0) -> list[Row]:
    """Return task instances number 0 to ``count`` - 1, with a text of ``wide(number)`` characters."""
    return [
        {"run_id": "r", "task_id": f"t{number}", "map_index": -1, "number": number, "hostname": "x" * wide(number)}
        for number in range(count)
    ]


async def deliver(store: Store, news: list[Row], *, batch_rows: int = 10, batch_bytes: int = 1_000_000) -> Delivery:
    """Deliver ``news`` and return what became of them."""
    batcher = Batcher(JOB_ID, max_rows=batch_rows, max_bytes=batch_bytes)
    courier = Courier(store, batcher, store.present, Strikes())  # type: ignore[arg-type]  # a target that is only written
    await courier.deliver(TASK_INSTANCES, "dag", news)
    return courier.delivery
