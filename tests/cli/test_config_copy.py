"""``transfer config copy``: the target gets what it lacks."""

import pytest

from transfer.emulator import Answer, Reset, Rule

from .calling import Command
from .deployments import Pair
from .mending import sit_down
from .objects import OBJECT_SECRETS, OLD, VALUE, connection, fill, pool, variable
from .test_config_diff import config


def tables(pair: Pair, side: str = "target") -> tuple[object, ...]:
    """Return all objects of a side."""
    found = getattr(pair, side).configuration
    return found.variables, found.connections, found.pools


def test_everything_arrives(transfer: Command, pair: Pair) -> None:
    """After a copy both sides have the same objects, in every field; another copy finds nothing to do."""
    fill(pair)
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 0, said.err
    assert tables(pair) == tables(pair, "source")
    assert "written: 1 connections" in said.out
    assert not [secret for secret in OBJECT_SECRETS if secret in said.out + said.err]
    assert transfer("config", "copy", "--yes", "--json", *config(pair)).result["written"] == {}
    assert len(pair.target.asked("POST", "variables")) == 1


def test_a_dry_run(transfer: Command, pair: Pair) -> None:
    """It shows what lacks, writes nothing and leaves no state."""
    fill(pair)
    said = transfer("config", "copy", "--dry-run", *config(pair))
    assert (said.code, "  + v" in said.out) == (0, True)
    assert not [one for one in pair.target.requests if one.method != "GET" and one.route != "login"]
    assert not pair.state_dir.exists()


def test_nobody_to_ask(transfer: Command, pair: Pair) -> None:
    """Without a terminal it wants --yes."""
    fill(pair)
    said = transfer("config", "copy", *config(pair))
    assert (said.code, "add --yes" in said.err) == (2, True)
    assert not pair.target.configuration.variables


@pytest.mark.parametrize(("typed", "code", "there"), [("y\n", 0, 1), ("\n", 3, 0)])
def test_the_question(
    transfer: Command, pair: Pair, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, there: int
) -> None:
    """Somebody at a terminal is asked with the counts, and only a yes is one."""
    fill(pair)
    sit_down(monkeypatch, typed)
    said = transfer("config", "copy", *config(pair))
    assert said.code == code
    assert "Write 1 variable, 1 connection, 1 pool? [y/N]" in said.err
    assert len(pair.target.configuration.variables) == there


def test_conflicts_are_left(transfer: Command, pair: Pair) -> None:
    """What the target has otherwise stays as it is, and is reported with exit code 3."""
    fill(pair)
    variable(pair.target, val=OLD)
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 3
    assert pair.target.configuration.variables["v"]["val"] == OLD
    assert "left: variable v: the target has another one; --on-conflict replace" in said.out
    assert "c" in pair.target.configuration.connections


def test_conflicts_that_fail(transfer: Command, pair: Pair) -> None:
    """With fail nothing at all is written when anything conflicts."""
    fill(pair)
    variable(pair.target, val=OLD)
    said = transfer("config", "copy", "--yes", "--on-conflict", "fail", *config(pair))
    assert (said.code, "variable v" in said.err) == (1, True)
    assert not pair.target.configuration.connections


@pytest.mark.parametrize("policy", ["skip", "replace"])
def test_pools_are_never_removed(transfer: Command, pair: Pair, policy: str) -> None:
    """A pool that differs stays whatever the policy is, and the command that changes it is shown."""
    pool(pair.source, "my pool", 5, description="it's", include_deferred=True)
    pool(pair.target, "my pool", 9)
    said = transfer("config", "copy", "--yes", "--on-conflict", policy, *config(pair))
    assert said.code == 3
    assert """airflow pools set 'my pool' 5 'it'"'"'s' --include-deferred""" in said.out
    assert pair.target.configuration.pools["my pool"]["slots"] == 9
    assert not pair.target.asked("DELETE", "pools")


def test_what_the_target_would_not_take(transfer: Command, pair: Pair) -> None:
    """It is refused with the reason before anything is sent."""
    connection(pair.source, "with space")
    connection(pair.source, "no type", conn_type=None)
    variable(pair.source, "lost")
    pair.source.configuration.undecryptable.add("lost")
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 3
    assert "left: connection with space: Airflow 2.11 takes no such conn_id" in said.out
    assert "left: connection no type: it has no conn_type" in said.out
    assert "left: variable lost: its value cannot be read at the source" in said.out
    assert not [one for one in pair.target.requests if one.method == "POST" and one.route != "login"]


def test_what_the_server_refuses(transfer: Command, pair: Pair) -> None:
    """What only the server knows is reported in our own words, and everything else is written."""
    fill(pair)
    variable(pair.source, "k" * 251)
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 3
    assert f"left: variable {'k' * 251}: HTTP 400: a text is too long for its column" in said.out
    assert pair.target.configuration.variables.keys() == {"v"}


@pytest.mark.parametrize("fault", [Reset(after=True), Answer(500, "oops", "text/html", after=True), Answer(502)])
def test_a_lost_answer(transfer: Command, pair: Pair, fault: Answer | Reset) -> None:
    """The target is asked what it has: nothing is reported that stands, nothing is missing."""
    fill(pair)
    pair.target.faults.rules.append(Rule(fault, "POST", None, nth={3, 4}))  # 1 and 2 are logins
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 0, said.out
    assert tables(pair) == tables(pair, "source")


def test_somebody_else_was_faster(transfer: Command, pair: Pair) -> None:
    """A variable that somebody makes meanwhile stays as it is."""
    variable(pair.source)

    def made(_exchange: object) -> None:
        pair.target.behaviour.on_done = None
        variable(pair.target, val=OLD)

    gate = iter(range(10))
    pair.target.behaviour.on_done = lambda one: (
        made(one) if one.route == "variables" and one.method == "GET" and next(gate) == 1 else None
    )
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 3
    assert "somebody has made another one there meanwhile" in said.out
    assert pair.target.configuration.variables["v"]["val"] == OLD


def test_what_is_gone_again(transfer: Command, pair: Pair) -> None:
    """What was written and is not there at the end (a removal came late) is written once more."""
    variable(pair.source)
    posted = pair.target.asked

    def take_away(exchange: object) -> None:
        if len(posted("POST", "variables")) == 1 and getattr(exchange, "method", "") == "POST":
            pair.target.configuration.variables.clear()

    pair.target.behaviour.on_done = take_away
    assert transfer("config", "copy", "--yes", *config(pair)).code == 0
    assert pair.target.configuration.variables["v"]["val"] == VALUE


def test_the_stop_file(transfer: Command, pair: Pair) -> None:
    """While it is there nothing is begun."""
    fill(pair)
    pair.state_dir.mkdir()
    (pair.state_dir / "stop").touch()
    assert transfer("config", "copy", "--yes", *config(pair)).code == 4
