"""What a campaign was: figures as text and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(slots=True)
class Report:
    """The figures of one campaign; it went well when `wrong` is empty."""

    seed: int
    minutes: float
    seconds: float = 0.0
    requests: dict[str, Counter[str]] = field(default_factory=dict)
    faults: dict[str, Counter[str]] = field(default_factory=dict)
    harm: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    longest_soft_stop: float = 0.0
    life: Counter[str] = field(default_factory=Counter)
    outcome: dict[str, Any] = field(default_factory=dict)
    calm_runs: int = 0
    """Undisturbed runs of the program until it had nothing left to do."""
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def faults_injected(self) -> int:
        """How many requests something was done to."""
        return sum(counter.total() for counter in self.faults.values())

    @property
    def requests_seen(self) -> int:
        """How many requests went through both proxies."""
        return sum(counter.total() for counter in self.requests.values())

    def as_json(self) -> str:
        """Return everything for machines."""
        return json.dumps({part.name: getattr(self, part.name) for part in fields(self)}, indent=2)

    def as_text(self) -> str:
        """Return everything for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"chaos of {self.minutes:g} minutes, seed {self.seed}, {self.seconds:.0f} s with the calm at its end"
        yield f"{self.requests_seen:,} requests, {self.faults_injected:,} of them with a fault"
        for side in self.requests:
            yield from _table(f"requests to the {side}", self.requests[side])
            yield from _table(f"faults before the {side}", self.faults[side])
        yield from _table("harm to processes and connections", self.harm)
        yield from _table("signals to the program", self.signals)
        yield from _table("its exit codes", self.codes)
        yield f"longest soft stop: {self.longest_soft_stop:.1f} s"
        yield from _table("why it ended with 1", self.failures)
        yield from _table("what it waited for", self.troubles)
        yield from _table("meanwhile at the source", self.life)
        yield from _table("in the end", self.outcome | {"undisturbed runs of the program": self.calm_runs})
        for kind, counts in self.kinds.items():
            yield f"  {kind}: " + ", ".join(f"{number:,} {name}" for name, number in counts.items())
        yield f"wrong: {len(self.wrong)}"
        yield from (f"  {line}" for line in self.wrong)


def _table(title: str, figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"{title}:"
    for name, number in sorted(figures.items()):
        yield f"  {number!s:>8}  {name}"
