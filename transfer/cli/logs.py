"""Where log lines go while a command runs."""

import sys

from rich.console import Console

from transfer.cli.options import OutputOptions
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
