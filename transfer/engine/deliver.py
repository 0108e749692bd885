"""The fate of the rows of one kind in one window: sent, found there, or refused for good.

An insert on Airflow 2 stores all rows of a batch or none, refuses the whole batch for one duplicate, and leaves us in
the dark when its answer is lost. So after any doubt the target is asked what it has, and only what it lacks is sent:

insert -> acknowledged           all of it sent
       -> answer lost            read back: all there = sent, for it was atomic; else send what lacks, a few times
       -> conflict               read back, send what lacks; nothing of it there = isolate
       -> too large              lower the ceiling, halve
       -> a value is refused     isolate
isolate: halve down to single rows; those still refused are looked for once more, then refused with the reason given.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

from transfer.client.base import Target
from transfer.engine.batch import Batcher
from transfer.errors import (
    ConflictError,
    LostAnswerError,
    RefusedError,
    SideError,
    TooLargeError,
    UnavailableError,
    UnexpectedAnswerError,
)
from transfer.kinds import Key, Kind, Row
from transfer.model import Batch

MOST_LOST = 5
"""Answers lost for the same rows before the batch is taken apart or the target counts as broken."""

MOST_STRIKES = 50
"""Single rows refused in a row, not as conflicts, before the target itself counts as the cause."""

ReadBack: TypeAlias = Callable[[Kind], Awaitable[set[Key]]]
"""Returns the keys of a kind that the target has of the window's runs, as of now."""


@dataclass(slots=True)
class Strikes:
    """Refused single rows since the last success, over the whole job: a read-only target refuses every row."""

    count: int = 0
    successes: int = 0
    """Inserts that were acknowledged, of the whole job."""


class Delivery:
    """What became of the rows, by key; refused ones with the reason.

    Where nothing goes wrong nobody asks for the keys of what was sent, which are made when somebody does.
    """

    def __init__(
        self, sent: Iterable[Key] = (), found: Iterable[Key] = (), refused: Mapping[Key, str] | None = None
    ) -> None:
        self.found: Final = set(found)
        """There already, whoever put them there."""
        self.refused: Final = dict(refused or {})
        self._sent: Final = set(sent)
        self._acknowledged: Final[list[tuple[Kind, Sequence[Row]]]] = []
        """Rows that were sent and are not yet in ``_sent``."""

    @property
    def sent(self) -> set[Key]:
        """Return the keys of the rows that were sent; more may be added."""
        for kind, rows in self._acknowledged:
            self._sent.update(map(kind.key_of, rows))
        self._acknowledged.clear()
        return self._sent

    @property
    def sent_rows(self) -> int:
        """Return how many were sent."""
        if self._sent:
            return len(self.sent)
        return sum(len(rows) for _, rows in self._acknowledged)

    def acknowledge(self, batch: Batch) -> None:
        """Note that all rows of ``batch`` were sent."""
        self._acknowledged.append((batch.kind, batch.rows))


