"""Both sides beside each other."""

from typing import Any

import pytest

from transfer.client.objects import CONNECTIONS, POOLS, VARIABLES
from transfer.engine.configuration.compare import Compared, Mark, compare, differing

from .test_rules import version


@pytest.mark.parametrize(
    ("here", "there", "fields"),
    [
        ({"password": ""}, {"password": None}, ()),
        ({"password": "a"}, {"password": None}, ("password",)),
        ({"extra": ""}, {"extra": None}, ()),
        ({"extra": '{"a":1,"b":2}'}, {"extra": '{"b": 2, "a": 1}'}, ()),
        ({"extra": '{"a":1}'}, {"extra": '{"a":2}'}, ("extra",)),
        ({"extra": '{"a":true}'}, {"extra": '{"a":1}'}, ("extra",)),
        ({"extra": "x"}, {"extra": "x "}, ("extra",)),
        ({"extra": "[" * 100_000}, {"extra": "["}, ("extra",)),
        ({"host": ""}, {"host": None}, ("host",)),
        ({"port": 1, "login": "l"}, {"port": 2, "login": "m"}, ("login", "port")),
    ],
)
def test_fields_of_a_connection(here: dict[str, Any], there: dict[str, Any], fields: tuple[str, ...]) -> None:
    """What means the same to Airflow is the same, everything else differs."""
    assert differing(CONNECTIONS, here, there) == fields


def test_fields_that_only_one_side_has() -> None:
    """Columns that this program does not carry do not count."""
    assert differing(VARIABLES, {"key": "k", "val": "v", "team_id": 1}, {"key": "k", "val": "v"}) == ()


def test_values_of_pools_only() -> None:
    """Of a pool that differs both values are told; of anything else no value is in what is returned."""
    pools = ({"p": {"name": "p", "slots": 1}}, {"p": {"name": "p", "slots": 2, "include_deferred": False}})
    found = list(compare(POOLS, *pools, version("2.11.2")))
    assert found == [Compared(POOLS, "p", Mark.DIFFERS, ("slots",), {"slots": (2, 1)})]
    variables = ({"v": {"key": "v", "val": "canary"}}, {"v": {"key": "v", "val": "other canary"}})
    assert "canary" not in repr(list(compare(VARIABLES, *variables, version("2.11.2"))))


def test_every_object_once_by_name() -> None:
    """Objects of either side come in order, each with its mark."""
    here = {name: {"key": name, "val": name} for name in "cab"}
    there = {name: {"key": name, "val": name} for name in "ad"} | {"b": {"key": "b", "val": "x"}}
    found = [(one.name, one.mark) for one in compare(VARIABLES, here, there, version("2.11.2"))]
    assert found == [("a", Mark.SAME), ("b", Mark.DIFFERS), ("c", Mark.MISSING), ("d", Mark.ONLY_TARGET)]
