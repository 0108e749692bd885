"""Settings from a file: what loads, and what each mistake is told."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.config.load import load_settings, secret_warnings
from transfer.config.secret import LITERAL
from transfer.config.settings import BearerAuth, SessionAuth
from transfer.errors import ConfigError, ExitCode

CANARY = "canary4711"

GOOD = """\
state_dir = "state"
[source]
url = "http://localhost:8080/home"
auth = { kind = "session", username = "admin", password = { env = "PW" } }
[target]
url = "https://org.astronomer.run/d1"
auth = { kind = "bearer", token = { file = "token" } }
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a configuration file."""

    def written(text: str) -> Path:
        path = tmp_path / "transfer.toml"
        path.write_text(text, "utf-8")
        return path

    return written


def problems(path: Path | None, environ: Mapping[str, str] | None = None) -> list[str]:
    """Return what is wrong, with a check that no value of the configuration is repeated, not even by a cause."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ or {}, {})
    error = caught.value
    assert error.hint
    assert error.exit_code == ExitCode.USAGE
    assert CANARY not in f"{error}{error.hint}{error.__context__}{error.__cause__}"
    return error.problems


def replaced(old: str, new: str) -> str:
    """Return the good configuration with one change."""
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_file(write: Write) -> None:
    """A file becomes settings; relative paths stay relative to the current directory."""
    settings = load_settings(write(GOOD), {}, {})
    assert settings.source.url == "http://localhost:8080"
    assert isinstance(settings.source.auth, SessionAuth)
    assert settings.state_dir == Path("state")
    assert isinstance(settings.target.auth, BearerAuth)
    assert settings.target.auth.token.file == Path("token")


def test_a_byte_order_mark(write: Write) -> None:
    """A file saved by a Windows editor loads."""
    assert load_settings(write("\ufeff" + GOOD.replace("\n", "\r\n")), {}, {}).state_dir == Path("state")


def test_no_file() -> None:
    """Without file, environment and flags both sides are missing."""
    assert problems(None) == ["source: is missing", "target: is missing"]


def test_missing_file(tmp_path: Path) -> None:
    """A file that does not exist is an error, not an empty configuration."""
    assert problems(tmp_path / "none.toml") == [f"{tmp_path}/none.toml: does not exist"]


def test_directory_for_a_file(tmp_path: Path) -> None:
    """A directory in place of the file says so."""
    assert problems(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_binary_file(tmp_path: Path) -> None:
    """A file that is not text says so."""
    path = tmp_path / "x"
    path.write_bytes(b"\xff\xfe")
    assert problems(path) == [f"{path}: is not UTF-8 text"]


def test_syntax_error(write: Write) -> None:
    """A mistake in the TOML is told with its line."""
    path = write(f"[source]\nurl = {CANARY}\n")
    assert problems(path) == [f"{path}: is not TOML: Invalid value (at line 2, column 7)"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("state_dir", "statedir", "statedir: unknown key; did you mean state_dir?"),
        ("username", "user_name", "source.auth.user_name: unknown key; did you mean username?"),
        ("[source]", "[sorce]", "sorce: unknown key; did you mean source?"),
        ("url =", "zzz = 1\nurl =", "source.zzz: unknown key; known here are url, auth, ca_file, headers,"),
        ("url =", 'state_dir = "x"\nurl =', "source.state_dir: unknown key here; it belongs to the top of the file"),
        ("[source]", "[[source]]", "source: must be a table"),
        ('"admin"', '""', "source.auth.username: must not be empty"),
        ('"admin"', "5", "source.auth.username: must be text in quotes"),
        ('kind = "session", ', "", "source.auth.kind: is missing; choose one of bearer, api_key, session, airflow3,"),
        (
            '"session"',
            f'"{CANARY}"',
            "source.auth.kind: must be one of bearer, api_key, session, airflow3, basic, none",
        ),
        ('{ env = "PW" }', f'"{CANARY}"', f"source.auth.password: {LITERAL}"),
        ('{ file = "token" }', f'"{CANARY}"', f"target.auth.token: {LITERAL}"),
        ('{ file = "token" }', f'{{ value = "{CANARY}" }}', f"target.auth.token: {LITERAL}"),
        ('{ file = "token" }', '{ file = "a", env = "B" }', "target.auth.token: give exactly one of env, file and"),
        ('{ env = "PW" }', f'{{ env = "${CANARY}" }}', "source.auth.password.env: must be the name of an environment"),
        (
            '{ env = "PW" }',
            '{ command = "pass show" }',
            'source.auth.password.command: must be a list, such as ["a", "b"]',
        ),
        ('{ env = "PW" }', "{ command = [] }", "source.auth.password.command: must not be empty"),
        (', token = { file = "token" }', "", "target.auth.token: is missing"),
        ("http://localhost", f"http://me:{CANARY}@localhost", "source.url: credentials do not belong into the URL"),
        ("http://localhost", f"{CANARY} localhost", "source.url: must not contain spaces"),
        ("[target]", "[limits]\nbatch_rows = 1.5\n[target]", "limits.batch_rows: must be a whole number"),
        ("[target]", f'[limits]\nbatch_rows = "{CANARY}"\n[target]', "limits.batch_rows: must be a whole number"),
        ("[target]", "[limits]\nbatch_rows = 0\n[target]", "limits.batch_rows: must be greater than or equal to 1"),
        ("[target]", f'[retry]\nwait_max = "{CANARY}"\n[target]', "retry.wait_max: must be a number"),
        (
            "[target]",
            "[selection]\nallow_missing_dags = 7\n[target]",
            "selection.allow_missing_dags: must be true or false",
        ),
        ("[target]", f'[selection]\ndags = "{CANARY}"\n[target]', 'selection.dags: must be a list, such as ["a", "b"]'),
        ("[target]", '[selection]\ndags = ["a", 1]\n[target]', "selection.dags[1]: must be text in quotes"),
        (
            "[target]",
            f'[selection]\nstates = ["{CANARY}"]\n[target]',
            "selection.states[0]: must be 'success' or 'failed'",
        ),
        (
            "[target]",
            "[selection]\nsince = 2026-01-01\n[target]",
            "selection.since: must be a date and time with a time",
        ),
        (
            "[target]",
            f'[selection]\nsince = "{CANARY}"\n[target]',
            "selection.since: must be a date and time with a time",
        ),
        ("[target]", "[source.headers]\nX-A = 1\n[target]", "source.headers.X-A: must be text in quotes"),
    ],
)
def test_each_mistake_is_told(old: str, new: str, line: str, write: Write) -> None:
    """The message names the place as the user wrote it and what would be right, without the value."""
    assert any(problem.startswith(line) for problem in problems(write(replaced(old, new))))


