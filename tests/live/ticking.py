"""DAGs that run every few seconds on real schedulers, on one or both sides, and what has become of their runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .histories.crew import Crew, crew, working_environment
from .rig import Rig, Side

SECONDS = 15
"""Between two runs of a DAG."""

FILE = "ticking.py"
DAGS = ("ticking_catchup", "ticking_latest")
POLL_SECONDS = 0.5

_TEXT = """\
from datetime import datetime
from pathlib import Path
import os

from airflow import DAG
try:
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow.operators.python import PythonOperator


def mark(**context):
    run = context["dag_run"].run_id
    line = f"{{context['dag'].dag_id}} {{run}} {{os.environ['TICKING_SIDE']}}\\n"
    with Path({marks!r}).open("a") as file:
        file.write(line)


for name, catchup in (("ticking_catchup", True), ("ticking_latest", False)):
    with DAG(
        dag_id=name, schedule="* * * * * */{seconds}", start_date=datetime.fromisoformat({start!r}), catchup=catchup,
        max_active_runs=1,
    ) as dag:
        first = PythonOperator(task_id="first", python_callable=mark)
        second = PythonOperator(task_id="second", python_callable=lambda: None)
        first >> second
    globals()[name] = dag
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the database has it; ``due`` is when its schedule wanted it, which both generations call differently.

    Of the logical date the same cannot be said: of a run that is due at noon it is noon on Airflow 3, unless told
    otherwise, and the time of the run before it on Airflow 2.
    """

    run_id: str
    due: datetime
    state: str
    kind: str


@dataclass(frozen=True, slots=True)
class Ticking:
    """Both sides with working crews; the DAGs are unpaused at the source only."""

    rig: Rig
    marks: Path
    crews: dict[str, Crew]

    def runs(self, side: Side, dag_id: str) -> list[Run]:
        """Return the runs of a DAG in the order in which they were due."""
        date = "run_after" if side.version.new else "data_interval_end"
        query = f"SELECT run_id, {date}, state, run_type FROM dag_run WHERE dag_id = %s ORDER BY {date}"  # noqa: S608 - a constant
        with side.connect() as conn:
            return [Run(*row) for row in conn.execute(query.encode(), [dag_id])]

    def paused(self, side: Side) -> dict[str, bool]:
        """Return which DAGs are paused."""
        with side.connect() as conn:
            return dict(conn.execute("SELECT dag_id, is_paused FROM dag WHERE dag_id = ANY(%s)", [list(DAGS)]))

    def marked(self) -> list[tuple[str, str]]:
        """Return DAG and run of every first task that was at work, on either side."""
        lines = self.marks.read_text().split("\n") if self.marks.exists() else []
        return [(dag_id, run_id) for dag_id, run_id, _ in (line.split(" ") for line in lines if line)]

    def wait(self, what: str, happened: Callable[[], bool], seconds: float = 150.0) -> None:
        """Wait until something has happened; real schedulers take their time."""
        end = time.monotonic() + seconds
        while not happened():
            dead = {name: crew.dead() for name, crew in self.crews.items() if crew.dead()}
            if dead or time.monotonic() > end:
                said = "\n".join(crew.log("scheduler")[-3000:] for crew in self.crews.values())
                raise TimeoutError(f"waited in vain for {what}; ended: {dead}\n{said}")
            time.sleep(POLL_SECONDS)

    def finished(self, side: Side, count: int, *, beside: frozenset[str] = frozenset()) -> Callable[[], bool]:
        """Return what tells whether each DAG has so many successful runs on a side, others than those in ``beside``."""

        def happened() -> bool:
            return all(
                sum(run.state == "success" and run.run_id not in beside for run in self.runs(side, dag_id)) >= count
                for dag_id in DAGS
            )

        return happened


@contextmanager
def ticking(rig: Rig) -> Iterator[Ticking]:
    """Let schedulers work on both sides, and the DAGs be unpaused at the source."""
    marks = rig.folder / "marks.txt"
    marks.unlink(missing_ok=True)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=2 * SECONDS)
    text = _TEXT.format(marks=str(marks), seconds=SECONDS, start=start.isoformat())
    sides = {"source": rig.source, "target": rig.target}
    with ExitStack() as stack:
        crews = {}
        for side in sides.values():
            stack.callback((side.dags_folder / FILE).unlink, missing_ok=True)
            side.parse({FILE: text})
        for name, side in sides.items():
            environment = working_environment(side.environment) | {"TICKING_SIDE": name}
            crews[name] = stack.enter_context(crew(side.install, environment, side.home / "crew"))
        with rig.source.connect() as conn:
            conn.execute("UPDATE dag SET is_paused = false WHERE dag_id = ANY(%s)", [list(DAGS)])
        yield Ticking(rig, marks, crews)
