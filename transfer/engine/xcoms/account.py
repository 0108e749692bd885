"""What became of the XComs of one run, until the checkpoint has heard of it."""

from collections import Counter
from dataclasses import dataclass, field

from transfer.checkpoint import AttachedStep
from transfer.client.xcoms import TaskName
from transfer.engine.attached.walk import MovedRun
from transfer.engine.xcoms.carrier import Carried
from transfer.model import Attached, RejectedRow


@dataclass(slots=True)
class Account:
    """``left`` task instances are not settled.

    One with something refused is not remembered by itself: the reasons are stored with the end of the run, and it is
    read again if that does not come.
    """

    run: MovedRun
    left: int
    pieces: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[RejectedRow] = field(default_factory=list)
    again: bool = False
    """Whether something was refused that may be taken another time."""

    def note(self, task: TaskName, carried: Carried) -> None:
        """Count a task instance as settled."""
        self.left -= 1
        if carried.refused:
            self.rejected += [_rejected(task, key, reason) for key, reason in carried.refused.items()]
            self.again |= not carried.for_good
        else:
            self.pieces.append(task.key)
        self.counts += carried.counts

    def step(self) -> AttachedStep | None:
        """Return what the checkpoint has not heard of, None if that is nothing, and take it for stored."""
        if self.left and not self.pieces and not self.counts:
            return None
        rejected = [] if self.left else self.rejected
        step = AttachedStep(
            self.run.dag_id,
            self.run.run_id,
            self.pieces,
            self.counts,
            rejected,
            done=not self.left and not self.again,
        )
        self.pieces, self.counts = [], Counter()
        return step


def _rejected(task: TaskName, key: str, reason: str) -> RejectedRow:
    named = f"{task.key} {key}" if key else task.key
    return RejectedRow(Attached.XCOMS.value, task.dag_id, task.run_id, named, reason)
