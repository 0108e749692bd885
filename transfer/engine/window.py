"""What readers hand over to writers: one window with everything that hangs on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from transfer.client.base import ChildPage
from transfer.engine.choose import Choice
from transfer.engine.memory import MENDED, REPLACED, memory
from transfer.kinds import Row
from transfer.model import Outcome, SettledRun, Window

_DOUBTFUL = MENDED | {Outcome.REJECTED, Outcome.CHANGED, Outcome.PARTIAL}


@dataclass(slots=True)
class LoadedWindow:
    """A window that was read: the runs to move, the answers that hold their children, and what else was seen.

    ``run_ids`` are the runs whose children the pages hold, moved or not, ``run_count`` those of the whole DAG when it
    was read; ``before`` tells what was remembered of a run before this window claimed it, in view of what the run is
    now, and ``recalled`` the memory itself.
    """

    window: Window
    choice: Choice
    run_ids: set[str]
    run_count: int
    before: dict[str, Outcome]
    pages: list[ChildPage] = field(default_factory=list)
    recalled: Mapping[str, SettledRun] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """Return the DAG runs to move."""
        return self.choice.to_move

    @property
    def size(self) -> int:
        """Return the bytes of its pages."""
        return sum(page.size for page in self.pages)

    @property
    def ids_to_move(self) -> list[str]:
        """Return their ids."""
        return [row["run_id"] for row in self.choice.to_move]

    @property
    def in_doubt(self) -> bool:
        """Tell whether the target may have one of them or not: refused in an earlier try, or lost since."""
        return bool(self.before) and any(self.before.get(run_id) in _DOUBTFUL for run_id in self.ids_to_move)

    @property
    def replaced(self) -> list[str]:
        """Return the ids of those whose version on the target is to be removed first."""
        if not self.before:
            return []
        return [run_id for run_id in self.ids_to_move if self.before.get(run_id) in REPLACED]

    def claims(self, held: set[str]) -> list[SettledRun]:
        """Return the runs to move as the checkpoint must know them before anything of them is sent.

        ``held`` are those that the target had before. Nothing is sent of one that it has in an earlier version: what is
        remembered of that stands until it is settled, with a rejected row.
        """
        marks = self.choice.fingerprints
        claims = [SettledRun(run_id, marks[run_id], self._claim(run_id, held)) for run_id in self.ids_to_move]
        return [claim for claim in claims if claim.outcome is not Outcome.CHANGED]

    def remembered(self, run_ids: Iterable[str]) -> dict[str, SettledRun | None]:
        """Return what was remembered of ``run_ids`` when the window was read."""
        return {run_id: self.recalled.get(run_id) for run_id in run_ids}

    def _claim(self, run_id: str, held: set[str]) -> Outcome:
        known = memory(self.before.get(run_id))
        return known.held if run_id in held else known.lacking

    def close(self) -> None:
        """Free the pages."""
        for page in self.pages:
            page.close()
