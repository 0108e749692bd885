"""Single objects, made and replaced on every generation of Airflow, in good and in bad weather."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from transfer import secrets_registry
from transfer.checkpoint.replacements import Replacements, Step, hold_replacements
from transfer.client.objects import CONNECTIONS, POOLS, VARIABLES, ObjectsApi
from transfer.client.stack import open_side
from transfer.config.settings import Endpoint, Limits, Retry
from transfer.emulator import Answer, Behaviour, Emulator, Open, Reset, Rule, Stall, TableHistory
from transfer.engine.configuration import act
from transfer.engine.configuration.act import Acting

VERSIONS = pytest.mark.parametrize("version", ["2.4.3", "2.8.4", "2.11.2", "3.1.8"])
OLD: dict[str, Any] = {"key": "v", "val": "canary-old", "description": "d"}
NEW: dict[str, Any] = {"key": "v", "val": "canary-new", "description": None}
TABLE = "variables"


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards which secrets were read."""
    monkeypatch.setattr(secrets_registry, "_known", set())


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Replacements]:
    """Notes in a folder of their own."""
    with hold_replacements(tmp_path, "http://source", "http://target") as held:
        yield held


@asynccontextmanager
async def target(version: str) -> AsyncIterator[tuple[Emulator, ObjectsApi]]:
    """Serve a deployment that anybody may use, and open it."""
    behaviour = Behaviour(airflow_version=version, door=Open())
    retry = Retry(attempts=2, wait_initial=0.001, wait_max=0.001)
    async with Emulator(TableHistory(version=version), behaviour) as emulator:
        endpoint = Endpoint.model_validate({"url": emulator.url, "auth": {"kind": "none"}})
        async with open_side("target", endpoint, retry, Limits()) as side:
            yield emulator, side.objects()


@VERSIONS
async def test_each_kind_is_made(version: str, notes: Replacements) -> None:
    """What was made is there in all its fields, and making it again is no mistake."""
    deferred = {} if version == "2.4.3" else {"include_deferred": True}
    connection: dict[str, Any] = {
        "conn_id": "c",
        "conn_type": "x",
        "password": "canary-p",
        "extra": '{"a": "b"}',
        "port": 1,
    }
    pool: dict[str, Any] = {"name": "p", "slots": -1, "description": None, **deferred}
    async with target(version) as (_, side):
        for kind, row in ((VARIABLES, NEW), (CONNECTIONS, connection), (POOLS, pool)):
            for _ in range(2):
                assert await Acting(side, notes).create(kind, row) is None
            stands = (await side.read(kind))[row[kind.key]]
            assert {field: stands[field] for field in row} == row


@VERSIONS
async def test_a_refusal(version: str, notes: Replacements) -> None:
    """The reason is the server's if it has one; one that never says why is asked three times and then taken at it."""
    async with target(version) as (emulator, side):
        reason = await Acting(side, notes).create(VARIABLES, NEW | {"key": "k" * 251})
        silent = version == "2.4.3"
        assert len(emulator.asked("POST", TABLE)) == (3 if silent else 1)
        said = "it is not there after 3 attempts" if silent else "HTTP 400: a text is too long for its column"
        assert str(reason).startswith(said)
        assert "canary" not in str(reason)


@VERSIONS
@pytest.mark.parametrize("fault", [Answer(400), Answer(500, "x", "text/html"), Reset()])
async def test_put_back(version: str, notes: Replacements, fault: Answer | Reset) -> None:
    """When the new one cannot be made, however that shows, the old one stands again as it was."""
    async with target(version) as (emulator, side):
        emulator.configuration.variables["v"] = dict(OLD)
        emulator.faults.rules.append(Rule(fault, "POST", TABLE, times=1 if fault == Answer(400) else 3))
        reason = await Acting(side, notes).replace(VARIABLES, OLD, NEW)
        assert str(reason).endswith("the old one was put back")
        assert emulator.configuration.variables == {"v": OLD}
        assert notes.under_way() == []


async def test_a_new_one_that_comes_late(notes: Replacements) -> None:
    """A write that seemed to have failed, and stands when the old one is put back, is a success."""
    async with target("2.11.2") as (emulator, side):
        emulator.configuration.variables["v"] = dict(OLD)
        emulator.faults.rules.append(Rule(Answer(400, after=True), "POST", TABLE, nth={1}))
        assert await Acting(side, notes).replace(VARIABLES, OLD, NEW) is None
        assert emulator.configuration.variables == {"v": NEW}


async def test_a_removal_that_is_refused(notes: Replacements) -> None:
    """Then nothing happens: the old one stands, and nothing is noted."""
    async with target("2.11.2") as (emulator, side):
        emulator.configuration.variables["v"] = dict(OLD)
        emulator.faults.rules.append(Rule(Answer(409), "DELETE", TABLE))
        assert await Acting(side, notes).replace(VARIABLES, OLD, NEW) is not None
        assert emulator.configuration.variables == {"v": OLD}
        assert notes.under_way() == []


async def test_cancelled_in_between(notes: Replacements) -> None:
    """A cancellation waits until the new one stands."""
    async with target("2.11.2") as (emulator, side):
        emulator.configuration.variables["v"] = dict(OLD)
        reached, released = anyio.Event(), anyio.Event()
        emulator.faults.rules.append(Rule(Stall(released), "POST", TABLE))

        async def look(exchange: Any) -> None:
            if exchange.method == "POST":
                reached.set()

        emulator.behaviour.on_request = look
        async with anyio.create_task_group() as group:
            group.start_soon(Acting(side, notes).replace, VARIABLES, OLD, NEW)
            await reached.wait()
            group.cancel_scope.cancel()
            released.set()
        assert emulator.configuration.variables == {"v": NEW}
        assert notes.under_way() == []


async def test_cancelled_for_too_long(notes: Replacements, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not for ever: where the target stays silent the note stays, and says which one it was."""
    monkeypatch.setattr(act, "GRACE_SECONDS", 0.01)
    async with target("2.11.2") as (emulator, side):
        emulator.configuration.variables["v"] = dict(OLD)
        reached = anyio.Event()
        emulator.faults.rules.append(Rule(Stall(), "POST", TABLE))

        async def look(exchange: Any) -> None:
            if exchange.method == "POST":
                reached.set()

        emulator.behaviour.on_request = look
        async with anyio.create_task_group() as group:
            group.start_soon(Acting(side, notes).replace, VARIABLES, OLD, NEW)
            await reached.wait()
            group.cancel_scope.cancel()
        assert [(one.name, one.step) for one in notes.under_way()] == [("v", Step.WRITING)]
