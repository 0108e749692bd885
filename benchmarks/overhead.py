"""Part ``overhead``: what the client itself costs, against a bare loop on servers that cost next to nothing.

CPU seconds of the client's process (user and system) are compared, not the time: nothing waits for a server here. Two
histories are moved, and the difference of their costs is the cost of the rows without that of starting.

The bare loop does nothing of what keeps rows safe. So it also runs with the duties of ``transfer``, each added to those
before: what is left of the ratio then is the client's own.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.canned import Canned, canned
from benchmarks.canned_rows import DAG, rows_of
from benchmarks.duties import DUTIES
from benchmarks.measure import CandidateFailedError, Cost, measure
from benchmarks.part import Bar, Document, Part, Settings, spread_of
from benchmarks.spread import number

RUNS = (4_000, 28_000)
QUICK = (400, 4_000)
SLICE_RUNS = 250
"""Runs of one page of the bare loop: as many as ``transfer run`` arrives at with these rows."""
LANES = 4
BARE, OURS = "bare loop", "transfer run"
MOST = 1.5

_CONFIG = """\
[source]
url = {source}
auth = {{ kind = "none" }}
[target]
url = {target}
auth = {{ kind = "none" }}
"""


def options(parser: argparse._ArgumentGroup) -> None:
    """Add the options of this part."""
    parser.add_argument("--overhead-runs", type=int, nargs=2, default=RUNS, help="DAG runs of the two histories")
    parser.add_argument("--overhead-close", action="store_true", help="the servers close each connection")


def with_duties(servers: Canned, folder: Path, *, duties: int) -> Cost:
    """Move everything with the loop that has the first so many duties."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        order = _order(servers) | {"duties": list(DUTIES)[:duties], "state": f"{fresh}/state.sqlite3"}
        command = [sys.executable, "-m", "benchmarks.duties"]
        return measure(command, stdin=json.dumps(order), env=os.environ, log=folder / "duties.log")


def _order(servers: Canned) -> dict[str, Any]:
    return {"urls": [servers.source, servers.target], "dag_id": DAG, "slice_runs": SLICE_RUNS, "lanes": LANES}


def bare_loop(servers: Canned, folder: Path) -> Cost:
    """Move everything with the bare loop."""
    command = [sys.executable, "-m", "benchmarks.bare_loop"]
    return measure(command, stdin=json.dumps(_order(servers)), env=os.environ, log=folder / "bare_loop.log")


def transfer(servers: Canned, folder: Path) -> Cost:
    """Move everything with ``transfer run`` and its default settings."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        config = Path(fresh) / "transfer.toml"
        config.write_text(_CONFIG.format(source=json.dumps(servers.source), target=json.dumps(servers.target)))
        command = [sys.executable, "-m", "transfer", "run", "-c", str(config), "-s", f"{fresh}/state", "--json"]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
        return measure(command, stdin="", env={**ours, "NO_PROXY": "127.0.0.1"}, log=folder / "transfer.log")


STEPS = {f"+ {duty}": partial(with_duties, duties=number) for number, duty in enumerate(DUTIES, 1)}
"""The bare loop with one duty more each."""

SAFE = list(STEPS)[-1]
CANDIDATES: dict[str, Callable[[Canned, Path], Cost]] = {BARE: bare_loop, **STEPS, OURS: transfer}


def run(settings: Settings) -> Document:
    """Move both histories with both candidates in turn, as often as asked."""
    sizes = sorted(QUICK if settings.quick else settings.options.overhead_runs)
    close = bool(getattr(settings.options, "overhead_close", False))
    found = []
    for size in sizes:
        with canned(size, close=close) as servers:
            found += [
                _run_one(name, servers, size, settings.folder) for _ in range(settings.repeat) for name in CANDIDATES
            ]
    document: Document = {"settings": {"sizes": sizes, "close": close}, "runs": found}
    return document | {"bars": [bar.document() for bar in bars(document)]}


def _run_one(name: str, servers: Canned, size: int, folder: Path) -> Document:
    cost = CANDIDATES[name](servers, folder)
    arrived = servers.arrived()
    requests, rows = arrived.pop("requests"), sum(arrived.values())
    if rows != rows_of(size):
        raise CandidateFailedError(f"{name}: {rows} of {rows_of(size)} rows arrived")
    shown = f"{cost.cpu_seconds:6.2f} s of CPU, {cost.cpu_seconds / rows * 1e6:5.1f} us/row"
    print(f"{name:14} {rows:10,} rows  {shown}  {rows / requests:4.0f} rows/request  {cost.peak_mib:4.0f} MiB")
    return {
        "candidate": name,
        "size": size,
        "rows": rows,
        "seconds": cost.seconds,
        "cpu_seconds": cost.cpu_seconds,
        "peak_mib": cost.peak_mib,
        "rows_per_request": rows / requests,
    }


def _of(document: Document, name: str, size: int) -> list[Document]:
    return [run for run in document["runs"] if (run["candidate"], run["size"]) == (name, size)]


def marginal(document: Document, name: str) -> float:
    """Return microseconds of CPU per row without those of starting, from the medians of both histories."""
    small, large = (_of(document, name, size) for size in document["settings"]["sizes"])
    seconds = _median_cpu(large) - _median_cpu(small)
    rows: int = large[0]["rows"] - small[0]["rows"]
    return seconds / rows * 1e6


def _median_cpu(runs: list[Document]) -> float:
    seconds: list[float] = [run["cpu_seconds"] for run in runs]
    return statistics.median(seconds)


def whole(document: Document, name: str) -> Document:
    """Return the spread of microseconds of CPU per row over whole runs of the large history."""
    runs = _of(document, name, document["settings"]["sizes"][-1])
    return spread_of([run["cpu_seconds"] / run["rows"] * 1e6 for run in runs])


def bars(document: Document) -> list[Bar]:
    """Return what was promised of the client's cost."""
    ratio = whole(document, OURS)["median"] / whole(document, BARE)["median"]
    rows = marginal(document, OURS) / marginal(document, BARE)
    found = [
        Bar("CPU against the bare loop", ratio, MOST, "most"),
        Bar("CPU against the bare loop, without starting", rows, MOST, "most"),
    ]
    if SAFE in candidates(document):
        ratio = whole(document, OURS)["median"] / whole(document, SAFE)["median"]
        rows = marginal(document, OURS) / marginal(document, SAFE)
        found += [
            Bar("CPU against the bare loop with the same duties", ratio, MOST, "most"),
            Bar("CPU against the bare loop with the same duties, without starting", rows, MOST, "most"),
        ]
    return found


