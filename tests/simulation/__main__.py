"""The command: play many seeds, or one of them again.

python -m tests.simulation --seeds 10000
python -m tests.simulation --seed 4711 --trace
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from time import monotonic

from .bugs import BUGS, planted
from .campaign import Tally, devote, results, workers
from .simulate import Result, simulate

SPOKEN_SECONDS = 5.0
SHOWN = 20
"""Violations that are shown."""


def main() -> int:
    """Return the exit code: 1 if a promise was broken."""
    options = _options()
    if options.seed is not None:
        return _replay(options)
    tally = _campaign(options)
    return 1 if tally.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed (default: 0)")
    parser.add_argument("--minutes", type=float, help="go on for so long, instead of --seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--seed", type=int, metavar="X", help="replay one seed in this process")
    parser.add_argument("--trace", action="store_true", help="with --seed: print all that happens")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant a bug that must be found")
    return parser.parse_args()


def _replay(options: argparse.Namespace) -> int:
    devote()
    with planted(options.bug):
        result = simulate(options.seed, trace=options.trace)
    for line in result.trace:
        _say(line)
    if result.violation is None:
        _say(f"seed {result.seed}: no violation in {result.processes} processes, {result.requests} requests")
        return 0
    _say(f"seed {result.seed}: VIOLATION {result.violation}")
    return 1


def _campaign(options: argparse.Namespace) -> Tally:
    tally = Tally()
    started = spoken = monotonic()
    with workers(options.jobs) as pool:
        for result in results(pool, _seeds(options, started), ahead=options.jobs + 1, bug=options.bug):
            tally.add(result)
            if result.violation is not None and len(tally.violations) <= SHOWN:
                _say_violation(result, options.bug)
            if monotonic() - spoken > SPOKEN_SECONDS:
                spoken = monotonic()
                _say(_line(tally, spoken - started))
    _sum_up(tally, monotonic() - started)
    return tally


def _seeds(options: argparse.Namespace, started: float) -> Iterator[int]:
    if options.minutes is None:
        yield from range(options.first, options.first + options.seeds)
        return
    for chunk in count():
        if monotonic() - started > options.minutes * 60:
            return
        yield from islice(count(options.first + chunk * 10), 10)


def _line(tally: Tally, seconds: float) -> str:
    rate = tally.seeds / max(seconds, 1e-3) * 60
    return f"{tally.seeds:,} seeds, {rate:,.0f} per minute, {len(tally.violations)} violations"


def _say_violation(result: Result, bug: str | None) -> None:
    _say(f"VIOLATION seed {result.seed}: {result.violation}")
    _say(f"  replay: python -m tests.simulation --seed {result.seed} --trace{f' --bug {bug}' if bug else ''}")


def _sum_up(tally: Tally, seconds: float) -> None:
    _say(_line(tally, seconds) + f", {seconds:.0f} s")
    _say(f"{tally.processes:,} processes, {tally.requests:,} requests, {tally.steps:,} steps; what happened to them:")
    for name, number in sorted(tally.happened.items()):
        _say(f"  {number:8,}  {name}")
    _say(f"{tally.faults.total():,} faults injected:")
    for name, number in tally.faults.most_common():
        _say(f"  {number:8,}  {name}")
    for promise, number in Counter(result.promise for result in tally.violations).items():
        _say(f"broken: {promise} {number} times")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
