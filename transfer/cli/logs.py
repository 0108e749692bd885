"""Where log lines go while a command runs."""

import sys

import structlog
from rich.console import Console

from transfer.cli.options import OutputOptions
from transfer.cli.output import plain
from transfer.client.retry import RetryEvent
from transfer.log import configure_logging


def has_live_view(output: OutputOptions) -> bool:
    """Tell whether progress is a table that redraws itself: on a terminal that can do so, and not for machines."""
    console = Console(stderr=True)
    return console.is_terminal and not console.is_dumb_terminal and not output.json


def set_up_logging(output: OutputOptions, *, beside_table: bool = False) -> None:
    """Log to what is standard error at this moment: JSON for machines, lines for people.

    ``beside_table`` leaves out what the table of a live view shows anyway, unless a level was asked for.
    """
    quiet = beside_table and output.log_level == "info"
    configure_logging(level="warning" if quiet else output.log_level, json=output.json, stream=sys.stderr)


def warn_of_wait(event: RetryEvent) -> None:
    """Log that a side is left alone for a while, and why."""
    structlog.get_logger().warning(
        "waiting", side=event.side, request=event.what, seconds=round(event.seconds, 1), reason=plain(event.reason)
    )
