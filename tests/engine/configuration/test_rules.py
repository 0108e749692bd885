"""What each version takes, by the measurements, and what an object becomes there."""

from typing import Any

import pytest

from transfer.capabilities import Capabilities, capabilities
from transfer.client.objects import CONNECTIONS, POOLS, VARIABLES, ObjectKind
from transfer.engine.configuration.rules import fitted, refusal
from transfer.model import ServerInfo


def version(text: str) -> Capabilities:
    """Return what a target of this version can do."""
    return capabilities("target", ServerInfo(text, "2.10.1"))


CONNECTION: dict[str, Any] = {"conn_id": "c", "conn_type": "x", "extra": None}


@pytest.mark.parametrize(
    ("conn_id", "taken"),
    [
        ("a_b-c.d:e/f\\g#h!(i)", {"2.4.3", "2.7.3", "2.8.4", "2.11.2", "3.1.8"}),
        ("with space", {"2.4.3", "2.7.3"}),
        ("a@b", {"2.4.3", "2.7.3"}),
        ("ü", {"2.4.3", "2.7.3", "3.1.8"}),
        ("line\n", {"2.4.3", "2.7.3"}),
        ("", {"2.4.3", "2.7.3"}),
        ("k" * 250, {"2.4.3", "2.7.3", "2.8.4", "2.11.2", "3.1.8"}),
        ("k" * 251, {"2.4.3", "2.7.3"}),
    ],
)
def test_connection_ids(conn_id: str, taken: set[str]) -> None:
    """From 2.8 on an id has few characters; Airflow 3 takes any letters, but would cut a line break off."""
    versions = ("2.4.3", "2.7.3", "2.8.4", "2.11.2", "3.1.8")
    row = CONNECTION | {"conn_id": conn_id}
    assert {one for one in versions if refusal(CONNECTIONS, row, version(one)) is None} == taken


@pytest.mark.parametrize(
    ("extra", "on_3"), [(None, True), ("", True), ('{"a": 1}', True), ("[1]", False), ("x", False)]
)
def test_extra(extra: str | None, on_3: bool) -> None:  # noqa: FBT001  a column of the table above
    """Airflow 3 takes a JSON object only, Airflow 2 any text; the reason does not repeat it."""
    row = CONNECTION | {"extra": extra}
    assert refusal(CONNECTIONS, row, version("2.11.2")) is None
    reason = refusal(CONNECTIONS, row, version("3.1.8"))
    assert (reason is None) == on_3
    assert reason is None or "not a JSON object" in reason


@pytest.mark.parametrize(
    ("kind", "row", "word"),
    [
        (VARIABLES, {"key": "k", "val": None}, "Fernet key"),
        (VARIABLES, {"key": "k", "val": 5}, "no text"),
        (VARIABLES, {"key": "k", "val": "\ud800"}, "surrogate"),
        (VARIABLES, {"key": "k", "val": "v", "description": "a\0b"}, "its description holds a NUL"),
        (CONNECTIONS, CONNECTION | {"conn_type": None}, "conn_type"),
        (CONNECTIONS, CONNECTION | {"login": "a\0b"}, "its login holds a NUL"),
    ],
)
def test_what_no_version_takes(kind: ObjectKind, row: dict[str, Any], word: str) -> None:
    """It is refused everywhere, with a reason that says which field."""
    for one in ("2.4.3", "2.11.2", "3.1.8"):
        assert word in (refusal(kind, row, version(one)) or "")


@pytest.mark.parametrize("field", ["val", "password", "extra"])
def test_encrypted_values_hold_anything(field: str) -> None:
    """What is encrypted first may hold a NUL character."""
    kind = VARIABLES if field == "val" else CONNECTIONS
    row = {"key": "k", "conn_id": "c", "conn_type": "x", "val": "v", field: "a\0b"}
    assert refusal(kind, row, version("2.11.2")) is None


def test_pools_of_an_older_source() -> None:
    """They do not include deferred tasks; an older target has no such field, and refuses a pool that does."""
    old: dict[str, Any] = {"name": "p", "slots": 1, "description": None}
    assert fitted(POOLS, old, version("2.11.2")) == old | {"include_deferred": False}
    assert fitted(POOLS, old | {"include_deferred": True}, version("2.7.3"))["include_deferred"] is True
    assert fitted(POOLS, old | {"include_deferred": False}, version("2.6.3")) == old
    assert refusal(POOLS, old | {"include_deferred": False}, version("2.6.3")) is None
    assert "deferred" in (refusal(POOLS, old | {"include_deferred": True}, version("2.6.3")) or "")
