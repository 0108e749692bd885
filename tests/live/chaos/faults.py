"""What goes wrong on the wire: one small function each, and how often which is drawn."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

from .exchange import Exchange
from .message import Message, answer

LARGE_BYTES = 65_536
"""A proxy that limits bodies does not refuse small ones."""

PAUSE_SECONDS = 0.4
LOGIN_PAGE = "<!doctype html>\n<title>Sign In - Airflow</title><form action='/login/'><input name='username'></form>"
ERROR_PAGE = "<html><head><title>Bad Gateway</title></head><body><center><h1>Chaos</h1></center></body></html>"

Act = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its name in the report, what it does, how often it is drawn, and what for."""

    name: str
    act: Act
    weight: float = 1.0
    fits: Callable[[Message], bool] = lambda _request: True


async def drop(exchange: Exchange) -> None:
    """Never forward the request, and reset."""
    exchange.reset()


async def ignore(exchange: Exchange) -> None:
    """Never forward the request, and stay silent."""
    await exchange.abandoned()
    exchange.reset()


async def come_late(exchange: Exchange) -> None:
    """Forward the request only after the client gave up on it, sometimes long after."""
    await exchange.abandoned()
    await asyncio.sleep(exchange.random.choice((0.0, 0.1, 0.5, 2.0, 8.0)))
    await exchange.forward()


async def lose(exchange: Exchange) -> None:
    """Let the request be carried out, and reset in place of an answer."""
    await exchange.forward()
    exchange.reset()


async def withhold(exchange: Exchange) -> None:
    """Let the request be carried out, and keep the answer until the client has given up."""
    await exchange.forward()
    await exchange.abandoned()


async def cut(exchange: Exchange) -> None:
    """Promise the whole body, send a part of it, and say farewell."""
    await exchange.send(_part(exchange, (await exchange.forward()).encoded(keep=True)))


async def cut_by_reset(exchange: Exchange) -> None:
    """Promise the whole body, send a part of it, and reset."""
    await exchange.send(_part(exchange, (await exchange.forward()).encoded(keep=True)))
    exchange.reset()


async def cut_chunks(exchange: Exchange) -> None:
    """Send the body in chunks without the one that ends it."""
    got = await exchange.forward()
    await exchange.send(got.head(("Transfer-Encoding", "chunked")))
    body = _part(exchange, got.body)
    for start in range(0, len(body), 4096):
        piece = body[start : start + 4096]
        await exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))


async def talk_nonsense(exchange: Exchange) -> None:
    """Let the request be carried out, and answer with what is no HTTP."""
    await exchange.forward()
    await exchange.send(b"\x15\x03\x03\x00\x02\x02\x50 " + exchange.random.randbytes(200) + b"\r\n\r\n")


