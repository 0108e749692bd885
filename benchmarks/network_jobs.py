"""One job over one network: emulated servers with so many workers, so far away, and what moves between them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import rates, saturate
from benchmarks.measure import CandidateFailedError, measure
from benchmarks.moving import Mover, environment, starship_page, transfer_run
from benchmarks.serve import Order, costs
from benchmarks.servers import started
from transfer.emulator import Shape
from transfer.emulator.capacity import ServiceTimes

TASKS = 10
RETRY_EVERY = 7
BATCH = 1_000
STEP = 0.5
"""Seconds between two points of a curve."""

TRIPS_OF_A_PAGE = 4
"""The page asks for three answers together and sends three requests in turn; each is a new connection."""


@dataclass(frozen=True, slots=True)
class Network:
    """Workers of either server, seconds each way, and what requests cost the workers."""

    workers: int
    delay: float
    service: ServiceTimes

    @property
    def name(self) -> str:
        """Return it in a few words."""
        return f"{self.workers} workers, {self.delay * 1000:.0f} ms"

    def order(self, shape: Shape, *, writable: bool) -> Order:
        """Return what a server with that history is told."""
        return Order(_fields(shape), writable, self.workers, self.delay, costs(self.service))

    def saturated(self, shape: Shape) -> float:
        """Return the rows/s of a target whose workers always have a full batch."""
        return rates.saturated(self.service, shape.totals(), self.workers, BATCH)

    def page_seconds(self, batch: int) -> float:
        """Return about how long the page takes for ``batch`` runs."""
        rows = shape_of(batch).totals()
        travel = 4 * self.delay * TRIPS_OF_A_PAGE
        reads = [self.service.seconds("GET", kind, count) for kind, count in rows.items()]
        writes = [self.service.seconds("POST", kind, count) for kind, count in rows.items()]
        return travel + sum(writes) + max(*reads, sum(reads) / self.workers)


def shape_of(runs: int, dags: int = 1) -> Shape:
    """Return a history of about so many runs."""
    return Shape(dags=dags, runs=max(runs // dags, 1), tasks=TASKS, retry_every=RETRY_EVERY)


def shape_for(rows: float, dags: int) -> Shape:
    """Return a history of about so many rows."""
    one = sum(shape_of(1).totals().values())
    return shape_of(max(int(rows / one), 1), dags)


def run_transfer(network: Network, shape: Shape, folder: Path) -> dict[str, Any]:
    """Let ``transfer run`` move a history and return what both sides saw of it."""
    with TemporaryDirectory(dir=folder) as fresh:
        return _run(network, shape, lambda urls: transfer_run(urls[0], urls[1], Path(fresh)), folder / "transfer.log")


def run_page(network: Network, batch: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Let the page's algorithm move a share of a history that takes about so many seconds."""
    batches = max(3, round(seconds / network.page_seconds(batch)))
    shape = shape_of(batches * batch)
    return _run(network, shape, lambda urls: starship_page(urls[0], urls[1], "dag_0000", batch), folder / "page.log")


def _run(network: Network, shape: Shape, mover: Any, log: Path) -> dict[str, Any]:
    with (
        started(network.order(shape, writable=False)) as source,
        started(network.order(shape, writable=True)) as target,
    ):
        program: Mover = mover((source.url, target.url))
        cost = measure(program.command, stdin=program.stdin, env=program.env, log=log)
        read, written = source.ended(), target.ended()
    if not written.exactly_once:
        raise CandidateFailedError(f"{network.name}: not every row arrived once: {written.proof}")
    posts = written.posts()
    start = min(seen.arrived or 0.0 for seen in posts)
    use = rates.use(posts, written.log, network.workers)
    return {
        "workers": network.workers,
        "delay_ms": network.delay * 1000,
        **use.document(),
        "rows_per_second": use.rows / cost.seconds,
        "cpu_us_per_row": cost.cpu_seconds / use.rows * 1e6,
        "server_cpu_us_per_row": [report.cpu_seconds / use.rows * 1e6 for report in (read, written)],
        "peak_mib": cost.peak_mib,
        "most_at_source": rates.most_at_once(read.log),
        "rows_over_time": rates.over_time(posts, STEP, start=start),
        "at_target_over_time": rates.under_way(written.log, STEP, start=start),
        "at_source_over_time": rates.under_way(read.log, STEP, start=start),
    }


def run_load(network: Network) -> dict[str, Any]:
    """Load one target with full batches from many clients and return what it stored per second.

    There are as many batches of each kind as its workers can share evenly; the rate is that of the time in which all of
    them had something to do.
    """
    shape = shape_of(network.workers * BATCH)
    with started(network.order(shape, writable=True)) as target:
        order = saturate.Order(target.url, _fields(shape), clients=4 * network.workers + 4, batch=BATCH)
        command, text = [sys.executable, "-m", "benchmarks.saturate"], order.text().encode()
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True, env=environment())  # noqa: S603  our own command
        report = target.ended()
    said = json.loads(done.stdout)
    rows = sum(kind["rows"] for kind in said.values())
    return {
        "workers": network.workers,
        "rows": rows,
        "rows_per_second": rates.steady(report.posts()),
        "rows_per_second_to_the_end": rows / sum(kind["seconds"] for kind in said.values()),
        "computed": network.saturated(shape),
        "server_cpu_us_per_row": report.cpu_seconds / rows * 1e6,
    }


def _fields(shape: Shape) -> dict[str, int]:
    return {"dags": shape.dags, "runs": shape.runs, "tasks": shape.tasks, "retry_every": shape.retry_every}
