"""The memory of a job across restarts: the only SQL of the job state."""

from transfer.checkpoint.reader import CheckpointReader
from transfer.checkpoint.store import Checkpoint
from transfer.checkpoint.values import (
    AttachedStep,
    Found,
    Holder,
    Invocation,
    Job,
    PlannedDag,
    Remedy,
    ResumePoint,
    Totals,
)

__all__ = [
    "AttachedStep",
    "Checkpoint",
    "CheckpointReader",
    "Found",
    "Holder",
    "Invocation",
    "Job",
    "PlannedDag",
    "Remedy",
    "ResumePoint",
    "Totals",
]
