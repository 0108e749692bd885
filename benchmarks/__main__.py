"""``python -m benchmarks``: one history on a real Airflow pair, moved by Starship's algorithm and by ``transfer``."""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import history
from benchmarks.measure import Cost, measure
from tests.live.environment import OFTEN
from tests.live.rig import Rig, boot

RESULTS = Path(__file__).parent / "results"

_CONFIG = """\
[source]
url = {source}
auth = {{ kind = "session", username = "admin", password = {{ env = "SOURCE_PASSWORD" }} }}
[target]
url = {target}
auth = {{ kind = "session", username = "admin", password = {{ env = "TARGET_PASSWORD" }} }}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one candidate."""

    candidate: str
    rows: int
    cost: Cost

    @property
    def rate(self) -> float:
        """Return rows per second, start-up included."""
        return self.rows / self.cost.seconds


def page(rig: Rig, folder: Path, batch: int) -> Cost:
    """Move with the algorithm of Starship's page."""
    order = {
        "urls": [rig.source.url, rig.target.url],
        "cookies": [rig.source.log_in(), rig.target.log_in()],
        "dag_id": history.DAG,
        "batch": batch,
    }
    command = [sys.executable, "-m", "benchmarks.starship_page"]
    return measure(command, stdin=json.dumps(order), env=os.environ, log=folder / "page.log")


def transfer(rig: Rig, folder: Path) -> Cost:
    """Move with ``transfer run`` and its default settings."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        config = Path(fresh) / "transfer.toml"
        config.write_text(_CONFIG.format(source=json.dumps(rig.source.url), target=json.dumps(rig.target.url)))
        passwords = {"SOURCE_PASSWORD": rig.source.admin.password, "TARGET_PASSWORD": rig.target.admin.password}
        command = [sys.executable, "-m", "transfer", "run", "-c", str(config), "-s", f"{fresh}/state", "--json"]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
        return measure(
            command, stdin="", env={**ours, **passwords, "NO_PROXY": "127.0.0.1"}, log=folder / "transfer.log"
        )


CANDIDATES: dict[str, Callable[[Rig, Path], Cost]] = {
    "Starship page, 10 runs a batch": lambda rig, folder: page(rig, folder, 10),
    "Starship page, 100 runs a batch": lambda rig, folder: page(rig, folder, 100),
    "transfer run": transfer,
}


def main() -> None:
    """Measure all candidates in turn, as often as asked, and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000, help="DAG runs in the history")
    parser.add_argument("--tasks", type=int, default=10, help="task instances of each run")
    parser.add_argument("--repeat", type=int, default=3, help="how often each candidate runs")
    arguments = parser.parse_args()
    results: list[Result] = []
    with boot(OFTEN, OFTEN) as rig, tempfile.TemporaryDirectory() as folder:
        with rig.source.connect() as source:
            rows = history.seed(source, runs=arguments.runs, tasks=arguments.tasks)
        for _ in range(arguments.repeat):
            for name, candidate in CANDIDATES.items():
                results.append(run_one(rig, Path(folder), name, candidate))
    write(results, rows, vars(arguments))


def run_one(rig: Rig, folder: Path, name: str, candidate: Callable[[Rig, Path], Cost]) -> Result:
    """Empty the target, run the candidate, and count what has arrived."""
    with rig.target.connect() as target, rig.source.connect() as source:
        history.empty(target)
        cost = candidate(rig, folder)
        arrived, wanted = history.count(target), history.count(source)
    if arrived != wanted:
        raise SystemExit(f"{name}: {arrived} of {wanted} rows arrived")
    result = Result(name, arrived, cost)
    speed = f"{result.rate:8,.0f} rows/s {cost.seconds:7.1f} s"
    print(f"{name:32} {speed}  CPU {cost.cpu_seconds:5.1f} s  {cost.peak_mib:.0f} MiB")
    return result


def write(results: list[Result], rows: int, settings: dict[str, int]) -> None:
    """Write all runs as JSON and the medians as a table."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform(terse=True)}
    runs = [
        {"candidate": result.candidate, "rows_per_second": result.rate, **asdict(result.cost)} for result in results
    ]
    document = {"machine": machine, "settings": settings, "rows": rows, "runs": runs}
    (RESULTS / "real.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = table(results, rows)
    (RESULTS / "real.md").write_text("\n".join(lines) + "\n")
    print("\n".join(["", *lines]))


def table(results: list[Result], rows: int) -> list[str]:
    """Return the medians and their ratio to the page's best setting as Markdown."""
    of = {name: [result for result in results if result.candidate == name] for name in CANDIDATES}
    rates = {name: statistics.median(result.rate for result in runs) for name, runs in of.items()}
    best = max(rate for name, rate in rates.items() if name.startswith("Starship"))
    lines = [f"{rows:,} rows, {len(results) // len(of)} runs each, medians", ""]
    lines += [
        "| | rows/s | lowest to highest | ratio | client CPU, us/row | peak memory, MiB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, runs in of.items():
        low, high = min(result.rate for result in runs), max(result.rate for result in runs)
        cpu = statistics.median(result.cost.cpu_seconds / result.rows * 1e6 for result in runs)
        peak = max(result.cost.peak_mib for result in runs)
        cells = (
            f"{rates[name]:,.0f}",
            f"{low:,.0f} to {high:,.0f}",
            f"{rates[name] / best:.2f}",
            f"{cpu:.0f}",
            f"{peak:.0f}",
        )
        lines.append(f"| {' | '.join((name, *cells))} |")
    return lines


if __name__ == "__main__":
    main()
