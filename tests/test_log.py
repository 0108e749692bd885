"""What reaches the log, and what does not."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from transfer import secrets_registry
from transfer.errors import ConfigError
from transfer.log import configure_logging, redact_event

CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(secrets_registry, "_known", {CANARY})
    monkeypatch.setattr(logging.getLogger(), "handlers", list(logging.getLogger().handlers))
    yield
    structlog.reset_defaults()


def new_stream() -> io.TextIOWrapper:
    """Return a stand-in for stderr."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


@pytest.fixture
def stream() -> io.TextIOWrapper:
    """Stand in for stderr."""
    return new_stream()


def written(stream: io.TextIOWrapper) -> str:
    """Return all that was logged."""
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode("utf-8")


def test_json_lines(stream: io.TextIOWrapper) -> None:
    """A machine reads one object per line, with time in UTC, level and values."""
    configure_logging(level="info", json=True, stream=stream)
    structlog.get_logger().info("batch written", rows=500, dag_id="etl")
    event = json.loads(written(stream))
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "batch written", "level": "info", "rows": 500, "dag_id": "etl"}


def test_console_lines(stream: io.TextIOWrapper) -> None:
    """A person reads one plain line per event, without colours where there is no terminal."""
    configure_logging(level="info", json=False, stream=stream)
    structlog.get_logger().info("batch written", rows=500)
    text = written(stream)
    assert "batch written" in text
    assert "rows=500" in text
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_level_is_a_threshold(stream: io.TextIOWrapper) -> None:
    """Events below the level are dropped, whatever the case of its name."""
    configure_logging(level="WARNING", json=True, stream=stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert json.loads(written(stream))["event"] == "loud"


def test_unknown_level() -> None:
    """A misspelt level is a configuration error that names the right ones."""
    with pytest.raises(ConfigError, match="log level: must be one of debug, info"):
        configure_logging(level="verbose", json=True, stream=new_stream())


def test_a_later_call_wins(stream: io.TextIOWrapper) -> None:
    """A logger that was already used follows the stream of the last call."""
    logger, earlier = structlog.get_logger(), new_stream()
    configure_logging(level="info", json=True, stream=earlier)
    logger.info("first")
    configure_logging(level="info", json=True, stream=stream)
    logger.info("second")
    assert json.loads(written(stream))["event"] == "second"


@pytest.mark.parametrize("key", ["password", "api-key", "Authorization", "set_cookie", "client_secret", "token"])
def test_masks_telling_keys(key: str) -> None:
    """A value under a key that says it is secret is masked, at any depth."""
    assert CANARY not in str(redact_event(None, "info", {"event": "x", key: "other", "headers": [{key: CANARY}]}))
    assert redact_event(None, "info", {key: "other"}) == {key: "***"}


def test_row_keys_are_no_secrets() -> None:
    """The identity of a row is called key and stays readable."""
    assert redact_event(None, "info", {"key": ["run", 1]}) == {"key": ["run", 1]}


@pytest.mark.parametrize("json_lines", [True, False])
def test_masks_known_values_in_errors(stream: io.TextIOWrapper, *, json_lines: bool) -> None:
    """A known secret is masked in the event, in nested values and in tracebacks."""
    configure_logging(level="info", json=json_lines, stream=stream)
    try:
        int(CANARY)
    except ValueError as error:
        structlog.get_logger().exception(f"said {CANARY}", nested={"a": [CANARY, error]}, raw=CANARY.encode())
    assert "Traceback" in written(stream)
    assert CANARY not in written(stream)


def test_libraries_are_heard_and_masked(stream: io.TextIOWrapper) -> None:
    """What libraries log as a warning comes out once, in the same form, however often logging was set up."""
    configure_logging(level="info", json=True, stream=new_stream())
    configure_logging(level="info", json=True, stream=stream)
    logging.getLogger("asyncio").warning("lost %s", CANARY)
    logging.getLogger("asyncio").log(35, "own level")
    events = [json.loads(line) for line in written(stream).splitlines()]
    assert [(event["event"], event["logger"]) for event in events] == [
        ("lost ***", "asyncio"),
        ("own level", "asyncio"),
    ]


def test_a_closed_stream_does_not_break_libraries(stream: io.TextIOWrapper) -> None:
    """A library that warns when the stream is gone goes on."""
    configure_logging(level="info", json=True, stream=stream)
    stream.close()
    logging.getLogger("asyncio").warning("too late")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.sets(st.integers()),
    max_leaves=8,
)


@given(value=values)
def test_any_value_can_be_logged(value: Any) -> None:
    """Neither huge numbers nor broken text nor foreign types make a log call fail."""
    stream = new_stream()
    configure_logging(level="info", json=True, stream=stream)
    structlog.get_logger().info("row", value=value)
    assert json.loads(written(stream))["event"] == "row"
