"""Settings made of anything: read, or refused with all problems, and never with a value."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from transfer.cli.main import invoke
from transfer.cli.output import accept_any_text
from transfer.config import settings as module
from transfer.config.load import load_settings
from transfer.config.settings import Settings
from transfer.errors import ConfigError

CANARY = "canary-4711"
MODELS = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, BaseModel)]
KEYS = sorted({key for model in MODELS for key in model.model_fields} | {"env", "file", "command", "X-Team"})

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

odd_text = st.sampled_from(
    [
        CANARY,
        f"http://a:{CANARY}@b",
        f"https://{CANARY} x",
        "session",
        "bearer",
        "*",
        "[",
        "[z-a]",
        "",
        "a\0b",
        "\ud800",
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, 2**70, 10**400, -(10**400)])
    | st.floats()
    | st.datetimes()
    | st.dates()
    | odd_text
    | st.text(max_size=8)
)
trees: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def _as_argument(text: str) -> str:
    """Return ``text`` as a system could pass it: without a NUL, and bytes that are no text in Python's own way."""
    return text.replace("\0", "").encode("utf-8", "replace").decode() + ("\udcff" if "\ud800" in text else "")


SIDE = {"url": "http://a.example", "auth": {"kind": "none"}}
GOOD: dict[str, Any] = {"source": SIDE, "target": SIDE | {"url": "http://b.example"}}
SECTIONS = list(Settings.model_fields)


def told(path: Path | None, environ: dict[str, str], overrides: dict[str, object]) -> str:
    """Load settings; return all that an error says of them, which must be everything that it knows."""
    error: ConfigError | None = None
    try:
        load_settings(path, environ, overrides)
    except ConfigError as caught:
        error = caught
    if error is None:
        return ""
    assert error.problems
    assert error.hint
    assert all(problem.splitlines() == [problem] for problem in error.problems)
    return f"{error}{error.hint}{error.__context__}{error.__cause__}"


@QUICK
@given(tree=st.dictionaries(st.sampled_from(SECTIONS), trees, max_size=6))
def test_anything_in_any_place(tree: dict[str, object]) -> None:
    """Whatever stands wherever, it is taken or refused, and no value is repeated."""
    assert CANARY not in told(None, {}, tree)


@QUICK
@given(section=st.sampled_from(SECTIONS), key=st.sampled_from(KEYS), value=trees)
def test_one_odd_value_among_good_ones(section: str, key: str, value: object) -> None:
    """One value that is something else than it should be is taken or refused."""
    base = GOOD.get(section, {})
    tree = GOOD | ({section: value} if section == "state_dir" else {section: base | {key: value}})
    assert CANARY not in told(None, {}, tree)


@QUICK
@given(
    names=st.dictionaries(
        st.lists(st.sampled_from([*SECTIONS, *KEYS, "", "x"]), min_size=1, max_size=4).map(
            lambda parts: "TRANSFER_" + "__".join(parts).upper()
        ),
        st.sampled_from(["[", "{", "[[[", '{"a": ' * 5_000, "[" * 100_000, "{a = " * 5_000, "9" * 5_000]) | odd_text,
        max_size=5,
    )
)
def test_any_environment(names: dict[str, str]) -> None:
    """Whatever variables with our prefix say, they are taken or refused."""
    assert CANARY not in told(None, names, GOOD)


@QUICK
@given(content=st.binary(max_size=200) | st.text(alphabet="[]{}=\".,#\\\n'a1_-+e ", max_size=200).map(str.encode))
def test_any_file(tmp_path: Path, content: bytes) -> None:
    """Whatever bytes a file holds, it is read or refused."""
    path = tmp_path / "transfer.toml"
    path.write_bytes(content)
    told(path, {}, {})


@pytest.mark.parametrize(
    "content",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * 500 + "]" * 500,
        "a = " + "{a=" * 100_000,
        ".".join(["a"] * 3_000) + " = 1",
        "[" + ".".join(["a"] * 3_000) + "]",
        "source." + ".".join(["a"] * 300) + " = 1",
        "a = " + "9" * 5_000,
        "a = 0x" + "f" * 5_000,
        "a = 1e999999999",
        "a = 9999-99-99",
        "a = 99:99:99",
        'state_dir = "a\\u0000b"',
        f'state_dir = "{"x" * 100_000}"',
        "[limits]\nbatch_bytes = 999999999999999999",
        "[selection]\nnewest = 99999999999999999999999",
        "[retry]\nwait_max = inf",
        "[retry]\nwait_max = nan",
        "[source.limits]\nrequests_per_second = 1e-320",
        "[source.limits]\nrequests_per_second = inf",
        "\ufeff\ufeff",
        "x" * 2_000_000,
    ],
    ids=lambda content: content[:30],
)
def test_absurd_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    """Numbers, nesting and names beyond all reason are exit code 2, not a traceback."""
    path = tmp_path / "transfer.toml"
    path.write_text(content, "utf-8")
    for command in ("check", "run"):
        assert invoke([command, "--config", str(path)]) == 2
        said = capsys.readouterr()
        assert said.err.startswith("configuration: ")
        assert len(said.err) < 5_000


def test_a_file_without_end(capsys: pytest.CaptureFixture[str]) -> None:
    """What is larger than a configuration is not read to its end."""
    assert invoke(["plan", "--config", "/dev/zero"]) == 2
    assert "is larger than 1 MiB" in capsys.readouterr().err


@QUICK
@given(
    command=st.sampled_from(["check", "plan", "run", "status"]),
    flags=st.lists(
        st.sampled_from(
            ["--dag", "--newest", "--since", "--until", "--source-url", "--state-dir", "--json", "--config"]
        )
        | (st.text(max_size=8) | odd_text).map(_as_argument),
        max_size=5,
    ),
)
def test_any_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, flags: list[str]
) -> None:
    """Whatever follows a command, the program ends with a code of its own and no traceback."""
    monkeypatch.chdir(tmp_path)
    accept_any_text()  # as the program does before anything else
    code = invoke([command, *flags])
    said = capsys.readouterr()
    assert code in {0, 1, 2}
    assert "Traceback" not in said.out + said.err
    assert "defect" not in said.out + said.err
