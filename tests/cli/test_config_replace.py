"""``transfer config copy --on-conflict replace``: the target has one of the two, or a note says that it has none."""

import json
import signal
from pathlib import Path

import pytest

from transfer.checkpoint.replacements import NOTES, Step, hold_replacements
from transfer.emulator import Answer, Reset, Rule
from transfer.emulator.server import Exchange

from .calling import Command, ended, process
from .deployments import Pair
from .objects import OBJECT_SECRETS, OLD, PASSWORD, VALUE, connection, variable
from .test_config_diff import config

REPLACE = ("config", "copy", "--on-conflict", "replace", "--yes")


@pytest.fixture
def pair(pair: Pair) -> Pair:
    """Both sides have a variable and a connection, with other values."""
    variable(pair.source)
    connection(pair.source)
    variable(pair.target, val=OLD)
    connection(pair.target, password=OLD, login="l", extra=None)
    return pair


def values(pair: Pair) -> tuple[str | None, str | None]:
    """Return the values that the target has: of the variable, and the connection's password."""
    found = pair.target.configuration
    of_variable, of_connection = found.variables.get("v", {}), found.connections.get("c", {})
    return of_variable.get("val"), of_connection.get("password")


def noted(folder: Path) -> list[tuple[str, str, str]]:
    """Return what is noted in the state directory: kind, name, step."""
    path = folder / "state" / NOTES
    text = path.read_text(encoding="utf-8") if path.exists() else '{"replacing": []}'
    assert not [secret for secret in OBJECT_SECRETS if secret in text]
    return [(one["kind"], one["name"], one["step"]) for one in json.loads(text)["replacing"]]


def test_what_differs_is_replaced(transfer: Command, pair: Pair) -> None:
    """The target has the source's values then, nothing remains noted, and only these two were removed."""
    variable(pair.target, "own", OLD)
    said = transfer(*REPLACE, *config(pair))
    assert said.code == 0, said.out
    assert values(pair) == (VALUE, PASSWORD)
    assert noted(pair.folder) == []
    assert {one.params.get("key") for one in pair.target.asked("DELETE", "variables")} == {"v"}
    assert not [secret for secret in OBJECT_SECRETS if secret in said.out + said.err]


def test_the_note_stands_before_anything_is_removed(transfer: Command, pair: Pair) -> None:
    """When the removal comes the note is on the disk already, and when the new value comes it says so."""
    seen: list[tuple[str, list[tuple[str, str, str]]]] = []

    async def look(exchange: Exchange) -> None:
        if exchange.route == "variables" and exchange.method != "GET":
            seen.append((exchange.method, noted(pair.folder)))

    pair.target.behaviour.on_request = look
    assert transfer(*REPLACE, "--kind", "variables", *config(pair)).code == 0
    assert seen == [("DELETE", [("variables", "v", "removing")]), ("POST", [("variables", "v", "writing")])]


def test_the_old_one_is_put_back(transfer: Command, pair: Pair) -> None:
    """When the new one is refused the old one stands again as it was, and that is said."""
    pair.target.faults.rules.append(Rule(Answer(400), "POST", "variables", nth={1}))
    said = transfer(*REPLACE, *config(pair))
    assert said.code == 3
    assert values(pair) == (OLD, PASSWORD)
    assert "the old one was put back" in said.out
    assert noted(pair.folder) == []


def test_neither_can_be_written(transfer: Command, pair: Pair) -> None:
    """Then the note stays, the next run says so and writes the source's value, whatever its policy is."""
    pair.target.faults.rules.append(Rule(Answer(400), "POST", "variables", times=2))
    said = transfer(*REPLACE, "--kind", "variables", *config(pair))
    assert said.code == 3
    assert "could not be put back" in said.out
    assert (values(pair)[0], noted(pair.folder)) == (None, [("variables", "v", "writing")])
    said = transfer("config", "diff", "--kind", "connections", *config(pair))
    assert "the replacement of variable v, begun at" in said.out
    assert transfer("config", "copy", "--yes", "--kind", "variables", *config(pair)).code == 0
    assert (values(pair)[0], noted(pair.folder)) == (VALUE, [])


