"""Which kinds of auth a real Airflow 2.11 takes, how often it is logged in to, and what the errors advise."""

import json
from dataclasses import dataclass

import anyio
import anyio.to_thread
import pytest

from tests.client.serving import StoppedTime
from transfer.client.gate import Gate
from transfer.client.session_login import RATE_LIMIT_SECONDS
from transfer.client.stack import stacked
from transfer.client.wire import open_wire
from transfer.config.settings import Limits, Retry
from transfer.errors import AuthError, ForbiddenError, NotStarshipError
from transfer.kinds import DAG_RUNS
from transfer.model import Batch, ServerInfo

from .client import PASSWORD, ask_at_once, client, endpoint
from .environment import WebOptions
from .faults import held, wait_for_blocked
from .rig import Connection, Rig, Side
from .users import User

VERSIONS = ServerInfo("2.11.2", "2.10.1")


@pytest.fixture
def admin(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> User:
    """An administrator of the source, whose password is in the environment."""
    monkeypatch.setenv(PASSWORD, rig.source.admin.password)
    return rig.source.admin


def attempts(conn: Connection, user: User) -> tuple[int, int]:
    """Return how often a user has logged in, and with how many wrong passwords since then, by Airflow's own count."""
    query = "SELECT coalesce(login_count, 0), coalesce(fail_login_count, 0) FROM ab_user WHERE username = %s"
    good, bad = conn.execute(query, [user.name]).fetchone() or (0, 0)
    return int(good), int(bad)


async def test_one_login_serves_all_requests(rig: Rig, source: Connection, admin: User) -> None:
    """Requests that start at the same time wait for a single login and then share its session."""
    before, _ = attempts(source, admin)
    async with client(rig.source.url, "session", admin) as side:
        await ask_at_once(side)
        assert await side.info() == VERSIONS
    assert attempts(source, admin) == (before + 1, 0)


async def test_a_session_that_ends_is_renewed_unnoticed(rig: Rig, source: Connection, admin: User) -> None:
    """When every login is over in mid-run, reads and writes go on after one more login each time."""
    before, _ = attempts(source, admin)
    async with client(rig.source.url, "session", admin) as side:
        await side.info()
        assert rig.source.expire_sessions() > 0
        await ask_at_once(side)
        assert attempts(source, admin) == (before + 2, 0)
        rig.source.expire_sessions()
        await side.probe_write(1_024)
    assert attempts(source, admin) == (before + 3, 0)


async def test_an_insert_under_way_outlives_its_session(rig: Rig, source: Connection, admin: User) -> None:
    """It ends well while another request logs in again, and its late answer costs no further login."""
    before, _ = attempts(source, admin)
    run = {"dag_id": "a", "run_id": "r", "run_type": "manual", "execution_date": "2026-01-01 00:00:00+00:00"}
    batch = Batch(DAG_RUNS, "a", [run], json.dumps({"dag_runs": [run]}).encode(), "key")
    async with client(rig.source.url, "session", admin) as side:
        await side.info()
        async with anyio.create_task_group() as group:
            with held(rig.source, "dag_run"):
                group.start_soon(side.insert, batch)
                await anyio.to_thread.run_sync(wait_for_blocked, rig.source)
                rig.source.expire_sessions()
                await side.info()
        await ask_at_once(side)
    assert attempts(source, admin) == (before + 2, 0)


async def test_a_wrong_password_is_tried_once(
    rig: Rig, source: Connection, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to check, and no later request tries the same password again."""
    monkeypatch.setenv(PASSWORD, "not-the-password")
    _, before = attempts(source, admin)
    async with client(rig.source.url, "session", admin) as side:
        for _ in range(2):
            with pytest.raises(AuthError, match="the login was refused") as caught:
                await side.info()
    assert caught.value.hint == 'check username ("admin") and password'
    assert attempts(source, admin)[1] == before + 1


async def test_a_viewer_is_told_which_right_is_missing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone who can log in but may not use Starship is no stranger, for reads and for writes."""
    monkeypatch.setenv(PASSWORD, rig.source.viewer.password)
    async with client(rig.source.url, "session", rig.source.viewer) as side:
        for asked in (side.info, lambda: side.probe_write(1_024)):
            with pytest.raises(ForbiddenError) as caught:
                await asked()
            assert '"can read on Configurations": give it the role Op or Admin' in caught.value.hint


@pytest.mark.parametrize("kind", ["basic", "bearer", "api_key", "none"])
async def test_nothing_but_a_session_is_taken(rig: Rig, admin: User, kind: str) -> None:
    """Starship on Airflow 2 answers any header with its login form, and the hint names the kind that works."""
    async with client(rig.source.url, kind, admin if kind == "basic" else None) as side:
        with pytest.raises(AuthError, match="redirects to /login/") as caught:
            await side.info()
    assert "auth kind session" in caught.value.hint


async def test_the_login_of_airflow_3_is_not_there(rig: Rig, admin: User) -> None:
    """Who takes an Airflow 2 for an Airflow 3 is told so."""
    async with client(rig.source.url, "airflow3", admin) as side:
        with pytest.raises(NotStarshipError, match="login: HTTP 404") as caught:
            await side.info()
    assert "for Airflow 2 use auth kind session" in caught.value.hint


@dataclass
class NewWorker(StoppedTime):
    """A clock whose sleep ends when the server has a new worker, which has not counted any login yet."""

    server: Side | None = None

    async def sleep(self, seconds: float) -> None:
        """Implement the sleep: the worker's count of logins would be forgotten after this time."""
        await super().sleep(seconds)
        assert self.server is not None
        (old,) = self.server.webserver.workers()
        self.server.webserver.kill_worker(old)
        workers = self.server.webserver.workers
        self.server.webserver.service.wait_until(lambda: bool(set(workers()) - {old}), deadline=30)


async def test_the_limit_on_logins_is_waited_for(rig: Rig, admin: User) -> None:
    """A sixth login within 40 seconds is answered 429 without a Retry-After; it is repeated after that time."""
    with rig.serve(rig.source, WebOptions(workers=1)) as server:
        for _ in range(5):
            server.log_in()
        settings, time = endpoint(server.url, "session", admin), NewWorker(server=server)
        async with open_wire("target", settings, Limits()) as wire:
            assert await stacked(wire, settings, Gate(Retry(), time.time())).info() == VERSIONS
    assert time.slept == [RATE_LIMIT_SECONDS]
