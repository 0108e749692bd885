"""``transfer config diff``: names and fields of what differs, and no value."""

from transfer.emulator import Answer, Rule

from .calling import Command
from .deployments import Pair
from .objects import OBJECT_SECRETS, OLD, connection, fill, pool, variable


def config(pair: Pair) -> tuple[str, str]:
    """Return the flags that name the configuration."""
    return "--config", str(pair.config())


def test_what_lacks_and_what_differs(transfer: Command, pair: Pair) -> None:
    """Each object is marked; of one that differs the fields are named, and of a pool the values."""
    fill(pair)
    connection(pair.target, password=OLD, port=1)
    pool(pair.target, slots=8)
    variable(pair.target, "only there")
    said = transfer("config", "diff", *config(pair))
    assert said.code == 3
    lines = said.out.splitlines()
    assert "variables: 1 missing on the target, 1 only on the target" in lines
    assert "  + v" in lines
    assert "  - only there" in lines
    assert "  * c  (password, port)" in lines
    assert "  * p  (slots 8 there, 3 here)" in lines
    assert "pools: 1 the same, 1 different" in lines
    assert "  + SOME_TOKEN" in lines
    assert not [secret for secret in OBJECT_SECRETS if secret in said.out + said.err]


def test_the_same_on_both_sides(transfer: Command, pair: Pair) -> None:
    """Equal objects are exit code 0, an extra that is only spelt otherwise is equal, and so are own variables."""
    for side in (pair.source, pair.target):
        variable(side)
        side.configuration.environment["HOSTNAME"] = side.url
    connection(pair.source, extra='{"a": 1, "b": 2}', password=None)
    connection(pair.target, extra='{"b":2,"a":1}', password=None)
    variable(pair.target, "more")
    assert transfer("config", "diff", *config(pair)).code == 0


def test_for_machines(transfer: Command, pair: Pair) -> None:
    """With --json all of it is one object."""
    fill(pair)
    connection(pair.target, host="elsewhere")
    said = transfer("config", "diff", "--json", *config(pair))
    kinds = said.result["kinds"]
    assert kinds["variables"] == {"same": 0, "missing": ["v"], "only_target": [], "differing": {}, "left": {}}
    assert kinds["connections"]["differing"] == {"c": ["host"]}
    assert said.result["environment"]["missing"] == ["SOME_TOKEN"]
    assert said.result["interrupted"] == []


def test_a_selection(transfer: Command, pair: Pair) -> None:
    """Kinds and globs choose; kinds that are not asked for are not read."""
    fill(pair)
    variable(pair.source, "etl_1")
    variable(pair.source, "etl_old")
    flags = ("--kind", "variables", "--name", "etl_*", "--exclude-name", "*_old")
    said = transfer("config", "diff", "--json", *flags, *config(pair))
    assert said.result["kinds"]["variables"]["missing"] == ["etl_1"]
    assert "environment" not in said.result
    assert not pair.source.asked("GET", "connections")


def test_a_name_that_nothing_has(transfer: Command, pair: Pair) -> None:
    """A misspelt name is not taken for two sides that are the same without a word."""
    fill(pair)
    said = transfer("config", "diff", "--name", "nope*", *config(pair))
    assert (said.code, said.out) == (0, "neither side has such an object\n")


def test_a_secret_that_is_a_word(transfer: Command, pair: Pair) -> None:
    """A value that is a word of ours, or a name, makes neither the names nor the JSON unreadable."""
    for number, word in enumerate(("missing", "connections", "variables", "name_of_it", "true", "event")):
        variable(pair.source, f"name_of_it{number}", word)
    said = transfer("config", "diff", "--json", *config(pair))
    assert said.result["kinds"]["variables"]["missing"] == [f"name_of_it{number}" for number in range(6)]


def test_a_key_that_does_not_fit(transfer: Command, pair: Pair) -> None:
    """One connection that the source cannot decrypt spoils its whole list: the message says what to look for."""
    fill(pair)
    pair.source.configuration.undecryptable.add("c")
    said = transfer("config", "diff", *config(pair))
    assert said.code == 1
    assert "source: connections: HTTP 500: a value cannot be decrypted with the Fernet key there" in said.err
    assert "Fernet key" in said.err


def test_an_error_that_repeats_a_secret(transfer: Command, pair: Pair) -> None:
    """Whatever the server says to such a request, nothing of it is repeated."""
    pair.source.faults.rules.append(Rule(Answer(400, f'{{"error_message": "half a {OLD[:14]}"}}'), "GET", "variables"))
    said = transfer("config", "diff", *config(pair))
    assert said.code == 1
    assert OLD[:14] not in said.out + said.err
