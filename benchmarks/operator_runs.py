"""How far Starship's own operator gets: with its default, and with the most runs that it can move at once."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import history
from benchmarks.measure import measure
from tests.live.environment import airflow_environment
from tests.live.rig import Rig

PROGRAM = Path(__file__).parent / "starship_operator.py"
DEFAULT = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of the operator on an empty target.

    Args:
        limit: the runs that it was to move.
        seconds: what ``execute`` took.
        runs: the runs that arrived.
        rows: the rows of all kinds that arrived; history of task instances it does not move.
        error: what it died of.
    """

    limit: int
    seconds: float
    runs: int
    rows: int
    error: str | None

    @property
    def rate(self) -> float:
        """Return rows per second."""
        return self.rows / self.seconds

    def document(self) -> dict[str, object]:
        """Return the attempt as JSON takes it."""
        return {**asdict(self), "rows_per_second": self.rate}


def attempt(rig: Rig, folder: Path, limit: int, *, default: bool = False) -> Attempt:
    """Execute the operator once; ``default`` leaves the limit to it."""
    order: dict[str, object] = {"url": rig.target.url, "cookie": rig.target.log_in(), "dag_id": history.DAG}
    if not default:
        order["limit"] = limit
    home, log = folder / "operator", folder / "operator.log"
    environment = airflow_environment(home, rig.source.dsn) | {"NO_PROXY": "127.0.0.1"}
    with rig.target.connect() as target:
        history.empty(target)
        # -P: without it, this folder's modules stand before the standard library's
        measure([str(rig.install.python), "-P", str(PROGRAM)], stdin=json.dumps(order), env=environment, log=log)
        said = json.loads(log.read_text().splitlines()[-1])
        runs, rows = history.count_runs(target), history.count(target)
    return Attempt(limit, said["seconds"], runs, rows, said["error"])


def largest(attempt_of: Callable[[int], Attempt], runs: int) -> tuple[int, list[Attempt]]:
    """Return about the largest limit that the operator survives, and all that was tried to find it.

    Halves until it survives, then looks between that and the last failure until it is known to a tenth.

    Args:
        attempt_of: executes the operator with a limit on an empty target.
        runs: the runs there are, the first limit that is tried.
    """
    tried, works, fails = [attempt_of(runs)], 0, 0
    while True:
        limit = tried[-1].limit
        works, fails = (limit, fails) if tried[-1].error is None else (works, limit)
        if works and fails - works <= works // 10:
            return works, tried
        limit = (works + fails) // 2
        if limit <= DEFAULT:
            return DEFAULT, tried
        tried.append(attempt_of(limit))


def said(tried: Attempt) -> str:
    """Return one attempt as a sentence's part."""
    if tried.error is None:
        return f"limit {tried.limit:,}: done"
    half = f", and left {tried.runs:,} runs without their task instances" if tried.runs else ""
    return f"limit {tried.limit:,}: {tried.error.partition(' for url')[0]}{half}"
