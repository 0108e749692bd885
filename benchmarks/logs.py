"""Part ``logs``: task logs through ``transfer logs`` against a raw pipe from GET to POST.

One log of a gigabyte, between servers that cost next to nothing, and ten thousand small ones, between servers that need
5 ms for each request. The rate is that of the bytes from the first request to the last answer of the target: neither
starting nor finding the logs is part of it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks import plots
from benchmarks.canned_rows import DAG
from benchmarks.log_servers import Servers, log_servers
from benchmarks.measure import CandidateFailedError, Cost, measure
from benchmarks.part import Bar, Document, Part, Settings, spread_of
from benchmarks.spread import number

PIPE, OURS = "raw pipe", "transfer logs"
LANES = 8
"""Logs at once, the default of ``limits.logs_at_once``."""

LEAST = 0.8
MOST_MIB = 150
SMALL_BYTES = 20_000
LOGS_OF_RUN = 11.5
"""Tries of a run of ``canned_rows``, on average."""

_CONFIG = """\
[source]
url = {source}
auth = {{ kind = "none" }}
[target]
url = {target}
auth = {{ kind = "none" }}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is moved: logs of ``size`` bytes of so many runs, or of one try only."""

    name: str
    runs: int
    size: int
    large: bool


def options(parser: argparse._ArgumentGroup) -> None:
    """Add the options of this part."""
    parser.add_argument("--logs-large", type=int, default=1_000_000_000, help="bytes of the large log")
    parser.add_argument("--logs-small", type=int, default=10_000, help="how many small logs, about")


def run(settings: Settings) -> Document:
    """Move both loads with both candidates in turn, as often as asked."""
    large = 100_000_000 if settings.quick else settings.options.logs_large
    small = 1_000 if settings.quick else settings.options.logs_small
    runs = round(small / LOGS_OF_RUN)
    loads = (Load("one large log", 1, large, large=True), Load("small logs", runs, SMALL_BYTES, large=False))
    found = [one for load in loads for one in _load(load, settings)]
    document: Document = {"settings": {"large": large, "small": small, "lanes": LANES}, "runs": found}
    return document | {"bars": [bar.document() for bar in bars(document)]}


def _load(load: Load, settings: Settings) -> Iterator[Document]:
    with log_servers(load.runs, load.size, large=load.large) as servers:
        names = list(_names(servers, load.runs))
        for _ in range(settings.repeat):
            for name, candidate in CANDIDATES.items():
                yield _run_one(name, candidate(servers, names, settings.folder), servers, load)


def _run_one(name: str, cost: Cost, servers: Servers, load: Load) -> Document:
    seen = servers.seen()
    if not seen.logs or seen.size != seen.logs * load.size:
        raise CandidateFailedError(f"{name}: {seen.logs} logs with {seen.size} bytes arrived")
    rate = seen.size / seen.seconds / 1e6
    print(f"{load.name:14} {name:14} {seen.logs:7,} logs {rate:8.1f} MB/s {cost.peak_mib:5.0f} MiB")
    return {
        "load": load.name,
        "candidate": name,
        "logs": seen.logs,
        "bytes": seen.size,
        "mb_per_second": rate,
        "logs_per_second": seen.logs / seen.seconds,
        "cpu_seconds": cost.cpu_seconds,
        "peak_mib": cost.peak_mib,
    }


def _names(servers: Servers, runs: int) -> Iterator[dict[str, str]]:
    """Yield the parameters of each log, as the rows of the source name them."""
    for route in ("task_instances", "task_instance_history"):
        with urlopen(f"{servers.source}/api/starship/{route}?dag_id={DAG}&offset=0&limit={runs}") as answer:  # noqa: S310  our own server
            for row in json.load(answer)["task_instances"]:
                yield {name: str(row[name]) for name in ("dag_id", "run_id", "task_id", "map_index", "try_number")}


def pipe(servers: Servers, names: list[dict[str, str]], folder: Path) -> Cost:
    """Move everything with the raw pipe."""
    order = {"urls": [servers.source, servers.target], "names": names, "lanes": LANES}
    command = [sys.executable, "-m", "benchmarks.log_pipe"]
    return measure(command, stdin=json.dumps(order), env=os.environ, log=folder / "log_pipe.log")


def transfer(servers: Servers, names: list[dict[str, str]], folder: Path) -> Cost:
    """Move the history, which is not measured, and then everything with ``transfer logs`` and its default settings."""
    del names
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
    env = {**ours, "NO_PROXY": "127.0.0.1"}
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        config = Path(fresh) / "transfer.toml"
        config.write_text(_CONFIG.format(source=json.dumps(servers.source), target=json.dumps(servers.target)))
        job = ["-c", str(config), "-s", f"{fresh}/state", "--json"]
        measure([sys.executable, "-m", "transfer", "run", *job], stdin="", env=env, log=folder / "transfer_run.log")
        servers.seen()
        return measure([sys.executable, "-m", "transfer", "logs", *job], stdin="", env=env, log=folder / "logs.log")


CANDIDATES: dict[str, Callable[[Servers, list[dict[str, str]], Path], Cost]] = {PIPE: pipe, OURS: transfer}


def _of(document: Document, load: str, name: str) -> list[Document]:
    return [one for one in document["runs"] if (one["load"], one["candidate"]) == (load, name)]


def _loads(document: Document) -> list[str]:
    return list(dict.fromkeys(one["load"] for one in document["runs"]))


def rate(document: Document, load: str, name: str) -> Document:
    """Return the spread of MB/s of one candidate."""
    return spread_of([one["mb_per_second"] for one in _of(document, load, name)])


def bars(document: Document) -> list[Bar]:
    """Return what was promised of rates and of memory."""
    found = [
        Bar(f"{load}: MB/s against the raw pipe", _median(document, load, OURS) / _median(document, load, PIPE), LEAST)
        for load in _loads(document)
    ]
    most = max(one["peak_mib"] for one in document["runs"] if one["candidate"] == OURS)
    return [*found, Bar("peak memory", most, MOST_MIB, "most", "MiB")]


def _median(document: Document, load: str, name: str) -> float:
    median: float = rate(document, load, name)["median"]
    return median


def table(document: Document) -> list[str]:
    """Return the lines of the table."""
    lines = [
        "| | | logs | MB/s | lowest to highest | logs/s | CPU, s | peak memory, MiB |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for load in _loads(document):
        for name in CANDIDATES:
            runs, speed = _of(document, load, name), rate(document, load, name)
            cells = (
                f"{runs[0]['logs']:,}",
                number(speed["median"]),
                f"{number(speed['lowest'])} to {number(speed['highest'])}",
                number(statistics.median(one["logs_per_second"] for one in runs)),
                f"{statistics.median(one['cpu_seconds'] for one in runs):.1f}",
                number(max(one["peak_mib"] for one in runs)),
            )
            lines.append(f"| {load} | {name} | {' | '.join(cells)} |")
    lanes = document["settings"]["lanes"]
    return [
        *lines,
        "",
        f"{lanes} logs at once; small ones have {SMALL_BYTES:,} bytes. CPU is that of the whole process.",
    ]


def plot(document: Document, pyplot: Any) -> Any:
    """Return the picture: MB/s of each load."""
    loads = _loads(document)
    figure, axes = pyplot.subplots(1, len(loads), figsize=(11, 2.6), squeeze=False)
    for axis, load in zip(axes[0], loads, strict=True):
        plots.bars_with_spread(axis, {name: rate(document, load, name) for name in CANDIDATES}, "MB/s")
        axis.set_title(load)
    return figure


PART = Part(
    name="logs",
    description="task logs, one of a gigabyte and ten thousand small ones, against a raw GET-to-POST pipe",
    run=run,
    table=table,
    plot=plot,
    options=options,
)
