"""Part ``real``: one history on a real Airflow pair, moved by others and by ``transfer``, in turn.

What boots and moves is in ``real_rounds``, which needs the packages of the live tests; this module does not.
"""

import argparse
import importlib
import statistics
from typing import Any

from benchmarks import plots
from benchmarks.part import Bar, Document, Part, PartUnavailableError, Settings, spread_of
from benchmarks.spread import Spread, number

OURS = "transfer run"
PAGE_10 = "Starship page, 10 runs a batch"
PAGE_100 = "Starship page, 100 runs a batch"
PIPE = "pipe of 4 lanes"
LEAN_PIPE = "pipe of 4 lanes, without null columns"
OPERATOR = "Starship operator, default"
LARGEST = "Starship operator, its largest"

NAMES = (PAGE_10, PAGE_100, PIPE, LEAN_PIPE, OURS)
"""The candidates that are processes of their own and move everything."""

PAGES = (PAGE_10, PAGE_100)
OWN = ("benchmarks", "transfer")
INSTALL = "the real pair needs what the live tests need, pip install -e '.[test]' in a checkout"


def options(parser: argparse._ArgumentGroup) -> None:
    """Add this part's options."""
    parser.add_argument("--real-runs", type=int, default=4_000, help="DAG runs in the history")
    parser.add_argument("--real-tasks", type=int, default=10, help="task instances of each run")


def run(settings: Settings) -> Document:
    """Let all candidates move a history in turn as often as asked, and return what was found.

    Raises:
        PartUnavailableError: this machine lacks what the pair needs; the message says what.
    """
    try:
        real_rounds = importlib.import_module("benchmarks.real_rounds")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OWN:
            raise
        raise PartUnavailableError(f"module {error.name} is missing: {INSTALL}") from error
    found: Document = real_rounds.measured(settings)
    return found


def document_of(runs: list[Document], operator: Document, servers: dict[str, str]) -> Document:
    """Return all runs, their medians with spread, and the bars."""
    spreads = {name: spread_of([one["rows_per_second"] for one in of(runs, name)]) for name in NAMES}
    for name, attempts in operator["attempts"].items():
        spreads[name] = spread_of([one["rows_per_second"] for one in attempts])
    return {
        "runs": runs,
        "operator": operator,
        "rates": spreads,
        "bars": [bar.document() for bar in held(spreads)],
        "versions": servers,
    }


def of(runs: list[Document], name: str) -> list[Document]:
    """Return the runs of one candidate."""
    return [one for one in runs if one["candidate"] == name]


def held(spreads: dict[str, Document]) -> list[Bar]:
    """Return what was promised: ratios of the medians of one run of this program."""
    ours = spreads[OURS]["median"]
    best = max(spreads[name]["median"] for name in PAGES)
    return [
        Bar("rows/s against the feature-less pipe", ours / spreads[PIPE]["median"], 1.05),
        Bar("rows/s against the Starship page at its best setting", ours / best, 1.8),
        Bar("rows/s against the Starship page at its default", ours / spreads[PAGE_10]["median"], 4.0),
    ]


def table(document: Document) -> list[str]:
    """Return the medians and their ratio to the page's best setting as Markdown."""
    rates = document["rates"]
    best = max(rates[name]["median"] for name in PAGES)
    head = (
        "| | runs | rows/s | lowest to highest | ratio | CPU, us/row | servers' CPU, us/row | peak memory, MiB"
        " | requests at once found, source and target |"
    )
    lines = [
        f"{document['rows']:,} rows, in turn, medians; the slowest run less often. Start-up is in the time.",
        "",
        head,
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, rate in rates.items():
        spread = Spread(**rate)
        runs = of(document["runs"], name)
        speed = [str(spread.runs), number(spread.median), spread.range, f"{spread.median / best:.2f}"]
        cells = [*speed, *costs(runs), concurrency(runs)]
        lines.append(f"| {' | '.join((name, *cells))} |")
    return [*lines, "", *operator_lines(document["operator"])]


def costs(runs: list[Document]) -> tuple[str, str, str]:
    """Return CPU and memory for the table, nothing for the operator: it is a part of Airflow."""
    if not runs:
        return "", "", ""
    client, servers = (
        Spread.of(one[name] for one in runs).median for name in ("cpu_us_per_row", "server_cpu_us_per_row")
    )
    return f"{client:.0f}", f"{servers:.0f}", f"{max(one['peak_mib'] for one in runs):.0f}"


def concurrency(runs: list[Document]) -> str:
    """Return the requests at once that were found at source and target, nothing for who does not look for them.

    Of each run the median over its second half, when the search is over; of these the median.
    """
    sides: dict[str, list[float]] = {}
    for found in (one.get("concurrency", {}) for one in runs):
        for side, points in found.items():
            settled = [count for _, count in points[len(points) // 2 :]]
            sides.setdefault(side, []).append(statistics.median(settled))
    return " and ".join(f"{statistics.median(found):.0f}" for _, found in sorted(sides.items()))


def operator_lines(operator: Document) -> list[str]:
    """Return what became of the operator: it moves no more than its limit, and never the history of tasks."""
    first = [attempts[0] for attempts in operator["attempts"].values()]
    moved = "; ".join(f"{one['runs']:,} runs ({one['rows']:,} rows) with limit {one['limit']:,}" for one in first)
    said = (
        "The operator moves the newest runs up to its limit in one request, never the history of task instances, and a "
        f"second execution begins with the same runs: {moved}. Its rates are those of `execute` alone."
    )
    return [said, "", *(f"- {one}" for one in operator["tried"])]


def plot(document: Document, pyplot: Any) -> Any:
    """Draw rows/s, concurrency over time and memory over time."""
    ours = of(document["runs"], OURS)
    found: dict[str, list[tuple[float, float]]] = ours[-1].get("concurrency", {})
    figure, axes = pyplot.subplots(1, 3 if found else 2, figsize=(15 if found else 11, 3.6))
    plots.bars_with_spread(axes[0], document["rates"], "rows/s")
    plots.lines(axes[1], {name: of(document["runs"], name)[-1]["memory"] for name in NAMES}, ("seconds", "MiB"))
    axes[1].set_title("memory")
    if found:
        plots.lines(axes[2], found, ("seconds", "requests at once"))
        axes[2].set_title("concurrency found")
    return figure


PART = Part(
    name="real",
    description="A real Airflow pair: against Starship's page, its operator, and a feature-less pipe.",
    run=run,
    table=table,
    plot=plot,
    options=options,
)
