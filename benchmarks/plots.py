"""Pictures, when matplotlib is there."""

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.part import Document

COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#64b5cd", "#8c8c8c")


class NoPicturesError(Exception):
    """Raised when matplotlib is missing; the message says what to do."""


def pyplot() -> Any:
    """Return matplotlib's ``pyplot``, which draws into files and needs no screen.

    It is imported here, since only pictures need it: it is in the extra ``bench``.

    Raises:
        NoPicturesError: matplotlib is not installed.
    """
    try:
        importlib.import_module("matplotlib").use("Agg")
        plots = importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError as error:
        raise NoPicturesError(
            "no pictures: matplotlib is missing, install the extra: pip install -e '.[bench]'"
        ) from error
    plots.rcParams.update({"figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3, "font.size": 9})
    return plots


def save(figure: Any, file: Path, plots: Any) -> None:
    """Write a figure and forget it."""
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plots.close(figure)


def bars_with_spread(axes: Any, spreads: Mapping[str, Document], unit: str) -> None:
    """Draw one horizontal bar per name: the median, with a line from lowest to highest.

    Args:
        axes: where to draw.
        spreads: what ``spread_of`` returned, by name; the first is drawn at the top.
        unit: what the numbers are.
    """
    names = list(spreads)
    medians = [spreads[name]["median"] for name in names]
    errors = [
        [median - spreads[name]["lowest"] for name, median in zip(names, medians, strict=True)],
        [spreads[name]["highest"] - median for name, median in zip(names, medians, strict=True)],
    ]
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(names))]
    axes.barh(names, medians, xerr=errors, color=colours, capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    for index, median in enumerate(medians):
        axes.annotate(f" {median:,.0f}", (0, index), va="center", color="white", fontweight="bold")


def lines(axes: Any, series: Mapping[str, Iterable[tuple[float, float]]], labels: tuple[str, str]) -> None:
    """Draw one line of (x, y) points per name; ``labels`` are those of x and y."""
    for index, (name, points) in enumerate(series.items()):
        ordered = list(points)
        if ordered:
            axes.plot(*zip(*ordered, strict=True), label=name, color=COLOURS[index % len(COLOURS)], linewidth=1.5)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.set_ylim(bottom=0)
    if series:
        axes.legend()