class Courier:
    """Delivers the rows of one kind of one window; ``delivery`` says what became of them."""

    def __init__(self, target: Target, batcher: Batcher, read_back: ReadBack, strikes: Strikes) -> None:
        self._target = target
        self._batcher = batcher
        self._read_back = read_back
        self._strikes = strikes
        self._successes = strikes.successes
        self._late: set[Key] = set()
        self.delivery = Delivery()

    async def deliver(self, kind: Kind, dag_id: str, rows: list[Row], *, lost: int = 0, consume: bool = False) -> None:
        """Bring ``rows`` to the target, or learn why not; the list is empty afterwards if it may ``consume`` it.

        Raises ``UnavailableError`` when answers keep getting lost, or another ``SideError`` that ends the job.
        """
        cut = self._batcher.consume if consume else self._batcher.cut
        for batch in cut(kind, dag_id, rows):
            await self._deliver(batch, lost)

    async def _deliver(self, batch: Batch, lost: int) -> None:
        try:
            await self._insert(batch)
        except LostAnswerError as error:
            await self._after_loss(batch, lost + 1, error)
        except ConflictError as error:
            lacking = await self._lacking(batch)
            if len(lacking) == len(batch.rows):
                await self._isolate(batch, error)
            else:
                await self.deliver(batch.kind, batch.dag_id, lacking, lost=lost)
        except RefusedError as error:
            await self._isolate(batch, error)

    async def _insert(self, batch: Batch) -> None:
        try:
            await self._target.insert(batch)
        except TooLargeError:
            self._batcher.lower_ceiling(len(batch.body))
            raise
        self._strikes.count = 0
        self._strikes.successes += 1
        self.delivery.acknowledge(batch)

    @property
    def _most_lost(self) -> int:
        """A target that stores others meanwhile is in bad weather, not broken."""
        return MOST_LOST if self._strikes.successes == self._successes else 3 * MOST_LOST

    async def _after_loss(self, batch: Batch, lost: int, error: LostAnswerError) -> None:
        lacking = await self._lacking(batch, whole_is_ours=True)
        self._late.update(map(batch.kind.key_of, lacking))
        if not lacking:
            return
        if lost <= self._most_lost:
            await self.deliver(batch.kind, batch.dag_id, lacking, lost=lost)
        elif error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            await self._isolate(batch, error)
        else:
            raise UnavailableError(
                error.side,
                error.what,
                f"no answer to the same rows {lost} times, the last time: {error.detail}",
                dag_id=batch.dag_id,
                hint="nothing is lost: run again when the target is well",
            ) from error

    async def _lacking(self, batch: Batch, *, whole_is_ours: bool = False) -> list[Row]:
        """Return the rows that the target lacks; the others are noted.

        ``whole_is_ours``: a batch whose answer was lost and that is there as a whole was stored by that request, for
        one row that had been there before would have kept out all others.
        """
        present = await self._read_back(batch.kind)
        lacking = [row for row in batch.rows if batch.kind.key_of(row) not in present]
        there = {batch.kind.key_of(row) for row in batch.rows} & present
        self._note(there, ours=whole_is_ours and not lacking)
        return lacking

    def _note(self, there: set[Key], *, ours: bool = False) -> None:
        """Note rows that are on the target; those that lacked after a lost answer can only have come with it, late."""
        self.delivery.sent.update(there if ours else there & self._late)
        self.delivery.found.update(there - self.delivery.sent)

    async def _isolate(self, batch: Batch, error: SideError) -> None:
        # A 5xx is taken for a body that was too large, but nobody promised that nothing was stored.
        in_doubt = error.status is not None and error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if in_doubt and not await self._lacking(batch, whole_is_ours=True):
            return
        refused: dict[Key, str] = {}
        await self._halve(batch, error, refused)
        if not refused:
            return
        present = await self._read_back(batch.kind)
        self._note(present & refused.keys())
        self.delivery.refused.update({key: reason for key, reason in refused.items() if key not in present})

    async def _halve(self, batch: Batch, error: SideError, refused: dict[Key, str]) -> None:
        if len(batch.rows) == 1:
            self._strike(error)
            refused[batch.kind.key_of(batch.rows[0])] = _reason(error)
            return
        rows = list(batch.rows)
        middle = len(rows) // 2
        for half_of_them in (rows[:middle], rows[middle:]):
            for half in self._batcher.cut(batch.kind, batch.dag_id, half_of_them):
                try:
                    await self._insert(half)
                except LostAnswerError as lost:
                    await self._after_loss(half, 1, lost)
                except RefusedError as worse:
                    await self._halve(half, worse, refused)

    def _strike(self, error: SideError) -> None:
        if isinstance(error, ConflictError | TooLargeError):
            return
        self._strikes.count += 1
        if self._strikes.count > MOST_STRIKES:
            raise UnexpectedAnswerError(
                error.side,
                error.what,
                f"{MOST_STRIKES} single rows in a row were refused, the last one for: {error.detail}",
                status=error.status,
                hint="the target itself seems to be the cause (read-only database, missing rights?); then run again",
            )


def _reason(error: SideError) -> str:
    said = f"HTTP {error.status}: {error.detail}" if error.status is not None else error.detail
    if isinstance(error, TooLargeError):
        return f"{said} (too large for the target: raise webserver.allowed_payload_size there and run again)"
    return said
