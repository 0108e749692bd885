"""How an Airflow 2 is read: its JSON, and bad parameters."""

import json

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import KINDS, TASK_INSTANCE_HISTORY, Kind

from .paging import PagingContract
from .releases import releases
from .server import ECHOES_BYTES, KEEPS_TRIES, Caller, one_of_each

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@releases(before=MODERN)
class ReadingContract(PagingContract):
    """Tests of GET."""

    async def test_info_names_both_versions(self, admin: Caller) -> None:
        """GET info is JSON with the two versions."""
        wanted = f'{{"airflow_version": "{admin.make.version}", "starship_version": "2.10.1"}}'
        assert (await admin.get("info")).body == wanted.encode()

    @_KINDS
    async def test_unknown_dag_is_an_empty_page(self, admin: Caller, kind: Kind) -> None:
        """A DAG that nobody knows has no rows and count 0."""
        said = await admin.get(kind.route, dag_id="nope", limit=3)
        assert said.body == f'{{"dag_run_count": 0, "{kind.envelope}": []}}'.encode()

    @releases(since=ECHOES_BYTES)
    @_KINDS
    async def test_missing_dag_id(self, admin: Caller, kind: Kind) -> None:
        """Without dag_id the answer is 400."""
        said = await admin.get(kind.route)
        assert (said.status, said.body) == (400, b'{"error": "RuntimeError(\'Missing required key: dag_id\')"}')

    @releases(since=ECHOES_BYTES)
    @_KINDS
    @pytest.mark.parametrize("limit", ["-1", "abc", "", "1.5", str(2**63)])
    async def test_bad_limit(self, admin: Caller, kind: Kind, limit: str) -> None:
        """A limit that is no whole number from 0 to 2^63-1 is an unknown error, but where there are no tries at all."""
        await one_of_each(admin)
        if kind is TASK_INSTANCE_HISTORY and admin.release < KEEPS_TRIES:
            assert len(await admin.rows(kind, limit=limit)) == 0
            return
        said = await admin.get(kind.route, dag_id="d", limit=limit)
        assert (said.status, said.json()["error"]) == (500, "Unknown Error")
        assert json.loads(said.json()["kwargs"]) == {"dag_id": "d", "limit": limit}

    @releases(since=ECHOES_BYTES)
    @pytest.mark.parametrize("offset", ["-1", "x"])
    async def test_bad_offset(self, admin: Caller, offset: str) -> None:
        """A negative offset, and one that is no number, are unknown errors."""
        await one_of_each(admin)
        said = await admin.get("dag_runs", dag_id="d", offset=offset)
        assert (said.status, said.json()["error"]) == (500, "Unknown Error")

    async def test_rows_read_back_as_they_were_sent(self, admin: Caller) -> None:
        """A GET shows exactly the columns and values of complete rows that were posted."""
        for kind, row in zip(KINDS, await one_of_each(admin), strict=True):
            kept = kind is not TASK_INSTANCE_HISTORY or admin.release >= KEEPS_TRIES
            assert await admin.rows(kind) == ([row] if kept else [])

    @_KINDS
    async def test_json_is_written_as_flask_does(self, admin: Caller, kind: Kind) -> None:
        """Keys are sorted, separators have spaces, other letters are escaped, no newline ends the body."""
        await one_of_each(admin)
        said = await admin.get(kind.route, dag_id="d")
        assert said.body == json.dumps(said.json(), sort_keys=True).encode()
        assert list(said.json()) == sorted(said.json())
