"""What a part of the benchmarks is, and what it hands back."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.spread import Spread


class PartUnavailableError(Exception):
    """Raised when a part cannot be measured on this machine; the message says what is missing."""


Document = dict[str, Any]
"""What a part has measured, as JSON takes it: at least ``runs`` and ``bars``."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure.

    Args:
        quick: True wants an answer within about a minute, to see that the part works; its numbers mean little.
        repeat: how often each candidate runs; medians and spread are made of these.
        folder: an empty folder for logs and state directories, removed afterwards.
        options: what the part's own options (``Part.options``) were given.
    """

    quick: bool
    repeat: int
    folder: Path
    options: argparse.Namespace


@dataclass(frozen=True, slots=True)
class Bar:
    """A number that was promised and the number that was found.

    Args:
        text: what is compared, such as ``against the pipe``.
        value: what was measured; ``None`` when it could not be.
        bar: the number that was promised.
        at: which side of it keeps the promise.
        unit: what follows both numbers in the table, such as ``MiB``; ratios have ``x``.
    """

    text: str
    value: float | None
    bar: float
    at: Literal["least", "most"] = "least"
    unit: str = "x"

    @property
    def held(self) -> bool:
        """Tell whether the promise is kept; what was not measured keeps nothing."""
        if self.value is None:
            return False
        return self.value >= self.bar if self.at == "least" else self.value <= self.bar

    def document(self) -> Document:
        """Return the bar as JSON takes it."""
        return {
            "text": self.text,
            "value": self.value,
            "bar": self.bar,
            "at": self.at,
            "unit": self.unit,
            "held": self.held,
        }


def no_options(_parser: argparse._ArgumentGroup) -> None:
    """Stand in for the options of a part that has none."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that can be measured by itself.

    Args:
        name: as given on the command line, and the name of the files in ``results``.
        description: one sentence.
        run: measures, and returns the document; it prints a line for each run.
        table: the lines of a Markdown table made of nothing but the document.
        plot: given the document and matplotlib's ``pyplot``, returns a figure.
        options: adds the part's own options; their names begin with the part's, as ``--real-runs``.
    """

    name: str
    description: str
    run: Callable[[Settings], Document]
    table: Callable[[Document], list[str]]
    plot: Callable[[Document, Any], Any]
    options: Callable[[argparse._ArgumentGroup], None] = no_options


def bars(document: Document) -> list[Bar]:
    """Return the bars of a document, also of one that was read from its file."""
    names = ("text", "value", "bar", "at", "unit")
    return [Bar(**{name: bar[name] for name in names}) for bar in document.get("bars", [])]


def spread_of(values: Sequence[float]) -> Document:
    """Return median, lowest, highest and count as JSON takes them."""
    return Spread.of(values).document()
