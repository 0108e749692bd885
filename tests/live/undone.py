"""A history that is moved between any two versions, and taken back."""

from pathlib import Path

from .everything import count_runs, everything
from .job import Job
from .pairs import SMALL, prepare
from .rig import Rig


def assert_undone(rig: Rig, folder: Path) -> None:
    """Move a history into a target that has some of its runs from another job, take it back, and find what was there.

    What was fitted to another version on its way must be recognised there.
    """
    seeded, job = prepare(rig, {**SMALL, "runs": 60, "wide": 30}), Job(rig.source, rig.target, folder)
    other = Job(rig.source, rig.target, folder / "other")
    other.folder.mkdir()
    assert other.run("--newest", "5").code == 0
    with rig.target.connect() as target:
        before = everything(target)
        assert len(before["dag_run"]) == 5 * len(seeded.dag_ids)
        assert job.run().code == 0
        assert count_runs(target) == seeded.finished_runs
        result = job.run("--yes", command="undo")
        assert (result.code, result.summary["left"]) == (0, []), result.err + result.out
        assert everything(target) == before
