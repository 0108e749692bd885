"""Boots a real Airflow pair and lets the candidates of part ``real`` move its history, round after round."""

from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import candidates, history, operator_runs
from benchmarks.candidates import Candidate, Moved
from benchmarks.machine import server_versions
from benchmarks.measure import CandidateFailedError
from benchmarks.operator_runs import Attempt
from benchmarks.part import Document, PartUnavailableError, Settings
from benchmarks.real import LARGEST, LEAN_PIPE, OPERATOR, OURS, PAGE_10, PAGE_100, PIPE, document_of
from benchmarks.server_cpu import server_cpu
from tests.live.environment import OFTEN
from tests.live.rig import Rig, boot
from tests.live.unavailable import RigUnavailable

CANDIDATES: dict[str, Candidate] = {
    PAGE_10: candidates.page(10),
    PAGE_100: candidates.page(100),
    PIPE: candidates.pipe(lean=False),
    LEAN_PIPE: candidates.pipe(lean=True),
    OURS: candidates.transfer,
}
MOST = {PAGE_10: 2}
"""Who runs at most so often: a minute and a half each time, and they hardly differ."""

MOST_OF_THE_OPERATOR = 1
QUICK_RUNS = 400


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one candidate that moved everything."""

    candidate: str
    rows: int
    moved: Moved
    server_cpu: float

    @property
    def rate(self) -> float:
        """Return rows per second, start-up included."""
        return self.rows / self.moved.cost.seconds

    def document(self) -> Document:
        """Return the run as JSON takes it."""
        cost = asdict(self.moved.cost)
        found = {"concurrency": self.moved.concurrency} if self.moved.concurrency else {}
        cpu = self.moved.cost.cpu_seconds / self.rows * 1e6
        return {
            "candidate": self.candidate,
            "rows_per_second": self.rate,
            "cpu_us_per_row": cpu,
            "server_cpu_us_per_row": self.server_cpu / self.rows * 1e6,
            "rows": self.rows,
            **cost,
            **found,
        }


def measured(settings: Settings) -> Document:
    """Boot a pair, let all candidates move its history, and return what was found.

    Raises:
        PartUnavailableError: Airflow or PostgreSQL cannot be had on this machine.
        CandidateFailedError: a candidate ended badly, or not all rows arrived.
    """
    try:
        return _measured(settings)
    except RigUnavailable as error:
        raise PartUnavailableError(error.reason) from error


def _measured(settings: Settings) -> Document:
    given = settings.options
    runs = min(given.real_runs, QUICK_RUNS) if settings.quick else given.real_runs
    with boot(OFTEN, OFTEN) as rig:
        with rig.source.connect() as source:
            rows = history.seed(source, runs=runs, tasks=given.real_tasks)
            postgres = str(source.info.server_version // 10_000)
        results, operator = rounds(rig, settings, runs)
        servers = server_versions(rig.install.python, postgres)
    return document_of([result.document() for result in results], operator, servers) | {
        "settings": {"runs": runs, "tasks": given.real_tasks},
        "rows": rows,
    }


def rounds(rig: Rig, settings: Settings, runs: int) -> tuple[list[Result], Document]:
    """Let all candidates and the operator run in turn, round after round; return what they moved.

    What limit the operator survives is found out before. The slowest run less often than the others.
    """
    limit, tried = operator_runs.largest(lambda limit: attempted(rig, settings, limit), runs)
    results: list[Result] = []
    attempts: dict[str, list[Document]] = {OPERATOR: [], LARGEST: []}
    for done in range(settings.repeat):
        turn = [name for name in CANDIDATES if done < MOST.get(name, settings.repeat)]
        results += [run_one(rig, settings.folder, name, CANDIDATES[name]) for name in turn]
        if done < MOST_OF_THE_OPERATOR:
            attempts[OPERATOR].append(attempted(rig, settings, operator_runs.DEFAULT, default=True).document())
            attempts[LARGEST].append(attempted(rig, settings, limit).document())
    return results, {"tried": [operator_runs.said(one) for one in tried], "attempts": attempts}


def run_one(rig: Rig, folder: Path, name: str, candidate: Candidate) -> Result:
    """Empty the target, run the candidate, and count what has arrived."""
    with rig.target.connect() as target, rig.source.connect() as source:
        history.empty(target)
        before = server_cpu(rig)
        moved = candidate(rig, folder)
        spent = server_cpu(rig) - before
        arrived, wanted = history.count(target), history.count(source)
    if arrived != wanted:
        raise CandidateFailedError(f"{name}: {arrived} of {wanted} rows arrived")
    result, cost = Result(name, arrived, moved, spent), moved.cost
    speed = f"{result.rate:8,.0f} rows/s {cost.seconds:7.1f} s"
    print(
        f"{name:40} {speed}  CPU {cost.cpu_seconds:5.1f} s, servers {spent:5.1f} s  {cost.peak_mib:.0f} MiB", flush=True
    )
    return result


def attempted(rig: Rig, settings: Settings, limit: int, *, default: bool = False) -> Attempt:
    """Execute the operator once and say how it went."""
    found = operator_runs.attempt(rig, settings.folder, limit, default=default)
    print(
        f"{'Starship operator':40} {found.rate:8,.0f} rows/s {found.seconds:7.1f} s  {operator_runs.said(found)}",
        flush=True,
    )
    return found
