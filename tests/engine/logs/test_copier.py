"""Copying one log, with sides in memory that do what no server can be made to do at the right moment."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

from transfer.client.base import Taker
from transfer.client.logs import LogName, TaskLogs
from transfer.engine.logs.capacity import LogCapacity
from transfer.engine.logs.copier import Copier, Fate, LogRefusedError
from transfer.errors import AbsentError, BrokenOffError, UnavailableError

pytestmark = pytest.mark.anyio

NAME = LogName("d", "r", "t", -1, 1)
PIECES = [bytes([number]) * 500_000 for number in range(6)]


class Store:
    """Logs in memory; ``sending`` is what happens to each request that streams one."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        self.reads = self.sent = self.asked = 0
        self.sending: Callable[[Callable[[], AsyncIterator[bytes]]], Awaitable[bytes]] = joined

    async def read(self, _name: LogName, taker: Taker) -> int:
        """Implement ``TaskLogs``."""
        self.reads += 1
        if self.content is None:
            raise AbsentError("source", "read", "none", status=404)
        await taker(cut_up(self.content))
        return len(self.content)

    async def write(self, _name: LogName, body: bytes, _block_size: int) -> None:
        """Implement ``TaskLogs``."""
        self.sent += 1
        self.content = body

    async def stream(self, _name: LogName, pieces: Callable[[], AsyncIterator[bytes]], _block_size: int) -> None:
        """Implement ``TaskLogs``."""
        self.sent += 1
        self.content = await self.sending(pieces)

    async def exists(self, _name: LogName) -> bool:
        """Implement ``TaskLogs``."""
        return self.content is not None

    async def remove(self, _name: LogName) -> None:
        """Implement ``TaskLogs``."""
        self.content = None

    async def ask(self) -> None:
        """Answer."""
        self.asked += 1


async def cut_up(content: bytes) -> AsyncIterator[bytes]:
    """Yield a log in pieces."""
    for start in range(0, len(content), 500_000):
        yield content[start : start + 500_000]


async def joined(pieces: Callable[[], AsyncIterator[bytes]]) -> bytes:
    """Take all that is sent."""
    return b"".join([piece async for piece in pieces()])


def copier(source: Store, target: Store, *, verify: bool = False) -> Copier:
    """Return a copier between two stores."""
    left, right = cast("TaskLogs", source), cast("TaskLogs", target)
    return Copier(left, right, LogCapacity(), (source.ask, target.ask), verify=verify)


async def test_a_request_that_is_sent_twice_on_its_way_does_not_lose_its_beginning() -> None:
    """A login, or a wait, may make the client send it again: the second body breaks off, and the log is begun anew."""
    source, target = Store(b"".join(PIECES)), Store()

    async def again(pieces: Callable[[], AsyncIterator[bytes]]) -> bytes:
        target.sending = joined
        async for _ in pieces():
            break
        try:
            return await joined(pieces)
        except EOFError:
            raise BrokenOffError("target", "write", "broken off") from None

    target.sending = again
    assert await copier(source, target).copy(NAME) == (Fate.MOVED, 3_000_000)
    assert target.content == source.content
    assert (source.reads, target.sent) == (2, 2)
    assert target.asked == 1  # which logs in again


async def test_a_source_that_is_gone_ends_everything() -> None:
    """One log that cannot be read is refused; a side that does not answer at all is no matter of a log."""
    source, target = Store(b"x"), Store()

    async def fail(_name: LogName, taker: Taker) -> int:
        del taker
        raise UnavailableError("source", "read", "gave up")

    async def gone() -> None:
        raise UnavailableError("source", "info", "not asked any more")

    source.read = fail  # type: ignore[method-assign]  # for this test
    with pytest.raises(LogRefusedError, match="gave up"):
        await copier(source, target).copy(NAME)
    source.ask = gone  # type: ignore[method-assign]  # as above
    with pytest.raises(UnavailableError, match="not asked any more"):
        await copier(source, target).copy(NAME)


async def test_a_remainder_that_comes_back_is_removed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A webserver may still write what was broken off, after it was removed."""
    monkeypatch.setattr("transfer.engine.logs.copier.SETTLING_SECONDS", 0.0)
    source, target = Store(b"".join(PIECES)), Store()
    removals = 0

    async def broken(_pieces: Callable[[], AsyncIterator[bytes]]) -> bytes:
        target.content = b"a part"
        raise BrokenOffError("target", "write", "broken off")

    async def remove(_name: LogName) -> None:
        nonlocal removals
        removals += 1
        target.content = b"a part" if removals == 1 else None

    target.sending = broken
    target.remove = remove  # type: ignore[method-assign]  # for this test
    with pytest.raises(LogRefusedError, match="tried 3 times"):
        await copier(source, target).copy(NAME)
    assert (removals, target.content) == (2, None)


async def test_nothing_is_removed_where_nothing_was_sent() -> None:
    """What the target had of a log that the source has no more is none of our business."""
    source, target = Store(None), Store(b"theirs")
    assert await copier(source, target).copy(NAME) == (Fate.MISSING, 0)
    assert target.content == b"theirs"


async def test_what_is_claimed_is_sent_only_where_nothing_is() -> None:
    """The claim is made before anything is sent, and not at all if there is something."""
    claims: list[bytes | None] = []

    async def claim() -> None:
        claims.append(target.content)

    source, target = Store(b"ours"), Store(b"theirs")
    assert await copier(source, target).copy(NAME, claim) == (Fate.ALREADY, 0)
    assert claims == []
    target.content = None
    assert await copier(source, target).copy(NAME, claim) == (Fate.MOVED, 4)
    assert claims == [None]
    assert target.content == b"ours"


@pytest.mark.parametrize("size", [0, 3, 3_000_000])
async def test_verified_logs_are_read_back_once(size: int) -> None:
    """Small or large: with ``verify`` a log is compared, without it is not looked at again."""
    source, target = Store(bytes(size)), Store()
    await copier(source, target).copy(NAME)
    assert target.reads == 0
    await copier(source, target, verify=True).copy(NAME)
    assert target.reads == 1
