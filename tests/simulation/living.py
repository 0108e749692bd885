"""The tools with which both sides change while the program runs, and while it does not."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from transfer.emulator import TableHistory
from transfer.kinds import FINISHED_STATES, LIVE_TASK_STATES, TASK_INSTANCES, Row

from .clock import Clock
from .truth import Truth


@dataclass(slots=True)
class Life:
    """Both sides, and the dice that decide what happens to them."""

    truth: Truth
    target: TableHistory
    clock: Clock
    random: Random
    dag_ids: list[str]
    _numbers: int = 0
    _shifts: int = 0

    @property
    def source(self) -> TableHistory:
        """Return the source's history."""
        return self.truth.source

    def moment(self) -> str:
        """Return the present as a start date, different from every one before."""
        self._shifts += 1
        return str(self.clock.truth + timedelta(microseconds=self._shifts))

    def number(self) -> int:
        """Return the number of a new run."""
        self._numbers += 1
        return self._numbers

    def one(self, dag_id: str, *states: str) -> Row | None:
        """Return one run of the source in one of ``states``, None if there is none; any for no states."""
        runs = [run for run in self.source.runs(dag_id) if not states or run["state"] in states]
        return self.random.choice(runs) if runs else None

    def rest(self) -> None:
        """Let the source come to rest: every task of a run that is over ends."""
        for dag_id in self.dag_ids:
            for run in list(self.source.runs(dag_id)):
                if run["state"] in FINISHED_STATES and (dag_id, run["run_id"]) not in self.truth.forgotten:
                    self.end_tasks(run)

    def end_tasks(self, run: Row) -> bool:
        """End every task of a run that is not over; return whether there were any."""
        live = [
            row
            for row in self.source.children(TASK_INSTANCES, run["dag_id"], run["run_id"])
            if row["state"] in LIVE_TASK_STATES
        ]
        for row in live:
            row.update(state="success", end_date=self.moment())
        if live:
            self.truth.note(run["dag_id"], run["run_id"])
        return bool(live)
