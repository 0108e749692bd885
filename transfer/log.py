"""Logs: one line per event, for people on a terminal or as JSON for machines, without secrets."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from transfer.errors import ConfigError
from transfer.secrets_registry import MASK, mask

LEVELS: Final = ("debug", "info", "warning", "error")

_SECRET_KEYS: Final = ("password", "passwd", "token", "authorization", "cookie", "secret", "api_key", "apikey")
_INT64: Final = 2**63


def configure_logging(*, level: str, json: bool, stream: TextIO) -> None:
    """Send every event of ``level`` and above to ``stream``, also those of libraries that use ``logging``.

    ``json`` gives one object per line, in UTF-8 and written to ``stream.buffer``; otherwise lines for people, coloured
    on a terminal. Times are ISO 8601 in UTC. May be called again. Raises ``ConfigError`` for an unknown level.
    """
    if level.lower() not in LEVELS:
        raise ConfigError([f"log level: must be one of {', '.join(LEVELS)}"])
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact_event,
            _json_line if json else _console(stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(stream.buffer) if json else structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,  # a cached logger would go on writing to the stream of an earlier call
    )
    _forward_libraries(threshold)


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return ``event`` as plain JSON values: what stands under a telling key or is a known secret is masked."""
    return {key: _plain(key, value) for key, value in event.items()}


def _plain(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if any(telling in key.lower().replace("-", "_") for telling in _SECRET_KEYS):
        return MASK
    if isinstance(value, Mapping):
        return {_text(name): _plain(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(key, item) for item in value]
    if isinstance(value, float) or (isinstance(value, int) and -_INT64 <= value < _INT64):
        return value
    return _text(value)


def _text(value: object) -> str:
    """Return text for one line: server data may hold lone surrogates, which cannot be encoded, and terminal escapes."""
    shown = f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
    return "".join(char if char.isprintable() else _escaped(char) for char in mask(shown))


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _json_line(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return orjson.dumps(event)


def _console(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)


class _Forwarder(logging.Handler):
    """Hands the records of libraries on: asyncio prints whole exceptions, and these may hold request headers."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)  # structlog knows no others
        logger = structlog.get_logger().bind(logger=record.name)
        with suppress(OSError, ValueError):  # a closed stream is no reason for a library to fail
            logger.log(level, record.getMessage(), exc_info=record.exc_info)


def _forward_libraries(threshold: int) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Forwarder)]:
        root.removeHandler(handler)
    root.addHandler(_Forwarder(level=max(threshold, logging.WARNING)))
