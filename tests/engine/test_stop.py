"""The two scopes of a stop."""

import os
import signal

import anyio
import pytest

from transfer.engine.stop import Stop


async def test_the_first_request_stops_reading_and_limits_the_rest() -> None:
    """Reading is cancelled, everything else has ``grace`` seconds."""
    stop = Stop(grace=30)
    assert not stop.requested
    stop.request()
    assert (stop.requested, stop.reading.cancel_called, stop.everything.cancel_called) == (True, True, False)
    assert stop.everything.deadline == pytest.approx(anyio.current_time() + 30, abs=5)


async def test_the_second_request_stops_everything() -> None:
    """Asked again, nothing is waited for."""
    stop = Stop()
    stop.request()
    stop.request()
    assert stop.everything.cancel_called


async def test_the_time_is_not_extended() -> None:
    """A deadline that is nearer stays."""
    stop = Stop(grace=30)
    stop.everything.deadline = nearer = anyio.current_time() + 1
    stop.request()
    assert stop.everything.deadline == nearer


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_are_requests(number: signal.Signals) -> None:
    """The first signal stops softly, the second at once; both are told."""
    stop = Stop()
    told: list[tuple[str, bool]] = []
    heard = anyio.Event()

    def hear(name: str, now: bool) -> None:  # noqa: FBT001  as ``on_signals`` calls it
        told.append((name, now))
        if now:
            heard.set()
        else:
            os.kill(os.getpid(), number)

    async with anyio.create_task_group() as group:
        group.start_soon(stop.on_signals, hear)
        await anyio.wait_all_tasks_blocked()
        os.kill(os.getpid(), number)
        await heard.wait()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert (told, stop.requests) == ([(number.name, False), (number.name, True)], 2)


async def test_hang_up_is_no_request() -> None:
    """SIGHUP goes to whoever wants to hear of it, each time, and stops nothing."""
    stop = Stop()
    heard = anyio.Event()
    times = []

    def hear() -> None:
        times.append(stop.requests)
        if len(times) > 1:
            heard.set()
        else:
            os.kill(os.getpid(), signal.SIGHUP)

    async with anyio.create_task_group() as group:
        group.start_soon(stop.on_signals, lambda *_: None, hear)
        await anyio.wait_all_tasks_blocked()
        os.kill(os.getpid(), signal.SIGHUP)
        await heard.wait()
        group.cancel_scope.cancel()
    assert (times, stop.requested) == ([0, 0], False)
