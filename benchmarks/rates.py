"""What a server's log says about how well it was used: pure arithmetic over what was seen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from benchmarks.servers import Seen
from transfer.emulator import ServiceTimes

FIRST = 0.1
"""The share of the rows after which the right pace has to be found."""


@dataclass(frozen=True, slots=True)
class Use:
    """How a target was used.

    Args:
        rows: rows that it stored.
        posts: in how many requests.
        seconds: from the first request for rows to the last answer.
        rate: rows/s over these.
        found_rate: rows/s after the first tenth of the rows was stored.
        busy: the share of its workers' time after that in which they worked; None without workers.
        most: the most requests that it had at once.
    """

    rows: int
    posts: int
    seconds: float
    rate: float
    found_rate: float
    busy: float | None
    most: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)


def use(posts: Sequence[Seen], log: Sequence[Seen], workers: int | None) -> Use:
    """Return how a target was used.

    Args:
        posts: the writes that were carried out, in the order of their ends; at least two.
        log: everything it was asked.
        workers: its workers.
    """
    start, end = min(_at(seen.arrived) for seen in posts), _at(posts[-1].done)
    rows = sum(seen.rows for seen in posts)
    so_far = list(accumulate(seen.rows for seen in posts))
    tenth = next(index for index, stored in enumerate(so_far) if stored >= FIRST * rows)
    found_at = _at(posts[tenth].done)
    rest = max(end - found_at, 1e-9)
    return Use(
        rows,
        len(posts),
        end - start,
        rows / (end - start),
        (rows - so_far[tenth]) / rest,
        worked(log, found_at, end) / rest / workers if workers else None,
        most_at_once(log),
    )


def worked(log: Sequence[Seen], start: float, end: float) -> float:
    """Return the seconds of all workers together in which they worked between two moments."""
    spans = ((seen.begun, seen.done) for seen in log if seen.begun is not None and seen.done is not None)
    return sum(max(0.0, min(done, end) - max(begun, start)) for begun, done in spans)


def most_at_once(log: Sequence[Seen]) -> int:
    """Return the most requests that were under way at the server at one moment, waiting ones too."""
    ends = [(seen.arrived, 1) for seen in log if seen.arrived is not None and seen.done is not None]
    ends += [(seen.done, -1) for seen in log if seen.arrived is not None and seen.done is not None]
    return max(accumulate(step for _, step in sorted(ends)), default=0)


def over_time(posts: Sequence[Seen], every: float, *, start: float) -> list[tuple[float, float]]:
    """Return (seconds since ``start``, rows/s) in steps of ``every`` seconds.

    The rows of a request count evenly over the time in which a worker was busy with it.
    """
    end = max(_at(seen.done) for seen in posts)
    points = []
    for step in range(int((end - start) / every) + 1):
        left, right = start + step * every, start + (step + 1) * every
        stored = sum(seen.rows * _share(seen, left, right) for seen in posts)
        points.append((round((step + 0.5) * every, 2), round(stored / every, 1)))
    return points


def reached(points: Sequence[tuple[float, float]], rate: float, window: float) -> tuple[float, float] | None:
    """Return when the mean rate over ``window`` seconds first was at least ``rate``, and the share of rows by then.

    Args:
        points: (seconds, rows/s) in even steps, each at the middle of its step, as ``over_time`` gives them.
        rate: rows/s to reach.
        window: seconds; the moment that is returned is its end, so nothing is reached sooner than after one window.

    Returns:
        None when it never was.
    """
    if not points:
        return None
    step = 2 * points[0][0]
    wide = max(1, round(window / step))
    so_far = [0.0, *accumulate(found for _, found in points)]
    for end in range(wide, len(so_far)):
        if so_far[end] - so_far[end - wide] >= rate * wide:
            return end * step, so_far[end] / so_far[-1]
    return None


def under_way(log: Sequence[Seen], every: float, *, start: float) -> list[tuple[float, float]]:
    """Return (seconds since ``start``, requests at the server on average) in steps of ``every`` seconds."""
    spans = [(seen.arrived, seen.done) for seen in log if seen.arrived is not None and seen.done is not None]
    end = max((done for _, done in spans), default=start)
    points = []
    for step in range(int((end - start) / every) + 1):
        left, right = start + step * every, start + (step + 1) * every
        inside = sum(max(0.0, min(done, right) - max(arrived, left)) for arrived, done in spans)
        points.append((round((step + 0.5) * every, 2), round(inside / every, 2)))
    return points


def steady(posts: Sequence[Seen]) -> float:
    """Return the rows/s of a target while requests of the same kind were waiting, so that no worker was without one.

    That is from the first to the last begin of a request of each kind, of which there must be more than workers.
    """
    rows = seconds = 0.0
    for route in {seen.route for seen in posts}:
        own = [seen for seen in posts if seen.route == route]
        first, last = (extreme(_at(seen.begun) for seen in own) for extreme in (min, max))
        rows += sum(seen.rows * _share(seen, first, last) for seen in own)
        seconds += last - first
    return rows / seconds


def saturated(service: ServiceTimes, rows: dict[str, int], workers: int, batch: int) -> float:
    """Return the rows/s of workers that always work and only get full batches.

    Args:
        service: what requests cost.
        rows: how many rows of each kind there are; the route has the kind's name.
        workers: the target's workers.
        batch: rows in a full batch.
    """
    seconds = sum(count / batch * service.seconds("POST", kind, batch) for kind, count in rows.items())
    return workers * sum(rows.values()) / seconds


def _share(seen: Seen, left: float, right: float) -> float:
    """Return the share of a request's work that lies between two moments."""
    begun, done = _at(seen.begun), _at(seen.done)
    if done <= begun:
        return float(left <= done < right)
    return max(0.0, min(done, right) - max(begun, left)) / (done - begun)


def _at(moment: float | None) -> float:
    if moment is None:
        raise ValueError("a request that was carried out has its times")
    return moment