@pytest.mark.parametrize("fault", [Reset(), Reset(after=True), Answer(500, "x", "text/html"), Answer(502, after=True)])
@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_lost_answers(transfer: Command, pair: Pair, method: str, fault: Answer | Reset) -> None:
    """Whether what got no answer was carried out or not, the new one stands in the end, once."""
    pair.target.faults.rules.append(Rule(fault, method, "connections", nth={1}))
    pair.target.faults.rules.append(Rule(fault, method, "variables", nth={1}))
    said = transfer(*REPLACE, *config(pair))
    assert said.code == 0, said.out
    assert values(pair) == (VALUE, PASSWORD)
    assert noted(pair.folder) == []


def test_the_target_dies_in_between(transfer: Command, pair: Pair) -> None:
    """A target that answers nothing any more after a removal ends the run; once it is back the next completes it."""
    dead = Rule(Answer(503), None, None)

    async def die(exchange: Exchange) -> None:
        if (exchange.method, exchange.route) == ("POST", "variables") and dead not in pair.target.faults.rules:
            pair.target.faults.rules.append(dead)

    pair.target.behaviour.on_request = die
    said = transfer(*REPLACE, "--kind", "variables", *config(pair))
    assert said.code == 1
    assert noted(pair.folder) == [("variables", "v", "writing")]
    pair.target.behaviour.on_request = None
    pair.target.faults.rules.clear()
    assert transfer("config", "copy", "--yes", *config(pair)).code == 3  # the connection is left
    assert (values(pair)[0], noted(pair.folder)) == (VALUE, [])


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_killed_in_between(transfer: Command, pair: Pair, method: str) -> None:
    """SIGKILL before the removal, or between it and the new value, leaves a note without a value; it is completed."""
    gate = pair.gate(pair.target, method, "variables")
    with process(*REPLACE, "--kind", "variables", *config(pair)) as started:
        assert gate.reached.wait(15)
        started.send_signal(signal.SIGKILL)
        ended(started)
    pair.target.behaviour.on_request = None
    step = "removing" if method == "DELETE" else "writing"
    assert noted(pair.folder) == [("variables", "v", step)]
    assert values(pair)[0] == (OLD if method == "DELETE" else None)
    said = transfer("config", "copy", "--yes", "--kind", "variables", *config(pair))
    assert said.code == 0, said.out
    assert f"was interrupted while {step}" in said.out
    assert (values(pair)[0], noted(pair.folder)) == (VALUE, [])


def test_stopped_in_between(pair: Pair) -> None:
    """After a signal a replacement that was begun is brought to its end; a second one gives it some seconds."""
    gate = pair.gate(pair.target, "POST", "variables")
    with process(*REPLACE, "--kind", "variables", *config(pair)) as started:
        assert gate.reached.wait(15)
        for _ in range(2):
            started.send_signal(signal.SIGTERM)
        gate.open()
        said = ended(started)
    assert said.code == 4, said.err
    assert (values(pair)[0], noted(pair.folder)) == (VALUE, [])


def test_the_source_has_it_no_more(transfer: Command, pair: Pair) -> None:
    """What neither side has cannot be completed: it is reported until somebody makes it anew."""
    with hold_replacements(pair.state_dir, pair.source.url, pair.target.url) as notes:
        notes.note("variables", "gone", Step.WRITING)
    said = transfer("config", "copy", "--yes", *config(pair))
    assert said.code == 3
    assert "left: variable gone: it was removed from the target to be replaced" in said.out
    variable(pair.target, "gone", OLD)
    assert "gone" not in transfer("config", "copy", "--yes", "--json", *config(pair)).result["left"]
    assert noted(pair.folder) == []


def test_another_pair(transfer: Command, pair: Pair) -> None:
    """Notes of other deployments are neither completed nor forgotten."""
    with hold_replacements(pair.state_dir, pair.source.url, "http://elsewhere") as notes:
        notes.note("variables", "v", Step.WRITING)
        assert transfer("config", "copy", "--yes", *config(pair)).code == 5
    said = transfer("config", "copy", "--yes", *config(pair))
    assert (said.code, "between other deployments" in said.err) == (2, True)
    assert noted(pair.folder) == [("variables", "v", "writing")]
