"""Part ``xcoms``: how much of what a server can do ``transfer xcoms`` uses.

Emulated servers of which each has two workers that need 10 ms for a request. The source is the busier one: it is asked
for a list for each run, and for the values of each task instance that has any; the target takes each value. What it
answers per second is held against what it answers under an open load.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.measure import CandidateFailedError, Cost, measure
from benchmarks.part import Bar, Document, Part, Settings, spread_of
from benchmarks.spread import number
from benchmarks.xcom_servers import HOLDING, Servers, xcom_servers

LOAD, OURS = "open load", "transfer xcoms"
LEAST = 0.8
MOST_MIB = 150

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
    parser.add_argument("--xcoms-runs", type=int, default=600, help="DAG runs, with five XComs each")


def run(settings: Settings) -> Document:
    """Let both have a turn as often as asked."""
    runs = 60 if settings.quick else settings.options.xcoms_runs
    found: list[Document] = []
    with xcom_servers(runs) as servers:
        for _ in range(settings.repeat):
            found += [_load(servers, runs), _transfer(servers, runs, settings.folder)]
    document: Document = {"settings": {"runs": runs}, "runs": found}
    return document | {"bars": [bar.document() for bar in bars(document)]}


def _load(servers: Servers, runs: int) -> Document:
    servers.seen()
    order = json.dumps({"url": servers.source, "requests": runs * len(HOLDING)})
    with tempfile.TemporaryDirectory() as fresh:
        command = [sys.executable, "-m", "benchmarks.xcom_load"]
        cost = measure(command, stdin=order, env=os.environ, log=Path(fresh) / "load.log")
    return _said(LOAD, servers, cost)


def _transfer(servers: Servers, runs: int, folder: Path) -> Document:
    """Move the history, which is not measured, and then the XComs with default settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
    env["NO_PROXY"] = "127.0.0.1"
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        config = Path(fresh) / "transfer.toml"
        config.write_text(_CONFIG.format(source=json.dumps(servers.source), target=json.dumps(servers.target)))
        job = ["-c", str(config), "-s", f"{fresh}/state", "--json"]
        command = [sys.executable, "-m", "transfer"]
        measure([*command, "run", *job], stdin="", env=env, log=folder / "transfer_run.log")
        servers.seen()
        cost = measure([*command, "xcoms", *job], stdin="", env=env, log=folder / "xcoms.log")
    found = _said(OURS, servers, cost)
    if found["values"] != runs * len(HOLDING):
        raise CandidateFailedError(f"{OURS}: {found['values']} of {runs * len(HOLDING)} values arrived")
    return found


def _said(name: str, servers: Servers, cost: Cost) -> Document:
    source, target = servers.seen()
    print(f"{name:16} {source.requests:7,} requests {source.rate:8.1f}/s {target.values:7,} values")
    return {
        "candidate": name,
        "requests": source.requests,
        "requests_per_second": source.rate,
        "values": target.values,
        "values_per_second": target.rate,
        "cpu_seconds": cost.cpu_seconds,
        "peak_mib": cost.peak_mib,
    }


def _of(document: Document, name: str) -> list[Document]:
    return [one for one in document["runs"] if one["candidate"] == name]


def rate(document: Document, name: str) -> Document:
    """Return the spread of the requests per second that the source answered to one candidate."""
    return spread_of([one["requests_per_second"] for one in _of(document, name)])


def bars(document: Document) -> list[Bar]:
    """Return what was promised of rates and of memory."""
    ratio = rate(document, OURS)["median"] / rate(document, LOAD)["median"]
    most = max(one["peak_mib"] for one in _of(document, OURS))
    return [
        Bar("requests/s against what the source can do", ratio, LEAST),
        Bar("peak memory", most, MOST_MIB, "most", " MiB"),
    ]


def table(document: Document) -> list[str]:
    """Return the lines of the table."""
    lines = ["| | requests/s at the source | lowest to highest | XComs/s | CPU, s |", "|---|--:|--:|--:|--:|"]
    for name in (LOAD, OURS):
        speed, last = rate(document, name), _of(document, name)[-1]
        values = number(last["values_per_second"]) if last["values"] else ""
        spread = f"{number(speed['lowest'])} to {number(speed['highest'])}"
        lines.append(f"| {name} | {number(speed['median'])} | {spread} | {values} | {last['cpu_seconds']:.1f} |")
    return lines


def plot(document: Document, pyplot: Any) -> Any:
    """Return the picture: requests per second at the source."""
    figure, axes = pyplot.subplots(1, 1, figsize=(6, 2.6))
    plots.bars_with_spread(axes, {name: rate(document, name) for name in (LOAD, OURS)}, "requests/s")
    return figure


PART = Part(
    name="xcoms",
    description="XComs, many small requests, against what the source can answer under an open load",
    run=run,
    table=table,
    plot=plot,
    options=options,
)