async def garble(exchange: Exchange) -> None:
    """Overwrite some bytes of the body with ones that no JSON may hold."""
    got = await exchange.forward()
    at = exchange.random.randrange(len(got.body) // 2, len(got.body)) if got.body else 0
    body = got.body[:at] + b"\x00\xff\x00" + got.body[at + 3 :]
    await exchange.reply(Message(got.start, got.headers, body))


async def trickle(exchange: Exchange) -> None:
    """Send the answer in a few pieces with pauses in between."""
    whole = (await exchange.forward()).encoded(keep=False)
    size = len(whole) // 6 + 1
    for start in range(0, len(whole), size):
        await exchange.send(whole[start : start + size])
        await asyncio.sleep(PAUSE_SECONDS)


async def repeat(exchange: Exchange) -> None:
    """Forward the request twice, as a proxy that retries, and return one of the answers."""
    answers = [await exchange.forward(), await exchange.forward()]
    await exchange.reply(exchange.random.choice(answers))


async def double(exchange: Exchange) -> None:
    """Forward the request twice at the same time, and return one of the answers."""
    answers = await asyncio.gather(exchange.forward(), exchange.forward())
    await exchange.reply(exchange.random.choice(answers))


async def forget_session(exchange: Exchange) -> None:
    """Take the cookies out of the request, so that the server does not know who asks."""
    await exchange.reply(await exchange.forward(exchange.request.without("cookie")))


def refuse(status: int, *headers: tuple[str, str], page: str = ERROR_PAGE) -> Act:
    """Return the fault of a page in place of the request."""

    async def act(exchange: Exchange) -> None:
        await exchange.reply(answer(status, page, *headers))

    return act


def cover(status: int, *headers: tuple[str, str], page: str = ERROR_PAGE) -> Act:
    """Return the fault of a page in place of the answer of a request that was carried out."""

    async def act(exchange: Exchange) -> None:
        await exchange.forward()
        await exchange.reply(answer(status, page, *headers))

    return act


async def ask_to_wait_until(exchange: Exchange) -> None:
    """Answer 429 with the date at which to come again."""
    now = datetime.now(UTC)
    headers = (("Date", format_datetime(now, usegmt=True)), ("Retry-After", _date(now + timedelta(seconds=1))))
    await exchange.reply(answer(429, ERROR_PAGE, *headers))


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _part(exchange: Exchange, data: bytes) -> bytes:
    """Return a true part of `data` from its start, now and then all but the last byte."""
    if exchange.random.random() < 0.2:
        return data[:-1]
    return data[: exchange.random.randrange(len(data))] if data else data


def _posts(request: Message) -> bool:
    return request.method == "POST" and request.route != "login"


def _reads(request: Message) -> bool:
    return request.method == "GET" and request.route != "login"


def _large(request: Message) -> bool:
    return len(request.body) > LARGE_BYTES


def _knows_session(request: Message) -> bool:
    return request.route != "login" and bool(request.values("cookie"))


RETRY = ("Retry-After", "1")
TO_LOGIN = ("Location", "/login/?next=%2F")

MENU = (
    Fault("request dropped, connection reset", drop, 3),
    Fault("request ignored, silence", ignore),
    Fault("request forwarded after its client gave up", come_late, 2),
    Fault("answer lost, connection reset", lose, 4),
    Fault("answer withheld, silence", withhold, 2),
    Fault("answer cut", cut, 2),
    Fault("answer cut by a reset", cut_by_reset),
    Fault("answer cut between chunks", cut_chunks),
    Fault("no HTTP in place of the answer", talk_nonsense),
    Fault("garbage in the answer", garble, 0.2, _reads),
    Fault("answer in a trickle", trickle),
    Fault("request carried out twice, one after the other", repeat, 2, _posts),
    Fault("request carried out twice at once", double, 2, _posts),
    Fault("session cookie lost", forget_session, 1, _knows_session),
    Fault("429", refuse(429)),
    Fault("429 with seconds", refuse(429, RETRY)),
    Fault("429 with a date", ask_to_wait_until),
    Fault("500 page", refuse(500)),
    Fault("502 page", refuse(502)),
    Fault("503 page", refuse(503)),
    Fault("503 with seconds", refuse(503, RETRY)),
    Fault("504 page", refuse(504)),
    Fault("413 page", refuse(413), 4, _large),
    Fault("200 login page", refuse(200, page=LOGIN_PAGE), 0.5),
    Fault("302 to the login", refuse(302, TO_LOGIN), 1, _knows_session),
    Fault("500 page after it was carried out", cover(500)),
    Fault("502 page after it was carried out", cover(502)),
    Fault("504 page after it was carried out", cover(504)),
    Fault("200 login page after it was carried out", cover(200, page=LOGIN_PAGE), 1, _posts),
)


class Schedule:
    """Draws faults; the same seed draws the same for the same requests in the same order.

    Args:
        seed: of the draws.
        probability: of a fault per request; 0 for a calm.
        menu: what is drawn from.
    """

    def __init__(self, seed: str, probability: float, menu: tuple[Fault, ...] = MENU) -> None:
        self.random = Random(seed)  # noqa: S311 - reproducible faults, no secrets
        self.probability = probability
        self._menu = menu

    def draw(self, request: Message) -> Fault | None:
        """Return what happens to a request, `None` for nothing."""
        if self.random.random() >= self.probability:
            return None
        fitting = [fault for fault in self._menu if fault.fits(request)]
        return self.random.choices(fitting, [fault.weight for fault in fitting])[0] if fitting else None

    def resets_at_once(self) -> bool:
        """Tell whether a connection that was just made is reset before anything is read from it."""
        return self.random.random() < self.probability / 10