def candidates(document: Document) -> list[str]:
    """Return the candidates of a document in their order; older ones lack some."""
    there = {run["candidate"] for run in document["runs"]}
    return [name for name in CANDIDATES if name in there]


def duties_table(document: Document) -> list[str]:
    """Return the lines of the table that says what each duty costs, as a part of what the bare loop does."""
    names = [name for name in candidates(document) if name != OURS]
    if SAFE not in names:
        return []
    bare = marginal(document, BARE)
    costs = {
        after: marginal(document, after) - marginal(document, before) for before, after in pairwise([*names, OURS])
    }
    told = {**dict(zip(STEPS, DUTIES.values(), strict=True)), OURS: "all the rest of `transfer run`"}
    lines = [
        "",
        "| | what it adds | without starting, us/row | against the bare loop |",
        "|---|---|--:|--:|",
        f"| {BARE} | | {number(bare)} | 1.00x |",
    ]
    lines += [f"| {name} | {told[name]} | {number(cost)} | {cost / bare:.2f}x |" for name, cost in costs.items()]
    ours, safe = marginal(document, OURS), marginal(document, SAFE)
    said = f"{OURS} = {ours / bare:.2f}x the bare loop = {ours / safe:.2f}x the bare loop with the same duties"
    return [*lines, "", f"Without starting, {said}, which is {safe / bare:.2f}x the bare loop."]


def table(document: Document) -> list[str]:
    """Return the lines of the table."""
    lines = [
        "| | CPU, us/row | lowest to highest | without starting, us/row | rows per request | peak memory, MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name in candidates(document):
        runs = _of(document, name, document["settings"]["sizes"][-1])
        cpu = whole(document, name)
        cells = (
            number(cpu["median"]),
            f"{number(cpu['lowest'])} to {number(cpu['highest'])}",
            number(marginal(document, name)),
            number(runs[0]["rows_per_request"]),
            number(max(run["peak_mib"] for run in runs)),
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    rows = " and ".join(f"{rows_of(size):,}" for size in document["settings"]["sizes"])
    return [
        *lines,
        *duties_table(document),
        "",
        f"Histories of {rows} rows; whole runs are of the larger one, and without starting is the difference of both.",
    ]


def plot(document: Document, pyplot: Any) -> Any:
    """Return the picture: CPU per row of each."""
    names = candidates(document)
    figure, axes = pyplot.subplots(figsize=(8, 1.5 + 0.4 * len(names)))
    plots.bars_with_spread(axes, {name: whole(document, name) for name in names}, "us of CPU per row")
    return figure


PART = Part(
    name="overhead",
    description="the client's own CPU per row against a bare GET-parse-dump-POST loop",
    run=run,
    table=table,
    plot=plot,
    options=options,
)