def test_dates_in_order(write: Write) -> None:
    """A rule over several keys is told at their table."""
    text = f"{GOOD}[selection]\nsince = 2026-02-01T00:00:00Z\nuntil = 2026-01-01T00:00:00Z\n"
    assert problems(write(text)) == ["selection: since must be before until"]


def test_all_problems_at_once(write: Write) -> None:
    """Mistakes in the file and in the environment come in one error."""
    text = replaced("state_dir", "sate_dir") + "[retry]\nattempts = 0\n"
    found = problems(write(text), {"TRANSFER_LIMIT__BATCH_ROWS": "5", "TRANSFER_LIMITS__BATCH_ROWS": "x"})
    assert [problem.split(":")[0] for problem in sorted(found)] == [
        "TRANSFER_LIMIT__BATCH_ROWS",
        "limits.batch_rows",
        "retry.attempts",
        "sate_dir",
    ]


keys = st.sampled_from(
    ["source", "target", "auth", "kind", "url", "token", "limits", "dags", "selection", "env", "x", "since"]
)
values = st.sampled_from([CANARY, f"http://a:{CANARY}@b", "session", "bearer", 0, 1.5, True, "*"])
trees = st.dictionaries(
    keys, st.recursive(values, lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=3), max_leaves=12)
)


@given(tree=trees)
def test_no_value_is_ever_repeated(tree: dict[str, object]) -> None:
    """Whatever is put wherever, the error holds keys and no values."""
    told = ""
    try:
        load_settings(None, {}, tree)
    except ConfigError as error:
        told = f"{error}{error.hint}{error.__context__}"
    assert CANARY not in told


def test_warns_of_open_secret_files(tmp_path: Path) -> None:
    """Files with secrets that everyone can read are named with their place in the settings."""
    token = tmp_path / "token"
    token.touch()
    token.chmod(0o644)
    sides = {
        side: {"url": f"http://{side}", "auth": {"kind": "bearer", "token": {"file": str(token)}}}
        for side in ("source", "target")
    }
    lines = secret_warnings(load_settings(None, {}, sides))
    assert [line.split(":")[0] for line in lines] == ["source.auth.token", "target.auth.token"]


def test_refuses_to_move_a_deployment_into_itself(write: Write) -> None:
    """The same address on both sides, however it is written, is a mistake."""
    path = write(GOOD.replace("https://org.astronomer.run/d1", "http://LOCALHOST:8080/"))
    with pytest.raises(ConfigError, match=r"target: .*is the same deployment as the source"):
        load_settings(path, {}, {})
