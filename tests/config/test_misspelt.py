"""Variables that look like settings and are none, and whom a hint tells to correct what."""

from pathlib import Path
from typing import Any

import pytest

from transfer.config.load import load_settings
from transfer.errors import ConfigError

GOOD: dict[str, Any] = {
    "source": {"url": "http://a", "auth": {"kind": "none"}},
    "target": {"url": "http://b", "auth": {"kind": "none"}},
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TRANSFER_STATEDIR", "TRANSFER_STATE_DIR"),
        ("TRANSFER_STATE_DIRS", "TRANSFER_STATE_DIR"),
        ("TRANSFER_SORCE", "TRANSFER_SOURCE"),
        ("TRANSFER_SOURCE_URL", "TRANSFER_SOURCE__URL"),
        ("TRANSFER_LIMITS_BATCH_ROWS", "TRANSFER_LIMITS__BATCH_ROWS"),
        ("TRANSFER_RETRY_ATTEMPTS", "TRANSFER_RETRY__ATTEMPTS"),
    ],
)
def test_a_misspelt_variable_is_refused(name: str, meant: str) -> None:
    """What sets nothing, but was meant to, is said with what it was meant to be."""
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {name: "hunter2"}, GOOD)
    assert caught.value.problems == [f"{name}: sets nothing; did you mean {meant}?"]


@pytest.mark.parametrize("name", ["TRANSFER_SOURCE_PASSWORD", "TRANSFER_TOKEN", "TRANSFER_HOME", "TRANSFER_VERSION"])
def test_others_are_left_alone(name: str) -> None:
    """A name that is far from any setting may be a secret's, or another program's."""
    load_settings(None, {name: "hunter2"}, GOOD)


@pytest.mark.parametrize(
    ("text", "environ", "flags", "hint"),
    [
        ("[limits]\nbatch_rows = 0", {}, GOOD, "correct {path};"),
        ("", {}, {**GOOD, "limits.batch_rows": 0}, "correct the variables or flags that are named;"),
        ("", {"TRANSFER_LIMITS__BATCH_ROWS": "0"}, GOOD, "correct the variables or flags that are named;"),
        ("", {"TRANSFER_STATEDIR": "x"}, GOOD, "correct the variables or flags that are named;"),
        ("[limits]\nbatch_rows = 0", {}, {**GOOD, "retry.attempts": 0}, "correct {path};"),
        ("", {}, {}, "correct {path};"),
    ],
)
def test_the_hint_names_what_is_wrong(
    tmp_path: Path, text: str, environ: dict[str, str], flags: dict[str, object], hint: str
) -> None:
    """Nobody is sent to a file that is right."""
    path = tmp_path / "transfer.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ, flags)
    assert caught.value.hint.startswith(hint.format(path=path))
