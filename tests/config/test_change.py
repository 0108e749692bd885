"""Limits in a file beside the state, laid over the configuration."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transfer.config.change import differences, with_changes
from transfer.config.settings import SideLimits
from transfer.errors import ConfigError
from transfer.model import SideName

CONFIGURED: dict[SideName, SideLimits] = {
    "source": SideLimits(concurrency=4, requests_per_second=5),
    "target": SideLimits(min_concurrency=2, max_concurrency=16),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file may be."""
    return tmp_path / "limits.toml"


def test_without_a_file_it_is_as_configured(path: Path) -> None:
    """Nothing is laid over."""
    assert with_changes(CONFIGURED, path) == CONFIGURED


def test_keys_of_the_file_win(path: Path) -> None:
    """Only what it names changes."""
    path.write_text("[source]\nconcurrency = 2\n[target]\nrows_per_second = 100\n")
    changed = with_changes(CONFIGURED, path)
    assert changed["source"] == SideLimits(concurrency=2, requests_per_second=5)
    assert changed["target"] == SideLimits(min_concurrency=2, max_concurrency=16, rows_per_second=100)


def test_a_side_that_is_not_named_stays(path: Path) -> None:
    """One table is enough, and an empty file changes nothing."""
    path.write_text('[source]\nconcurrency = "auto"\n')
    changed = with_changes(CONFIGURED, path)
    assert (changed["source"].concurrency, changed["target"]) == ("auto", CONFIGURED["target"])
    path.write_text("")
    assert with_changes(CONFIGURED, path) == CONFIGURED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[sauce]\nconcurrency = 2\n", "{path}: sauce: unknown table"),
        ("source = 5\n", "{path}: source: must be a table"),
        ("[source]\nconcurency = 2\n", "{path}: source.concurency: unknown key; did you mean concurrency?"),
        ("[target]\nmax_concurrency = 1\n", "{path}: target: min_concurrency (2) must not exceed max_concurrency (1)"),
        (
            "[source]\nconcurrency = 4711000\n",
            '{path}: source.concurrency: must be a whole number from 1 to 64, or "auto"',
        ),
        ("[source\n", "{path}: is not TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
    ],
)
def test_what_is_wrong_is_named(path: Path, text: str, problem: str) -> None:
    """One line per problem, with the file and the key, never the value."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        with_changes(CONFIGURED, path)
    assert caught.value.problems == [problem.format(path=path)]
    assert "4711000" not in str(caught.value)


def test_all_problems_are_named_at_once(path: Path) -> None:
    """Those of both sides."""
    path.write_text("[source]\na = 1\n[target]\nb = 1\n")
    with pytest.raises(ConfigError) as caught:
        with_changes(CONFIGURED, path)
    assert [problem.split(": ")[1] for problem in caught.value.problems] == ["source.a", "target.b"]


def test_what_has_changed() -> None:
    """From what to what, where nothing was set "none"."""
    after = SideLimits(concurrency=2, rows_per_second=100)
    assert list(differences(CONFIGURED["source"], after)) == [
        "concurrency: 4 -> 2",
        "requests_per_second: 5.0 -> none",
        "rows_per_second: none -> 100.0",
    ]


keys = st.sampled_from(["source", "target", "other", *SideLimits.model_fields])
scalars = st.integers(-9, 99) | st.floats() | st.booleans() | st.sampled_from(["auto", "canary-4711", "10"])
trees = st.dictionaries(keys, scalars | st.lists(scalars, max_size=2) | st.dictionaries(keys, scalars, max_size=4))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_whatever_stands_there(path: Path, tree: dict[str, Any]) -> None:
    """It is taken or refused, and no value is repeated."""
    tables = {key: value for key, value in tree.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in tree.items() if key not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path.write_text("\n".join(lines).replace("NaN", "nan").replace("Infinity", "inf"))
    refused = ""
    try:
        with_changes(CONFIGURED, path)
    except ConfigError as error:
        refused = f"{error.problems}{error.hint}{error.__cause__}{error.__context__}"
    assert "canary" not in refused


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a" * 2_000_000, b"[" * 5_000, b"\0"])
def test_what_is_no_text(path: Path, content: bytes) -> None:
    """Garbage is refused like every other mistake."""
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        with_changes(CONFIGURED, path)


def test_a_limit_at_the_top(path: Path) -> None:
    """It is said where it belongs."""
    path.write_text("concurrency = 2\n")
    with pytest.raises(ConfigError) as caught:
        with_changes(CONFIGURED, path)
    assert caught.value.problems == [f"{path}: concurrency: belongs under [source] or [target]"]


@pytest.mark.parametrize("text", ["[source\n", "[source]\nx = 1\n", "x = 1\n"])
def test_the_hint_is_about_this_file(path: Path, text: str) -> None:
    """Not about the configuration, whatever is wrong."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        with_changes(CONFIGURED, path)
    assert "it holds [source] and [target]" in caught.value.hint
    assert "transfer init" not in caught.value.hint
