"""What ``transfer check`` finds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from transfer.client.stack import open_side
from transfer.client.starship import Starship
from transfer.config.secret import Secret
from transfer.config.settings import Auth, Limits, NoAuth, Selection, SessionAuth
from transfer.emulator import Answer, Behaviour, Emulator, Faults, LoginForm, Rule, TableHistory
from transfer.emulator.rows import dag_row
from transfer.engine.check import Finding, Level, check_dags, check_side, check_writing

from .tables import empty_like, history
from .worlds import RETRY, behaviour, endpoint, small

NOBODY = NoAuth(kind="none")


@pytest.fixture(autouse=True)
def _passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a password for everybody who logs in here into the environment."""
    for user in ("admin", "viewer", "wrong"):
        monkeypatch.setenv(f"PASSWORD_{user.upper()}", user)


def login(username: str, password: str) -> SessionAuth:
    """Return how ``username`` logs in; passwords are named after those whose they are."""
    return SessionAuth(kind="session", username=username, password=Secret(env=f"PASSWORD_{password.upper()}"))


@asynccontextmanager
async def opened(server: Behaviour, auth: Auth = NOBODY, table: TableHistory | None = None) -> AsyncIterator[Starship]:
    """Start a deployment and open it as ``auth``."""
    async with (
        Emulator(table or history(1), server) as emulator,
        open_side("target", endpoint(emulator.url, auth), RETRY, Limits()) as side,
    ):
        yield side


async def findings(found: AsyncIterator[Finding]) -> list[tuple[Level, str]]:
    """Return levels and texts."""
    return [(finding.level, finding.text) async for finding in found]


async def side_findings(server: Behaviour, auth: Auth) -> list[tuple[Level, str]]:
    """Return what is found about a deployment that is opened as ``auth``."""
    async with Emulator(history(1), server) as emulator:
        one, other = endpoint(emulator.url, auth), endpoint(emulator.url, NOBODY)
        async with open_side("source", one, RETRY, Limits()) as side:
            stranger = open_side("source", other, RETRY, Limits())
            return await findings(check_side("source", side, stranger))


async def test_a_good_side() -> None:
    """A deployment that lets us in and nobody else is good."""
    found = await side_findings(Behaviour(door=LoginForm()), login("admin", "admin"))
    assert [level for level, _ in found] == [Level.GOOD, Level.GOOD]
    assert found[0][1] == "reachable: Airflow 2.11.2, Starship 2.10.1, logged in"


async def test_an_open_door_is_a_warning() -> None:
    """A deployment that answers anybody is warned of."""
    found = await side_findings(behaviour(), NOBODY)
    assert found[1] == (Level.WARNING, "answers anybody, without credentials")


@pytest.mark.parametrize(("user", "password"), [("viewer", "viewer"), ("admin", "wrong"), ("nobody", "admin")])
async def test_a_bad_login_is_a_failure(user: str, password: str) -> None:
    """Wrong credentials and a role that may not are failures, and the last finding."""
    found = await side_findings(Behaviour(door=LoginForm()), login(user, password))
    assert [level for level, _ in found] == [Level.FAILURE]


async def test_something_else_than_starship_is_a_failure() -> None:
    """A server without the plugin is named as such."""
    found = await side_findings(behaviour(faults=Faults([Rule(Answer(404), route="info")])), NOBODY)
    assert [level for level, _ in found] == [Level.FAILURE]


async def test_a_stranger_who_cannot_be_tried_is_a_warning() -> None:
    """When the request without credentials fails otherwise, that is said."""
    faults = Faults([Rule(Answer(500), route="info", nth=range(2, 100))])
    found = await side_findings(behaviour(faults=faults), NOBODY)
    assert found[1][0] is Level.WARNING
    assert found[1][1].startswith("could not try without credentials")


async def test_a_good_target_takes_bodies_of_the_wanted_size() -> None:
    """Writing is tried with a body as large as batches will be; nothing is stored."""
    table = history(1)
    before = table.snapshot()
    async with opened(behaviour(), table=table) as side:
        found = await findings(check_writing(side, Limits()))
    assert found == [(Level.GOOD, "lets us write"), (Level.GOOD, "takes bodies of 983040 bytes")]
    assert table.snapshot() == before


async def test_a_small_ceiling_is_a_warning() -> None:
    """A proxy with a smaller limit is found, with a size that really went through."""
    async with opened(small(300_000)) as side:
        found = await findings(check_writing(side, Limits()))
    assert found[1] == (Level.WARNING, "takes no bodies of 983040 bytes; 245760 bytes went through")


async def test_a_tiny_ceiling_is_told() -> None:
    """A size is only said to go through when it was tried."""
    async with opened(small(9_000)) as side:
        found = await findings(check_writing(side, Limits()))
    assert found[1] == (Level.WARNING, "takes no bodies of 983040 bytes; 7680 bytes went through")


@pytest.mark.parametrize("most", [1_024, 8_192, 16_384, 20_000])
async def test_a_small_batch_is_tried(most: int) -> None:
    """With small batches configured a body of at least that size is tried."""
    async with opened(small(1_000_000)) as side:
        found = await findings(check_writing(side, Limits(batch_bytes=most)))
    assert [level for level, _ in found] == [Level.GOOD, Level.GOOD]


async def test_a_target_that_forbids_writing_is_a_failure() -> None:
    """A write that is refused ends the check of writing."""
    async with opened(behaviour(faults=Faults([Rule(Answer(403), method="POST")]))) as side:
        found = await findings(check_writing(side, Limits()))
    assert [level for level, _ in found] == [Level.FAILURE]


async def dag_findings(source: TableHistory, target: TableHistory, **selection: object) -> list[tuple[Level, str]]:
    """Return what is found about the DAGs of two deployments."""
    async with opened(behaviour(), table=source) as one, opened(behaviour(), table=target) as other:
        return await findings(check_dags(one, other, Selection(**selection)))  # type: ignore[arg-type]  # drawn by the test


async def test_good_dags() -> None:
    """Paused DAGs without history on the target are good."""
    source = history(3, dags=("a", "b"))
    assert await dag_findings(source, empty_like(source)) == [(Level.GOOD, "2 DAGs with 6 runs to move")]


async def test_missing_dags_are_a_warning() -> None:
    """DAGs that the target lacks are counted and the first of them named."""
    source = history(1, dags=[f"d{number:02}" for number in range(23)])
    found = await dag_findings(source, TableHistory([dag_row("d00")]))
    named = ", ".join(f"d{number:02}" for number in range(1, 21))
    text = f"22 selected DAGs are left out: {named} and 2 more"
    assert found == [(Level.GOOD, "1 DAGs with 1 runs to move"), (Level.WARNING, text)]


async def test_dags_that_are_not_paused_are_a_warning() -> None:
    """A scheduler on the target that makes rival runs is warned of."""
    found = await dag_findings(history(1), TableHistory([dag_row("etl", is_paused=False)]))
    assert found[1] == (Level.WARNING, "1 DAGs to move are not paused: etl")


async def test_history_on_the_target_is_noted() -> None:
    """DAGs that have runs already are noted, if they are selected."""
    source = history(2, dags=("a", "b"))
    found = await dag_findings(source, TableHistory.copy_of(source), dags=("a",))
    assert found == [(Level.GOOD, "1 DAGs with 2 runs to move"), (Level.NOTE, "1 selected DAGs already have runs: a")]


async def test_nothing_to_move_is_a_failure() -> None:
    """An empty selection is a failure."""
    found = await dag_findings(history(1), history(1), dags=("x*",))
    assert [level for level, _ in found] == [Level.FAILURE]
