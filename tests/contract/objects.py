"""Variables, connections and the environment, as every release serves and takes them."""

from typing import Any

import pytest

from transfer.emulator.columns import MODERN

from .releases import releases
from .server import ECHOES_BYTES, Caller, Contract, Said

STRICT_IDS = (2, 8)
FULL: dict[str, Any] = {
    "conn_id": "c/1",
    "conn_type": "postgres",
    "description": "dé",
    "extra": '{"b": 1, "a": ["\\u00e9"]}',
    "host": "h",
    "login": "l",
    "password": "p:@/ü\"'",
    "port": 5432,
    "schema": "s",
}
KINDS = pytest.mark.parametrize("kind", ["variables", "connections"])
KEYS = {"variables": "key", "connections": "conn_id"}


def least(kind: str, name: str = "n") -> dict[str, Any]:
    """Return the smallest object that is taken."""
    return {"key": name, "val": "v"} if kind == "variables" else {"conn_id": name, "conn_type": "x"}


def more(admin: Caller) -> dict[str, Any]:
    """Return the columns that a release shows besides."""
    return {"team_id": None} if admin.release >= MODERN else {}


def is_opaque(said: Said, admin: Caller) -> bool:
    """Tell whether this is the page with which an old release answers whatever is wrong."""
    return admin.release < ECHOES_BYTES and (said.status, said.kind) == (500, "text/html")


class ObjectsContract(Contract):
    """Tests of ``/variables``, ``/connections`` and ``/env_vars``."""

    async def test_a_connection_in_every_field(self, admin: Caller) -> None:
        """What is sent is echoed and served again, in clear text."""
        said = await admin.post("connections", FULL)
        assert (said.status, said.json()) == (200, FULL | more(admin))
        assert (await admin.get("connections")).json() == [FULL | more(admin)]

    async def test_a_variable_in_every_field(self, admin: Caller) -> None:
        """So is a variable, with any characters, and an empty one."""
        rows = [{"key": "a b/ü", "val": "\0\n\"'ü", "description": "d"}, {"key": "e", "val": "", "description": ""}]
        for row in rows:
            assert (await admin.post("variables", row)).json() == row | more(admin)
        assert (await admin.get("variables")).json() == [row | more(admin) for row in rows]

    @KINDS
    async def test_what_is_left_out_is_null(self, admin: Caller, kind: str) -> None:
        """A null that is sent is as good as nothing."""
        row = least(kind) | {"description": None}
        stored = (await admin.post(kind, row)).json()
        assert {name: value for name, value in stored.items() if value is not None} == least(kind)

    async def test_empty_texts_of_a_connection(self, admin: Caller) -> None:
        """They are stored as they are, but for the password, of which there is none then."""
        empty: dict[str, Any] = dict.fromkeys(("description", "extra", "host", "login", "schema"), "")
        row: dict[str, Any] = {"conn_id": "e", "conn_type": "", "port": 0, **empty}
        said = await admin.post("connections", row | {"password": ""})
        assert said.json() == row | {"password": None} | more(admin)

    @KINDS
    async def test_a_name_that_is_taken(self, admin: Caller, kind: str) -> None:
        """A second one of that name is refused, and the first stays."""
        await admin.post(kind, least(kind) | {"description": "first"})
        said = await admin.post(kind, least(kind) | {"description": "second"})
        assert is_opaque(said, admin) or (said.status, "UniqueViolation" in said.body.decode()) == (409, True)
        assert [row["description"] for row in (await admin.get(kind)).json()] == ["first"]

    @KINDS
    @pytest.mark.parametrize("which", [0, 1])
    async def test_what_is_required(self, admin: Caller, kind: str, which: int) -> None:
        """The name and one more field must be there and not null; Airflow 3 fails over saying so."""
        name = list(least(kind))[which]
        said = await admin.post(kind, least(kind) | {name: None})
        if admin.release >= MODERN:
            assert (said.status, said.body) == (500, b"Internal Server Error")
        else:
            wanted = (400, {"error": f"RuntimeError('Missing required key: {name}')"})
            assert is_opaque(said, admin) or (said.status, said.json()) == wanted

    @KINDS
    async def test_one_is_removed(self, admin: Caller, kind: str) -> None:
        """Unlike pools, of these only the named one goes; it need not be there."""
        for name in ("a", "b/c"):
            await admin.post(kind, least(kind, name))
        named: dict[str, Any] = {KEYS[kind]: "b/c"}
        for _ in range(2):
            said = await admin.ask("DELETE", f"/api/starship/{kind}", **named)
            assert (said.status, said.body) == ((200, b"null") if admin.release >= MODERN else (204, b""))
        assert [row[KEYS[kind]] for row in (await admin.get(kind)).json()] == ["a"]

    @pytest.mark.parametrize(
        ("conn_id", "old", "strict", "modern"),
        [
            ("a#b!c(d)e-f.g:h/i\\j_1", True, True, True),
            ("with space", True, False, False),
            ("a@b", True, False, False),
            ("ü", True, False, True),
            ("k" * 250, True, True, True),
        ],
    )
    async def test_connection_ids(self, admin: Caller, conn_id: str, *, old: bool, strict: bool, modern: bool) -> None:
        """From 2.8 on few characters may stand in one; Airflow 3 takes letters of any alphabet."""
        taken = modern if admin.release >= MODERN else strict if admin.release >= STRICT_IDS else old
        said = await admin.post("connections", least("connections", conn_id))
        assert (said.status == 200) == taken
        assert taken or (said.status, "NotNullViolation" in said.body.decode()) == (409, True)

    @releases(since=MODERN)
    async def test_a_line_break_at_the_end_of_an_id(self, admin: Caller) -> None:
        """Airflow 3 stores another id than the one that was sent."""
        assert (await admin.post("connections", least("connections", "c\n"))).json()["conn_id"] == "c"

    @pytest.mark.parametrize(("extra", "word"), [("no json", "non-JSON"), ("[1]", "JSON value")])
    async def test_extra(self, admin: Caller, extra: str, word: str) -> None:
        """Airflow 2 takes any text, Airflow 3 a JSON object."""
        said = await admin.post("connections", least("connections") | {"extra": extra})
        if admin.release < MODERN:
            assert said.json()["extra"] == extra
        else:
            assert said.status == 500
            assert said.json()["error_message"].startswith(f"Encountered {word}")

    @pytest.mark.parametrize(
        ("row", "status", "word"),
        [
            ({"host": "h" * 501}, 400, "StringDataRightTruncation"),
            ({"port": 2**40}, 400, "NumericValueOutOfRange"),
            ({"login": "a\0b"}, 500, "cannot contain NUL"),
        ],
    )
    async def test_values_that_do_not_fit(self, admin: Caller, row: dict[str, Any], status: int, word: str) -> None:
        """Nothing of the object is stored."""
        said = await admin.post("connections", least("connections") | row)
        assert is_opaque(said, admin) or (said.status, word in said.body.decode()) == (status, True)
        assert (await admin.get("connections")).json() == []

    @pytest.mark.parametrize("route", ["variable", "connection", "pool", "env_var"])
    async def test_singular_routes(self, admin: Caller, route: str) -> None:
        """There are none, whatever some documentation says."""
        assert (await admin.get(route)).status == 404

    async def test_the_environment(self, admin: Caller) -> None:
        """One object of texts."""
        said = (await admin.get("env_vars")).json()
        assert all(isinstance(value, str) for pair in said.items() for value in pair)
