"""Who moves the history in part ``real``, each a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import history
from benchmarks.measure import Cost, measure
from tests.live.rig import Rig

LANES = 4
SLICE_RUNS = 100
BATCH_ROWS = 1_000
EVERY_SECONDS = "0.5"

Point = tuple[float, float]

_CONFIG = """\
[source]
url = {source}
auth = {{ kind = "session", username = "admin", password = {{ env = "SOURCE_PASSWORD" }} }}
[target]
url = {target}
auth = {{ kind = "session", username = "admin", password = {{ env = "TARGET_PASSWORD" }} }}
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one run of a candidate took, and what it said meanwhile.

    Args:
        cost: of the whole process, its start-up included.
        concurrency: by side, (seconds, requests that might be under way), for a candidate that finds it by itself.
    """

    cost: Cost
    concurrency: dict[str, list[Point]] = field(default_factory=dict)


Candidate = Callable[[Rig, Path], Moved]


def page(batch: int) -> Candidate:
    """Return Starship's page with ``batch`` runs at a time."""

    def candidate(rig: Rig, folder: Path) -> Moved:
        return Moved(_program("benchmarks.starship_page", {**_sides(rig), "batch": batch}, folder))

    return candidate


def pipe(*, lean: bool) -> Candidate:
    """Return the feature-less pipe; ``lean`` leaves out columns that are null everywhere."""
    order = {"lanes": LANES, "batch": SLICE_RUNS, "rows": BATCH_ROWS, "lean": lean}

    def candidate(rig: Rig, folder: Path) -> Moved:
        return Moved(_program("benchmarks.pipe", {**_sides(rig), **order}, folder))

    return candidate


def transfer(rig: Rig, folder: Path) -> Moved:
    """Move with ``transfer run`` and its default settings."""
    log = folder / "transfer.log"
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        config = Path(fresh) / "transfer.toml"
        config.write_text(_CONFIG.format(source=json.dumps(rig.source.url), target=json.dumps(rig.target.url)))
        passwords = {"SOURCE_PASSWORD": rig.source.admin.password, "TARGET_PASSWORD": rig.target.admin.password}
        command = [sys.executable, "-m", "transfer", "run", "-c", str(config), "-s", f"{fresh}/state", "--json"]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
        cost = measure([*command, *every()], stdin="", env={**ours, **passwords, "NO_PROXY": "127.0.0.1"}, log=log)
    return Moved(cost, concurrency_in(log.read_text()))


@cache
def every() -> tuple[str, ...]:
    """Return the option for frequent progress events, nothing for a version of the program that has none."""
    command = [sys.executable, "-m", "transfer", "run", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  our own program
    return ("--every", EVERY_SECONDS) if "--every" in said else ()


def concurrency_in(log: str) -> dict[str, list[Point]]:
    """Return the concurrency over time, by side, out of the JSON events in ``log``; whatever else it has is skipped."""
    found: dict[str, list[Point]] = {}
    for event in filter(None, map(_event, log.splitlines())):
        for side, count in event.get("concurrency", {}).items():
            found.setdefault(side, []).append((event["seconds"], count))
    return found


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("event") == "progress" else None


def _sides(rig: Rig) -> dict[str, Any]:
    return {
        "urls": [rig.source.url, rig.target.url],
        "cookies": [rig.source.log_in(), rig.target.log_in()],
        "dag_id": history.DAG,
    }


def _program(module: str, order: dict[str, Any], folder: Path) -> Cost:
    log = folder / f"{module.rpartition('.')[2]}.log"
    return measure([sys.executable, "-m", module], stdin=json.dumps(order), env=os.environ, log=log)
