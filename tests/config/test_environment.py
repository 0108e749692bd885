"""Settings from environment variables and flags, over those of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from transfer.config.load import load_settings
from transfer.config.settings import BearerAuth, Settings
from transfer.errors import ConfigError

SIDES: dict[str, Any] = {
    "source": {"url": "http://a", "auth": {"kind": "bearer", "token": {"env": "A_TOKEN"}}},
    "target": {"url": "http://b", "auth": {"kind": "none"}},
}


def load(environ: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of two good sides, of ``environ`` and of more flags."""
    return load_settings(None, environ, {**SIDES, **(overrides or {})})


def problems(environ: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> list[str]:
    """Return what is wrong."""
    with pytest.raises(ConfigError) as caught:
        load(environ, overrides)
    return caught.value.problems


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("TRANSFER_LIMITS__BATCH_ROWS", "7", "limits.batch_rows", 7),
        ("TRANSFER_limits__batch_rows", " 7 ", "limits.batch_rows", 7),
        ("TRANSFER_RETRY__WAIT_MAX", "1.5", "retry.wait_max", 1.5),
        ("TRANSFER_SELECTION__ALLOW_MISSING_DAGS", "true", "selection.allow_missing_dags", True),
        ("TRANSFER_SELECTION__DAGS", '["a", "b_*"]', "selection.dags", ("a", "b_*")),
        ("TRANSFER_SELECTION__DAGS", "['a']", "selection.dags", ("a",)),
        ("TRANSFER_SELECTION", '{"newest": 3}', "selection.newest", 3),
        ("TRANSFER_SELECTION", "{newest = 3}", "selection.newest", 3),
        ("TRANSFER_SOURCE__LIMITS__CONCURRENCY", "9", "source.limits.concurrency", 9),
        ("TRANSFER_SOURCE__HEADERS", '{"X-Team": "5"}', "source.headers", {"X-Team": "5"}),
        ("TRANSFER_STATE_DIR", "12", "state_dir", Path("12")),
    ],
)
def test_a_variable_sets_a_value(name: str, value: str, path: str, expected: object) -> None:
    """Text becomes what the key wants: numbers, booleans, lists and tables, in TOML or JSON."""
    found: object = load({name: value})
    for key in path.split("."):
        found = getattr(found, key)
    assert found == expected


def test_text_stays_text() -> None:
    """A user whose name looks like a number keeps it."""
    flags = {"target.auth": {"kind": "basic", "password": {"env": "A"}}}
    settings = load({"TRANSFER_TARGET__AUTH__USERNAME": "0042"}, flags)
    assert getattr(settings.target.auth, "username", None) == "0042"


def test_since_from_a_variable() -> None:
    """A date with a time zone is text in a variable."""
    since = load({"TRANSFER_SELECTION__SINCE": "2026-01-01T00:00:00+02:00"}).selection.since
    assert since
    assert since.isoformat() == "2026-01-01T00:00:00+02:00"


def test_the_later_layer_wins(tmp_path: Path) -> None:
    """Flags win over variables, variables over the file, each key by itself."""
    file = tmp_path / "c.toml"
    file.write_text("[limits]\nbatch_rows = 1\nwindow_runs = 1\n[retry]\nattempts = 1\n")
    environ = {"TRANSFER_LIMITS__BATCH_ROWS": "2", "TRANSFER_LIMITS__WINDOW_RUNS": "2"}
    settings = load_settings(file, environ, {**SIDES, "limits.batch_rows": 3, "limits.window_runs": None})
    assert (settings.limits.batch_rows, settings.limits.window_runs, settings.retry.attempts) == (3, 2, 1)


def test_outer_tables_come_first() -> None:
    """A variable for one key wins over a variable for its whole table."""
    limits = load({"TRANSFER_LIMITS__BATCH_ROWS": "2", "TRANSFER_LIMITS": '{"batch_rows": 1, "window_runs": 1}'}).limits
    assert (limits.batch_rows, limits.window_runs) == (2, 1)


