"""Which values are taken for what was stored, and which are not."""

import json

import pytest

from transfer.emulator.xcoms import served
from transfer.engine.xcoms.doubt import Doubt, doubt_of


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "a (b) c",
        "(open",
        "f(x)",
        "user@version=3",
        {"a": ["b", {"c": None}], "(1,2)": 1},
        {"__data__": 1},
        [],
        float("nan"),
        2**200,
        "\ud800",
    ],
)
def test_plain_json_is_not_in_doubt(value: object) -> None:
    """Also what holds parentheses or an at sign."""
    stored = json.dumps(value).encode()
    assert served(stored) == stored
    assert doubt_of(stored) is None


@pytest.mark.parametrize(
    ("name", "data", "doubt"),
    [
        ("builtins.tuple", [1, 2], Doubt.GROUPED),
        ("builtins.set", ["x"], Doubt.GROUPED),
        ("builtins.frozenset", [], Doubt.GROUPED),
        ("datetime.datetime", {"timestamp": 1.5, "tz": "UTC"}, Doubt.TYPED),
        ("decimal.Decimal", "1.10", Doubt.TYPED),
        ("my.module.Class", {"line": "a\nb"}, Doubt.TYPED),
    ],
)
@pytest.mark.parametrize("place", ["alone", "in a list", "deep"])
def test_a_value_of_a_python_type_is_in_doubt_wherever_it_stands(
    name: str, data: object, doubt: Doubt, place: str
) -> None:
    """As Starship serves it."""
    typed = {"__classname__": name, "__version__": 2, "__data__": data}
    value = {"alone": typed, "in a list": [1, typed], "deep": {"a": [{"b": typed}]}}[place]
    assert doubt_of(served(json.dumps(value).encode())) is doubt


def test_an_old_value_of_a_type_is_in_doubt_and_an_old_object_is_not() -> None:
    """What Airflow before 2.5 wrote: of an object nothing is lost."""
    assert doubt_of(served(b'{"__type": "set", "__var": ["x"]}')) is Doubt.TYPED
    assert doubt_of(served(b'{"__type": "dict", "__var": {"x": 1}}')) is None


@pytest.mark.parametrize(
    ("value", "doubt"), [(b"\x80\x04N.", Doubt.PICKLED), (b"s3://bucket/key", Doubt.UNKNOWN), (b"", Doubt.UNKNOWN)]
)
def test_what_is_no_json_is_in_doubt(value: bytes, doubt: Doubt) -> None:
    """A pickle, and what another XCom backend has written."""
    assert doubt_of(value) is doubt


def test_a_deep_value_is_looked_at_to_its_end() -> None:
    """Levels cost no stack."""
    assert doubt_of(b"[" * 900 + b'"(1,2)"' + b"]" * 900) is Doubt.GROUPED
