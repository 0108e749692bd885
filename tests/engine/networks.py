"""Whole jobs between far servers with few or many workers, in virtual time: the load of the machine does not matter.

``python -m tests.engine.networks`` prints what they reach over many networks. Between the engine and the servers
nothing but the wire is left out; a target only counts what it is sent.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiohttp import web

from benchmarks import rates
from benchmarks.network_jobs import BATCH, shape_for, shape_of
from benchmarks.servers import Seen
from tests.simulation.clock import Clock
from tests.simulation.server import Asked, Deployment
from transfer.config.settings import SideLimits
from transfer.emulator import MEASURED, ProofHistory, ServiceTimes, Shape, SyntheticHistory
from transfer.kinds import KINDS

from .queues import Town, between

ENOUGH: Final = 0.9
"""The share of the saturated rate from which the right pace is found."""

WINDOW: Final = 2.0
"""Seconds over which the rate is looked at for that."""

STEP: Final = 0.5
"""Seconds between two points of a curve."""

HEAD: Final = (
    "workers delay | after a tenth  whole   late, busy | found after, s  of rows, % | posts | target; source at once"
)
MOST_STEPS: Final = 10_000_000


class Sink:
    """A target that has the DAGs of a source, and takes everything: it counts rows and keeps none."""

    def __init__(self, empty: Deployment) -> None:
        self._empty = empty
        self.rows = 0
        self._envelopes = {kind.route: kind.envelope for kind in KINDS}

    def carry_out(self, asked: Asked) -> web.Response:
        """Take rows, or answer as the empty one."""
        if asked.method != "POST":
            return self._empty.carry_out(asked)
        self.rows += asked.body.count(b'"run_id"')
        envelope = self._envelopes[asked.path.rpartition("/")[2]]
        return web.json_response({envelope: []})


@dataclass(frozen=True, slots=True)
class Far:
    """A source and a target with so many workers each, ``delay`` seconds away."""

    workers: int
    delay: float
    service: ServiceTimes = MEASURED

    def saturated(self, shape: Shape) -> float:
        """Return the rows/s of a target whose workers always have a full batch."""
        return rates.saturated(self.service, shape.totals(), self.workers, BATCH)


@dataclass(slots=True)
class Moved:
    """What came of one job."""

    town: Town
    workers: int
    saturated: float
    rows: int

    @property
    def posts(self) -> list[Seen]:
        """Return the writes that stored rows, in the order in which they were done."""
        return [seen for seen in self.log("target") if seen.method == "POST"]

    def log(self, side: str) -> list[Seen]:
        """Return what a side was asked."""
        return [Seen(*worked, HTTPStatus.OK) for worked in self.town.servers[side].log]

    @property
    def start(self) -> float:
        """Return when the first rows came."""
        return min(seen.arrived or 0.0 for seen in self.posts)

    def share(self) -> float:
        """Return the share of the saturated rate that was reached after the first tenth of the rows."""
        return rates.use(self.posts, self.posts, None).found_rate / self.saturated

    def whole(self) -> float:
        """Return the same of the whole job, from the first rows on."""
        return rates.use(self.posts, self.posts, None).rate / self.saturated

    def late(self) -> tuple[float, float]:
        """Return the share of the saturated rate from four to nine tenths of the rows, and how busy workers were."""
        ends = sorted(self.posts, key=lambda seen: seen.done or 0.0)
        stored, moments = 0, []
        for seen in ends:
            stored += seen.rows
            moments += [(stored, seen.done or 0.0)]
        (first, begin), (last, end) = (next(m for m in moments if m[0] >= share * stored) for share in (0.4, 0.9))
        busy = rates.worked(self.posts, begin, end) / (end - begin) / self.workers
        return (last - first) / (end - begin) / self.saturated, busy

    def found(self) -> tuple[float, float] | None:
        """Return after how many seconds, and which share of its rows, the right pace was found; None for never."""
        return rates.reached(self.over_time(), ENOUGH * self.saturated, WINDOW)

    def over_time(self) -> list[tuple[float, float]]:
        """Return (seconds since the first rows came, rows/s)."""
        return rates.over_time(self.posts, STEP, start=self.start)

    def under_way(self, side: str) -> list[tuple[float, float]]:
        """Return (seconds since the first rows came, requests at the side)."""
        return rates.under_way(self.log(side), STEP, start=self.start)


def move(folder: Path, far: Far, shape: Shape, at_once: SideLimits | None = None) -> Moved:
    """Run a whole job; ``at_once`` is how hard either side may be asked, the defaults if it is not given."""
    clock = Clock()
    source = SyntheticHistory(shape)
    histories: dict[str, Any] = {"source": source, "target": ProofHistory(source)}
    places: dict[str, Any] = {
        name: Deployment(name, history, auth="none", exact=False, clock=clock, seed=0)
        for name, history in histories.items()
    }
    sink = places["target"] = Sink(places["target"])
    town = between(folder, clock, places)
    town.delay, town.most_steps, town.at_once = far.delay, MOST_STEPS, at_once or SideLimits()
    for server in town.servers.values():
        server.free, server.service = far.workers, far.service
    ending = town.run()
    expected = sum(shape.totals().values())
    if ending.problems or sink.rows != expected:
        raise AssertionError(f"{sink.rows} of {expected} rows, {ending.problems}")
    return Moved(town, far.workers, far.saturated(shape), sink.rows)


def main(arguments: Sequence[str]) -> None:
    """Print a table, and with ``--curves`` what happened over time."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.networks")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--delays", type=float, nargs="+", default=[0.0, 20.0, 50.0], help="milliseconds each way")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long a job takes at full speed")
    parser.add_argument("--most", type=float, default=14_000.0, help="rows/s; service times are longer beyond")
    parser.add_argument("--dags", type=int, default=1)
    parser.add_argument("--curves", type=float, default=0.0, help="show what happened in so many first seconds")
    asked = parser.parse_args(arguments)
    print(HEAD)  # noqa: T201
    for workers in asked.workers:
        stretch = max(1.0, Far(workers, 0.0).saturated(shape_of(1_000)) / asked.most)
        for delay in asked.delays:
            far = Far(workers, delay / 1000, MEASURED.times(stretch))
            shape = shape_for(far.saturated(shape_of(1_000)) * asked.seconds, asked.dags)
            with TemporaryDirectory() as folder:
                moved = move(Path(folder), far, shape)
            print(_line(workers, delay, moved))  # noqa: T201
            for line in _curves(moved, asked.curves):
                print(line)  # noqa: T201


def _line(workers: int, delay: float, moved: Moved) -> str:
    after = moved.found()
    found = f"{'never':>15} {'':>10}" if after is None else f"{after[0]:15.1f} {100 * after[1]:10.0f}"
    histories = [moved.town.limits[side].history for side in ("target", "source")]
    at_once = "; ".join(" ".join(str(concurrency) for _, concurrency in history) for history in histories)
    late, busy = moved.late()
    return (
        f"{workers:7} {delay:5.0f} | {moved.share():13.2f} {moved.whole():6.2f} {late:6.2f} {busy:5.2f} | {found}"
        f" | {len(moved.posts):5} | {at_once}"
    )


def _curves(moved: Moved, seconds: float) -> list[str]:
    points = zip(moved.over_time(), moved.under_way("target"), moved.under_way("source"), strict=False)
    lines = []
    for (at, rate), (_, there), (_, here) in points:
        if at < seconds:
            lines.append(f"  {at:6.2f} s {rate / moved.saturated:5.2f} of saturated, {there:5.1f} {here:5.1f} at once")
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
