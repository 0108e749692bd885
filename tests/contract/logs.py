"""Task logs, where Starship keeps them: one route that reads, writes and removes."""

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from transfer.emulator.columns import MODERN

from .releases import releases
from .server import Caller, Contract, Said

_CUTS_SINCE = (2, 11)
_PLAIN = {"Content-Type": "application/octet-stream"}
_LIMIT = 1_048_576
_ODD = ["a+b", "x:y", "100%", "ünï cødé", "a&b=c", "a#b", "q?x=1", "%41", "a;b", "back\\slash"]


async def log(
    caller: Caller, method: str, body: Any = None, headers: dict[str, str] | None = None, **name: Any
) -> Said:
    """Ask for a log, store one or remove one."""
    of = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1} | name
    return await caller.ask(method, "/api/starship/task_log", body=body, headers=headers, **of)


async def store(caller: Caller, content: Any, **name: Any) -> Said:
    """Store a log as this program does."""
    return await log(caller, "POST", content, _PLAIN, **{"block_size": 1_024} | name)


async def chunks(count: int, size: int = 65_536) -> AsyncIterator[bytes]:
    """Yield a body of no known length."""
    for _ in range(count):
        yield b"x" * size


@releases(since=(2, 8), before=MODERN)
class LogsContract(Contract):
    """Tests of ``/api/starship/task_log``."""

    async def test_a_log_is_served_as_it_was_stored(self, admin: Caller) -> None:
        """In chunks, as plain text, whatever its bytes are; the second one replaces the first."""
        for content in (bytes(range(256)) * 40, b"shorter", b""):
            said = await store(admin, content)
            assert (said.status, said.body) == (204, b"")
            said = await log(admin, "GET")
            assert (said.status, said.kind, said.body) == (200, "text/plain", content)
            assert said.headers.get("Transfer-Encoding") == "chunked"
            assert "Content-Length" not in said.headers

    async def test_a_log_that_there_is_not(self, admin: Caller) -> None:
        """A 404 in JSON that says so; removing it is the same."""
        for method in ("GET", "DELETE"):
            said = await log(admin, method, run_id="nobody")
            assert said.status == 404
            assert said.json()["error"].startswith("Task log at ")

    async def test_a_removed_log_is_gone(self, admin: Caller) -> None:
        """DELETE is 204 with an empty body."""
        await store(admin, b"x", run_id="removed")
        said = await log(admin, "DELETE", run_id="removed")
        assert (said.status, said.body) == (204, b"")
        assert (await log(admin, "GET", run_id="removed")).status == 404

    async def test_mapped_tasks_and_tries_have_their_own(self, admin: Caller) -> None:
        """Map index and number of the try tell logs apart."""
        names: list[dict[str, Any]] = [
            {"map_index": index, "try_number": number} for index in (-1, 0, 1) for number in (1, 2)
        ]
        for name in names:
            await store(admin, str(name).encode(), **name)
        assert [(await log(admin, "GET", **name)).body for name in names] == [str(name).encode() for name in names]

    @pytest.mark.parametrize("run_id", _ODD)
    async def test_odd_names_are_told_apart(self, admin: Caller, run_id: str) -> None:
        """Whatever letters mean in an address, they arrive as they are."""
        await store(admin, run_id.encode(), run_id=run_id)
        assert (await log(admin, "GET", run_id=run_id)).body == run_id.encode()

    async def test_slashes_are_folders_that_can_be_left(self, admin: Caller) -> None:
        """Nobody looks at ids: two dots climb, and two slashes are one."""
        await store(admin, b"inside", run_id="a/b")
        assert (await log(admin, "GET", run_id="a//b")).body == b"inside"
        assert (await log(admin, "GET", run_id="x/../a/b")).status in (200, 404)  # whether there is such a folder
        await store(admin, b"elsewhere", run_id="y/z")
        assert (await log(admin, "GET", run_id="y/../run_id=a/b")).body == b"inside"

    async def test_a_parameter_that_lacks(self, admin: Caller) -> None:
        """It is a 400 in JSON."""
        said = await admin.ask("GET", "/api/starship/task_log", dag_id="d")
        assert said.status == 400
        assert "Missing required key" in said.json()["error"]

    async def test_no_block_size_stores_nothing(self, admin: Caller) -> None:
        """With a size of 0 the log is there, and empty."""
        assert (await store(admin, b"hello", run_id="empty", block_size=0)).status == 204
        assert (await log(admin, "GET", run_id="empty")).body == b""

    async def test_a_form_stores_nothing(self, admin: Caller) -> None:
        """Whatever is parsed before is not there any more to be stored."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        await log(admin, "POST", b"hello", headers, run_id="form", block_size=1_024)
        assert (await log(admin, "GET", run_id="form")).body == b""

    @pytest.mark.parametrize("size", [900_000, 983_040, 1_047_552])
    async def test_almost_one_mib_is_taken(self, admin: Caller, size: int) -> None:
        """If the last piece that is read for still fits in."""
        assert (await store(admin, b"x" * size)).status == 204
        assert len((await log(admin, "GET")).body) == size

    async def test_more_than_one_mib_with_its_length_is_refused(self, admin: Caller) -> None:
        """And what was there is left alone."""
        await store(admin, b"before", run_id="kept")
        assert (await store(admin, io.BytesIO(b"x" * (_LIMIT + 1)), run_id="kept")).status == 413
        assert (await log(admin, "GET", run_id="kept")).body == b"before"

    @releases(before=_CUTS_SINCE)
    async def test_chunks_know_no_limit(self, admin: Caller) -> None:
        """Before 2.11 a body of no known length may be of any."""
        assert (await store(admin, chunks(40), block_size=65_536)).status == 204
        assert len((await log(admin, "GET")).body) == 40 * 65_536

    @releases(since=_CUTS_SINCE)
    async def test_chunks_are_cut(self, admin: Caller) -> None:
        """From 2.11 on the first MiB is stored, and the answer is a 500."""
        assert (await store(admin, chunks(40), block_size=65_536)).status == 500
        assert len((await log(admin, "GET")).body) == _LIMIT

    @releases(since=_CUTS_SINCE)
    async def test_a_block_that_does_not_fit_is_an_error_afterwards(self, admin: Caller) -> None:
        """The log is there all the same."""
        said = await store(admin, b"hello", block_size=_LIMIT)
        assert said.status == 500
        assert "size must be an integral type" in said.json()["error_message"]
        assert (await log(admin, "GET")).body == b"hello"

    async def test_a_broken_upload_leaves_a_part(self, admin: Caller) -> None:
        """What was there before is gone, and nothing says that what is there now is not all."""
        await store(admin, b"before", run_id="part")
        with pytest.raises(aiohttp.ClientError):
            await store(admin, _broken(), run_id="part", block_size=65_536)
        found = b"before"
        for _ in range(100):
            found = (await log(admin, "GET", run_id="part")).body
            if found != b"before" and len(found) >= 65_536:
                break
        assert found == b"x" * len(found)
        assert 0 < len(found) <= 3 * 65_536


async def _broken() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x" * 65_536
    raise ConnectionAbortedError