def test_another_origin_replaces_a_secret(tmp_path: Path) -> None:
    """Who gives a file for a secret that the configuration takes from a variable means the file."""
    file = tmp_path / "c.toml"
    file.write_text('[source.auth]\nkind = "bearer"\ntoken = { env = "A" }\n')
    flags = {"source.url": "http://a", "target": SIDES["target"]}
    auth = load_settings(file, {"TRANSFER_SOURCE__AUTH__TOKEN__FILE": "t"}, flags).source.auth
    assert isinstance(auth, BearerAuth)
    assert (auth.token.file, auth.token.env) == (Path("t"), None)


@pytest.mark.parametrize("name", ["TRANSFER_SOURCE__TOKEN", "TRANSFER_SOURCE_TOKEN", "TRANSFER_STATE_DIR"])
def test_a_secrets_variable_sets_nothing(name: str) -> None:
    """A variable that a secret names is its value, whatever it is called."""
    by_flag = load({name: "hunter2"}, {"source.auth.token.env": name})
    by_variable = load_settings(
        None,
        {name: "hunter2", "TRANSFER_TARGET__AUTH__TOKEN__ENV": name},
        {**SIDES, "target.auth": {"kind": "bearer"}},
    )
    assert by_flag.state_dir == by_variable.state_dir == Path("transfer-state")


def test_other_variables_are_ignored() -> None:
    """Names without a double underscore, or without the prefix, are somebody else's."""
    environ = {"TRANSFER_CONFIG": "x", "TRANSFER_LOG_LEVEL": "y", "LIMITS__BATCH_ROWS": "z", "TRANSFER_": ""}
    assert load(environ) == load({})


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "TRANSFER_LIMIT__BATCH_ROWS",
            "5",
            "TRANSFER_LIMIT__BATCH_ROWS: unknown section; did you mean TRANSFER_LIMITS__",
        ),
        (
            "TRANSFER_ZZZ__A",
            "5",
            "TRANSFER_ZZZ__A: unknown section; known are source, target, selection, limits, retry",
        ),
        ("TRANSFER___A", "5", "TRANSFER___A: unknown section; known are"),
        ("TRANSFER_LIMITS__", "5", "TRANSFER_LIMITS__: __ must stand between two names"),
        ("TRANSFER_LIMITS__BATCH_ROWS", "", "TRANSFER_LIMITS__BATCH_ROWS: is empty; unset it or give it a value"),
        (
            "TRANSFER_LIMITS__BATCH_ROW",
            "5",
            "limits.batch_row: unknown key; did you mean batch_rows? (set by TRANSFER_LIMITS__BATCH_ROW)",
        ),
        (
            "TRANSFER_LIMITS__BATCH_ROWS",
            "hunter2",
            "limits.batch_rows: must be a whole number (set by TRANSFER_LIMITS__BATCH_ROWS)",
        ),
        (
            "TRANSFER_SELECTION__STATES",
            '["success", "hunter2"]',
            "selection.states[1]: must be 'success' or 'failed' (set by TRANSFER_SELECTION__STATES)",
        ),
        (
            "TRANSFER_SELECTION__DAGS",
            "[a-z]*",
            'selection.dags: must be a list, such as ["a", "b"] (set by TRANSFER_SELECTION__DAGS)',
        ),
        ("TRANSFER_RETRY", "hunter2", "retry: must be a table (set by TRANSFER_RETRY)"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, line: str) -> None:
    """Each mistake in the environment names the variable and not its value."""
    (problem,) = problems({name: value})
    assert problem.startswith(line)
    assert "hunter2" not in problem


def test_a_literal_secret_in_a_variable() -> None:
    """A secret given where its origin belongs is refused, with the variable's name."""
    sides = {"source": {"url": "http://a", "auth": {"kind": "bearer"}}, "target": SIDES["target"]}
    with pytest.raises(
        ConfigError, match=r"stand in the configuration.*\(set by TRANSFER_SOURCE__AUTH__TOKEN\)"
    ) as caught:
        load_settings(None, {"TRANSFER_SOURCE__AUTH__TOKEN": "hunter2"}, sides)
    assert "hunter2" not in str(caught.value)


def test_a_wrong_flag_is_named() -> None:
    """A mistake on the command line says that it stands there."""
    assert problems({}, {"limits": {"batch_rows": 0}}) == [
        "limits.batch_rows: must be greater than or equal to 1 (set by the command line)"
    ]
