"""How a run of the program ended."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ending:
    """DAGs that were not moved, or compared, to their end with the reason, and whether it was stopped."""

    problems: dict[str, str] = field(default_factory=dict)
    stopped: bool = False
