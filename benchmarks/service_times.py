"""How long a real server takes for a request: ``python -m benchmarks.service_times``.

One client at a time on idle servers, each request of each size several times; the times are laid on a line, seconds =
fixed + per row x rows. Then 1, 2, 4 and 8 clients at once, which shows where the server is saturated. The emulated
servers of the other parts are given these times.
"""

import argparse
import asyncio
import json
import random
import statistics
from collections.abc import Awaitable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from benchmarks import history, results
from benchmarks.bodies import without_nulls
from benchmarks.interrupt import interruptible
from benchmarks.line import Line
from benchmarks.machine import machine, server_versions, versions
from benchmarks.side import Side, get, post
from benchmarks.writer import Writer
from tests.live.environment import OFTEN
from tests.live.rig import Rig, boot
from transfer.kinds import KINDS, TASK_INSTANCES, Kind, Row

POST_ROWS = (1, 10, 100, 300, 1000, 1500)
GET_RUNS = (1, 10, 50, 100, 300, 1000)
CLIENTS = (1, 2, 4, 8)
BEST_OF = 3
Point = dict[str, Any]
"""One measured size: rows, bytes and the seconds of each try."""


def main() -> None:
    """Measure on a pair booted for it and write ``service_times.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service_times", description=__doc__)
    parser.add_argument("--runs", type=int, default=4_500, help="DAG runs in the history, at least 2,500")
    parser.add_argument("--tries", type=int, default=7, help="how often each request is made")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="the folder to write to")
    options = parser.parse_args()
    interruptible()
    with boot(OFTEN, OFTEN) as rig:
        with rig.source.connect() as source:
            history.seed(source, runs=options.runs, tasks=10)
        document = asyncio.run(measured(rig, options.tries))
        servers = server_versions(rig.install.python, postgres_version(rig))
    document |= {"machine": machine(), "versions": {**versions(), **servers}, "tries": options.tries}
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "service_times.json").write_text(json.dumps(document, indent=1) + "\n")
    print("\n".join(["", *table(document)]))


def postgres_version(rig: Rig) -> str:
    """Return the version of the rig's database server."""
    with rig.source.connect() as conn:
        return str(conn.info.server_version // 10_000)


async def measured(rig: Rig, tries: int) -> dict[str, Any]:
    """Return all times: reading, writing, and what several clients at once get."""
    async with (
        Side(rig.source.url, rig.source.log_in()) as source,
        Side(rig.target.url, rig.target.log_in()) as target,
    ):
        document = {"get": await reading(source, tries)}
        rows = {kind: await everything(source, kind) for kind in KINDS}
        writer = Writer(rig, target, rows)
        document |= await writing(writer, tries)
        document["saturation"] = await saturated(source, writer, tries)
    return document


async def everything(source: Side, kind: Kind) -> list[Row]:
    """Return all rows of the DAG, newest run first."""
    page = orjson.loads(await get(source, kind.route, history.DAG, 1_000_000, 0))
    rows: list[Row] = page[kind.envelope]
    return rows


async def reading(source: Side, tries: int) -> dict[str, Any]:
    """Return the times of GETs of different sizes, and of one that has nothing to find."""
    times: dict[str, Any] = {}
    for kind in KINDS:
        points = [await read_point(source, kind, runs, tries) for runs in GET_RUNS]
        times[kind.name] = fits(points)
        say(f"GET {kind.name}", times[kind.name])
    return times


async def read_point(source: Side, kind: Kind, runs: int, tries: int) -> Point:
    """Return the times of GETs of ``runs`` runs."""
    seconds, body = [], b""
    for _ in range(tries):
        started = perf_counter()
        body = await get(source, kind.route, history.DAG, runs, random.randrange(1000))  # noqa: S311  any place
        seconds.append(perf_counter() - started)
    return point(len(orjson.loads(body)[kind.envelope]), len(body), seconds)


def point(rows: int, size: int, seconds: list[float]) -> Point:
    """Return one size's times; the lowest is what the server takes when nothing else runs on the machine."""
    return {
        "rows": rows,
        "bytes": size,
        "median": statistics.median(seconds),
        "lowest": min(seconds),
        "seconds": [round(value, 5) for value in seconds],
    }


def fits(points: Sequence[Point]) -> dict[str, Any]:
    """Return the points with a line through their medians and one through the lowest of each."""
    lines = {
        name: Line.through([(entry["rows"], entry[value]) for entry in points]).document()
        for name, value in (("line", "median"), ("line_of_lowest", "lowest"))
    }
    return {"points": points, **lines}


async def writing(writer: Writer, tries: int) -> dict[str, Any]:
    """Return the times of POSTs of different sizes: with all columns, and without those that are null everywhere.

    Both take turns, so that their ratio is not that of two moments.
    """
    times: dict[str, Any] = {"post": {}, "post_without_nulls": {}}
    for kind in KINDS:
        await writer.prepare(kind)
        lean = without_nulls(kind, writer.rows[kind])
        found = [await write_points(writer, kind, size, tries, lean) for size in POST_ROWS]
        for name, points in zip(times, zip(*found, strict=True), strict=True):
            times[name][kind.name] = fits([entry for entry in points if entry])
            say(f"{name} {kind.name}", times[name][kind.name])
    return times


async def write_points(
    writer: Writer, kind: Kind, size: int, tries: int, lean: list[Row]
) -> tuple[Point | None, Point | None]:
    """Return the times of POSTs of ``size`` rows, whole and lean; ``None`` when no body of that size can be sent."""
    whole = writer.series(kind, writer.rows[kind], size, 2 * tries)
    bodies = (whole, writer.series(kind, lean, size, 2 * tries))
    seconds: tuple[list[float], list[float]] = ([], [])
    for index in range(max(map(len, bodies))):
        turn = index % 2
        if index < len(bodies[turn]):
            seconds[turn].append(await timed(post(writer.target, kind.route, bodies[turn][index])))
    first, second = (
        point(size, len(of_variant[0]), times) if times else None
        for of_variant, times in zip(bodies, seconds, strict=True)
    )
    return first, second


async def timed(request: Awaitable[object]) -> float:
    """Return the seconds that a request takes."""
    started = perf_counter()
    await request
    return perf_counter() - started


async def saturated(source: Side, writer: Writer, tries: int) -> dict[str, list[dict[str, float]]]:
    """Return rows per second with several clients at once, for reading and writing task instances.

    The best of three, since whatever else runs on the machine only ever takes away.
    """
    found: dict[str, list[dict[str, float]]] = {
        name: [] for name in ("get 100 runs", "post 1000 rows", "post 100 rows")
    }
    kind, lean = TASK_INSTANCES, without_nulls(TASK_INSTANCES, writer.rows[TASK_INSTANCES])
    await writer.prepare(kind)
    for clients in CLIENTS:
        requests = max(2 * tries, 3 * clients)
        reads = [
            await rate_of([get(source, kind.route, history.DAG, 100, 100 * turn) for turn in range(requests)], clients)
            for _ in range(BEST_OF)
        ]
        found["get 100 runs"].append({"clients": clients, "rows_per_second": max(reads) * 1000})
        for size in (1000, 100):
            writes = []
            for _ in range(BEST_OF):
                bodies = writer.series(kind, lean, size, requests)
                writes.append(await rate_of([post(writer.target, kind.route, body) for body in bodies], clients))
            found[f"post {size} rows"].append({"clients": clients, "rows_per_second": max(writes) * size})
    return found


async def rate_of(requests: Sequence[Any], clients: int) -> float:
    """Make all requests, ``clients`` at once; return how many were answered per second."""
    waiting = iter(requests)

    async def client() -> None:
        for request in waiting:
            await request

    started = perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return len(requests) / (perf_counter() - started)


def say(what: str, times: dict[str, Any]) -> None:
    """Print one line's outcome at once."""
    line = times["line"]
    print(f"{what:32} {line['fixed'] * 1e3:7.1f} ms + {line['per_row'] * 1e6:7.1f} us per row", flush=True)


def table(document: dict[str, Any]) -> list[str]:
    """Return the lines and the saturated rates as Markdown."""
    lines = ["| | fixed, ms | us per row |", "|---|--:|--:|"]
    for method in ("get", "post", "post_without_nulls"):
        for kind, times in document[method].items():
            line = times["line"]
            cells = f"{line['fixed'] * 1e3:.1f} | {line['per_row'] * 1e6:.1f}"
            lines.append(f"| {method.replace('_', ' ')} {kind} | {cells} |")
    lines += [
        "",
        f"| rows/s with | {' | '.join(f'{clients} clients' for clients in CLIENTS)} |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, rates in document["saturation"].items():
        lines.append(f"| {name} | {' | '.join(format(rate['rows_per_second'], ',.0f') for rate in rates)} |")
    return lines


if __name__ == "__main__":
    main()
