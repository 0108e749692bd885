"""One job of one size between two emulated servers that answer as fast as they can: whole, or killed and resumed."""

import subprocess
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Any

from benchmarks.measure import CandidateFailedError, Cost, end, measure
from benchmarks.memory import Memory
from benchmarks.moving import Mover, transfer_run
from benchmarks.serve import Order
from benchmarks.servers import Deployment, Report, Seen, started

KILLED_AT = 0.6
"""The share of the rows at which the first process is killed."""

SETTLED = 2.0
"""Seconds in which what a killed process had sent is carried out: it must not be taken for the next one's."""

LOOK_SECONDS = 0.5
"""Seconds between two looks at whether a process that is to be killed still lives."""

MOST_POINTS = 500
"""About how many points of memory a job keeps, for the picture; the peak is known without them."""

DAG_TASKS = 100_000
"""Task instances of a DAG, where all histories have DAGs of one size."""

TIES = 4
RETRY_EVERY = 7

Fields = dict[str, Any]


def history_of(task_instances: int) -> Fields:
    """Return the shape of a history of about so many task instances: 20 DAGs, 10 task instances a run, some history."""
    dags = 20
    return {
        "dags": dags,
        "runs": max(task_instances // (10 * dags), 1),
        "tasks": 10,
        "retry_every": RETRY_EVERY,
        "ties": TIES,
    }


def equal_dags(task_instances: int) -> Fields:
    """Return the shape of a history of about so many task instances, in DAGs of one size of which there are more.

    In a DAG of a few hundred runs windows do not come to their full size, so that it takes less memory than a long one.
    """
    dags = max(task_instances // DAG_TASKS, 1)
    return history_of(task_instances) | {"dags": dags, "runs": max(task_instances // (10 * dags), 1)}


def one_large_run(task_instances: int) -> Fields:
    """Return the shape of a single run with so many task instances."""
    return {"dags": 1, "runs": 1, "tasks": task_instances, "retry_every": RETRY_EVERY}


def run_whole(shape: Fields, folder: Path, concurrency: int | None = None) -> dict[str, Any]:
    """Move everything in one go; with ``concurrency`` requests at once on both sides if it is given, else found."""
    with (
        TemporaryDirectory(dir=folder) as fresh,
        started(Order(shape, writable=False)) as source,
        started(Order(shape, writable=True)) as target,
    ):
        mover = _fixed(transfer_run(source.url, target.url, Path(fresh)), concurrency)
        began = perf_counter()
        cost = measure(mover.command, stdin="", env=mover.env, log=folder / "transfer.log")
        return {"kind": "whole", **_found(source, target, [(began, cost)], Path(fresh))}


def _fixed(mover: Mover, concurrency: int | None) -> Mover:
    """Return the mover with so many requests at once on both sides."""
    if concurrency is None:
        return mover
    said = {f"TRANSFER_{side}__LIMITS__CONCURRENCY": str(concurrency) for side in ("SOURCE", "TARGET")}
    return replace(mover, env={**mover.env, **said})


def run_killed(shape: Fields, rows: int, folder: Path) -> dict[str, Any]:
    """Move a part, ``kill -9``, and let another process move the rest; ``rows`` is how many there are."""
    with (
        TemporaryDirectory(dir=folder) as fresh,
        started(Order(shape, writable=False)) as source,
        started(Order(shape, writable=True, tell_at=int(rows * KILLED_AT))) as target,
    ):
        mover = transfer_run(source.url, target.url, Path(fresh))
        first = perf_counter()
        killed = _run_until(mover, target, folder / "killed.log")
        sleep(SETTLED)
        again = perf_counter()
        cost = measure(mover.command, stdin="", env=mover.env, log=folder / "transfer.log")
        found = _found(source, target, [(first, killed), (again, cost)], Path(fresh))
        return {"kind": "killed", "resumed_seconds": cost.seconds, **found}


def _run_until(mover: Mover, target: Deployment, log: Path) -> Cost:
    """Start the mover and kill it when the target says that enough is there."""
    with log.open("wb") as output:
        process = subprocess.Popen(mover.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=mover.env)  # noqa: S603  our own command
        began = perf_counter()
        try:
            with Memory(process.pid) as memory:
                _wait(target, process, log)
                cpu_seconds = _cpu_seconds(process.pid)
                process.kill()
                process.wait()
        finally:
            if process.returncode is None:
                end(process)
    return Cost(perf_counter() - began, cpu_seconds, memory.peak_mib, tuple(memory.points), process.returncode)


def _wait(target: Deployment, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until enough is there, however long that takes.

    Raises:
        CandidateFailedError: the mover ended before, so that enough will never be there.
    """
    told = Event()

    def listen() -> None:
        with suppress(RuntimeError, ValueError):  # the server was ended instead, since the mover had failed
            target.wait()
            told.set()

    Thread(target=listen, daemon=True).start()
    while not told.wait(LOOK_SECONDS):
        if process.poll() is not None and not told.wait(SETTLED):
            said = log.read_text(errors="replace")[-500:]
            raise CandidateFailedError(f"ended too soon with exit code {process.returncode}: {said}")


def _cpu_seconds(pid: int) -> float:
    """Return user and system time of a process that lives, from ``/proc`` in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _found(
    source: Deployment, target: Deployment, processes: Sequence[tuple[float, Cost]], folder: Path
) -> dict[str, Any]:
    """Return what is known of a job that took one process or two, each with the moment of its start."""
    read, written = source.ended(), target.ended()
    if not written.exactly_once:
        raise CandidateFailedError(f"not every row arrived once: {written.proof}")
    posts = written.posts()
    rows = sum(seen.rows for seen in posts)
    seconds = sum(cost.seconds for _, cost in processes)
    return {
        "rows": rows,
        "task_instances": sum(seen.rows for seen in posts if seen.route == "task_instances"),
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "cpu_us_per_row": sum(cost.cpu_seconds for _, cost in processes) / rows * 1e6,
        "server_cpu_us_per_row": [report.cpu_seconds / rows * 1e6 for report in (read, written)],
        "peak_mib": max(cost.peak_mib for _, cost in processes),
        "state_bytes": sum(file.stat().st_size for file in (folder / "state").iterdir()),
        "first_post_seconds": [_first_post(written, began) for began, _ in processes],
        "memory_over_rows": [
            point for began, cost in processes for point in memory_over_rows(posts, began, thinned(cost.memory))
        ],
        "exactly_once": written.exactly_once,
        "proof": written.proof,
    }


def _first_post(report: Report, began: float) -> float | None:
    """Return the seconds from the start of a process to its first request with rows."""
    arrived = [seen.arrived for seen in report.log if seen.method == "POST" and seen.arrived is not None]
    return min((moment - began for moment in arrived if moment >= began), default=None)


def thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return points in even distances, fewer than twice ``MOST_POINTS``."""
    return points[:: max(1, len(points) // MOST_POINTS)]


def memory_over_rows(
    posts: Sequence[Seen], began: float, memory: Sequence[tuple[float, float]]
) -> list[tuple[int, float]]:
    """Return (rows stored so far, resident MiB) for each look at a process.

    Args:
        posts: the writes in the order of their ends.
        began: when the process started, on the clock of the servers.
        memory: (seconds since then, MiB).
    """
    ends = [seen.done or 0.0 for seen in posts]
    stored = [0, *accumulate(seen.rows for seen in posts)]
    return [(stored[bisect_right(ends, began + seconds)], mib) for seconds, mib in memory]
