"""The parts there are, in the order in which they are measured."""

from benchmarks import logs, networks, overhead, real, scale, xcoms
from benchmarks.part import Part


def all_parts() -> dict[str, Part]:
    """Return every part by name."""
    return {part.name: part for part in (real.PART, overhead.PART, scale.PART, networks.PART, logs.PART, xcoms.PART)}
