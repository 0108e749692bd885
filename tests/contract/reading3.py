"""How an Airflow 3 is read: as an Airflow 2 by pages, order and ties, but in other JSON."""

import json

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import DAG_RUNS, KINDS, Kind

from .paging import PagingContract
from .releases import releases
from .server import Caller, Said, one_of_each

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def is_crash(said: Said, exception: str, words: str) -> None:
    """Assert that ``said`` is a 500 in JSON that names the exception and begins with ``words``."""
    assert (said.status, said.json()["error"]) == (500, "Unknown Error")
    assert said.json()["error_type"] == f"<class '{exception}'>"
    assert said.json()["error_message"].startswith(words)


def is_unforeseen(said: Said) -> None:
    """Assert that ``said`` is the plain text of an exception that nobody caught."""
    assert (said.status, said.kind, said.body) == (500, "text/plain", b"Internal Server Error")


@releases(since=MODERN)
class ModernReadingContract(PagingContract):
    """Tests of GET on Airflow 3."""

    async def test_info_names_both_versions(self, admin: Caller) -> None:
        """GET info is JSON with the two versions, without spaces."""
        wanted = f'{{"airflow_version":"{admin.make.version}","starship_version":"2.10.1"}}'
        assert (await admin.get("info")).body == wanted.encode()

    @_KINDS
    async def test_unknown_dag_is_an_empty_page(self, admin: Caller, kind: Kind) -> None:
        """A DAG that nobody knows has no rows and count 0."""
        said = await admin.get(kind.route, dag_id="nope", limit=3)
        assert said.body == f'{{"{kind.envelope}":[],"dag_run_count":0}}'.encode()

    @_KINDS
    async def test_missing_dag_id(self, admin: Caller, kind: Kind) -> None:
        """Without dag_id the answer is a crash in plain text."""
        is_unforeseen(await admin.get(kind.route))

    @_KINDS
    @pytest.mark.parametrize(
        ("limit", "exception"),
        [
            ("-1", "sqlalchemy.exc.DataError"),
            (str(2**63), "sqlalchemy.exc.DataError"),
            ("abc", "ValueError"),
            ("", "ValueError"),
            ("1.5", "ValueError"),
        ],
    )
    async def test_bad_limit(self, admin: Caller, kind: Kind, limit: str, exception: str) -> None:
        """A limit that is no whole number from 0 to 2^63-1 is an unknown error."""
        await one_of_each(admin)
        said = await admin.get(kind.route, dag_id="d", limit=limit)
        is_crash(said, exception, "")
        assert json.loads(said.json()["kwargs"]) == {"dag_id": "d", "limit": limit}

    @_KINDS
    async def test_keys_come_in_the_order_of_the_table(self, admin: Caller, kind: Kind) -> None:
        """Rows show the columns in one fixed order, other letters as they are, no spaces."""
        await one_of_each(admin, "é")
        said = await admin.get(kind.route, dag_id="é")
        assert tuple(said.json()[kind.envelope][0]) == tuple(admin.make.columns(kind))
        assert said.body == json.dumps(said.json(), ensure_ascii=False, separators=(",", ":")).encode()

    async def test_rows_read_back_but_for_what_the_server_drops(self, admin: Caller) -> None:
        """A GET shows what was posted, but for ids and versions of the source's own database."""
        dropped = {"id", "backfill_id", "created_dag_version_id", "dag_version_id", "log_template_id"}
        run, task, earlier = await one_of_each(admin)
        found = (await admin.rows(DAG_RUNS))[0]
        assert isinstance(found["id"], int)
        assert found | {"id": 0} == run | dict.fromkeys(dropped & run.keys()) | {"id": 0}
        for kind, row in zip(KINDS[1:], (task, earlier), strict=True):
            assert await admin.rows(kind) == [row | {"dag_version_id": None}]

    async def test_a_connection_is_kept(self, admin: Caller) -> None:
        """A good answer does not close its connection."""
        assert "Connection" not in (await admin.get("info")).headers
