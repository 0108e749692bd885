"""Stopping, pausing and resuming while logs are moved."""

from pathlib import Path

import anyio
import pytest

from tests.engine.tables import history
from tests.engine.worlds import behaviour
from transfer.checkpoint import Checkpoint
from transfer.emulator import Exchange
from transfer.engine.logs.probe import NOBODYS
from transfer.engine.stop import Stop

from .moving import LogWorld, log_world, names_of
from .test_weather import LARGE, NAME, OLD, one_log

pytestmark = pytest.mark.anyio

PROBES = 1
"""POSTs before the first log."""


def is_log(exchange: Exchange) -> bool:
    """Tell whether a request is about a log that is really moved."""
    return exchange.route == "task_log" and exchange.params["dag_id"] != NOBODYS.dag_id


def posted(world: LogWorld) -> int:
    """Return how many logs came to the target, again or not."""
    return sum(is_log(exchange) for exchange in world.target.asked("POST", "task_log"))


async def test_a_stop_lets_what_is_under_way_arrive(tmp_path: Path) -> None:
    """The first request to stop begins nothing new; what was begun is finished and remembered, the rest comes later."""
    table = history(10)
    async with log_world(tmp_path, table) as world:
        names = names_of(table)
        for name in names:
            world.write(name, name.key.encode())
        stop = Stop()

        async def fifth(exchange: Exchange) -> None:
            if is_log(exchange) and posted(world) == 5 and exchange.method == "POST":
                stop.request()

        world.target.behaviour.on_request = fifth
        ending = await world.move(stop=stop, logs_at_once=2)
        assert ending.stopped
        there = posted(world)
        assert 5 <= there <= 5 + 2
        assert (await world.counted())["moved"] == there
        assert not (await world.move()).stopped
        assert {name: world.arrived(name) for name in names} == {name: name.key.encode() for name in names}
        assert posted(world) == len(names)


async def test_stopped_at_once_no_part_of_a_log_is_left(tmp_path: Path) -> None:
    """The second request breaks off what is being sent, and clears it away."""
    async with log_world(tmp_path, one_log(), versions=OLD) as world:
        world.write(NAME, LARGE)
        stop = Stop()

        async def at_once(exchange: Exchange) -> None:
            if is_log(exchange) and exchange.method == "POST":
                stop.request()
                stop.request()

        world.target.behaviour.on_request = at_once
        ending = await world.move(stop=stop)
        assert ending.stopped
        assert world.arrived(NAME) is None
        assert await world.counted() == {}
        world.target.behaviour.on_request = None
        await world.move()
        assert world.arrived(NAME) == LARGE


class DyingError(Exception):
    """Raised in place of a kill: nothing after it is carried out."""


async def test_killed_before_it_is_remembered_a_log_is_sent_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrived and is not in the checkpoint is overwritten with the same, and counts once."""
    table = history(10)
    async with log_world(tmp_path, table) as world:
        names = names_of(table)
        for name in names:
            world.write(name, name.key.encode())
        store, stored = Checkpoint.attach, 0

        async def die(self: Checkpoint, *arguments: object) -> None:
            nonlocal stored
            stored += 1
            if stored == 4:
                raise DyingError
            await store(self, *arguments)  # type: ignore[arg-type]  # as they were

        monkeypatch.setattr(Checkpoint, "attach", die)
        with pytest.raises(DyingError):
            await world.move(logs_at_once=2)
        monkeypatch.setattr(Checkpoint, "attach", store)
        before = posted(world)
        remembered = (await world.counted())["moved"]
        await world.move(logs_at_once=2)
        assert posted(world) - before == len(names) - remembered
        assert before - remembered <= 2 * 2
        assert (await world.counted())["moved"] == len(names)
        assert {name: world.arrived(name) for name in names} == {name: name.key.encode() for name in names}


async def test_in_a_pause_no_log_is_begun(tmp_path: Path) -> None:
    """What is under way is finished; the next one begins when the pause is over."""
    table = history(4)
    async with log_world(tmp_path, table) as world:
        for name in names_of(table):
            world.write(name, b"x")

        async def pause(exchange: Exchange) -> None:
            if is_log(exchange) and exchange.method == "POST" and posted(world) == 3:
                world.pace.close("a test")

        world.target.behaviour.on_request = pause
        with anyio.move_on_after(0.4):
            await world.move(logs_at_once=1)
        assert posted(world) == 3
        world.pace.release()
        await world.move(logs_at_once=1)
        assert (await world.counted())["moved"] == 12


async def test_a_log_of_a_run_that_was_there_is_finished_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of it that we left there must not be taken for the target's own."""
    async with log_world(tmp_path, one_log(), one_log(), changes=(behaviour(), behaviour())) as world:
        world.write(NAME, b"all of it")
        store = Checkpoint.attach

        async def die(self: Checkpoint, kind: object, steps: list[object]) -> None:
            if world.arrived(NAME) is not None:
                raise DyingError
            await store(self, kind, steps)  # type: ignore[arg-type]  # as they were

        monkeypatch.setattr(Checkpoint, "attach", die)
        with pytest.raises(DyingError):
            await world.move(found=True)
        monkeypatch.setattr(Checkpoint, "attach", store)
        world.target.logs.put(b"all", **NAME.params)
        await world.move(found=True)
        assert world.arrived(NAME) == b"all of it"
