"""What a seed decides: the size of the world, how it is asked, and which kinds of trouble there are in it.

Every kind of trouble is on or off for the whole of a seed, and its rate is drawn too: some worlds are calm, some know
one trouble only and much of it, which finds what an even mixture of everything hides.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from .faults import FAULTS
from .source_changes import SOURCE_CHANGES
from .target_changes import TARGET_CHANGES

ENDINGS: Final = {"none": 3, "kill": 8, "crash": 4, "stop": 3, "stop twice": 2, "disk full": 2}
"""How a process may end before its work is done, by weight."""

RUNS: Final = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 21)
RATES: Final = (0.0, 0.03, 0.06, 0.12, 0.25)
CHANGE_RATES: Final = (0.0, 0.0, 0.02, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ends: ``at`` is the step of its loop, or the transaction at which the disk is full."""

    kind: str
    at: int
    again: int = 0
    """Steps from the first signal to the second."""
    replaces: bool = False
    """Whether the program is told to replace runs that have changed."""


@dataclass(frozen=True, slots=True)
class DagDraw:
    """A DAG of the source; shares are of its runs, 0 to 1."""

    dag_id: str
    runs: int
    ties: int
    tasks: int
    unstarted: float
    unfinished: float
    bad_rows: float
    living: float
    there_before: float


@dataclass(frozen=True, slots=True)
class Draw:
    """Everything about one seed but the course of events."""

    seed: int
    dags: tuple[DagDraw, ...]
    limits: dict[str, Any]
    selection: dict[str, Any]
    concurrency: tuple[int, int]
    attempts: int
    rate: float | None
    auth: tuple[str, str]
    exact: bool
    ceiling: int | None
    fault_rate: float
    faults: tuple[str, ...]
    source_rate: float
    source_changes: tuple[str, ...]
    target_rate: float
    target_changes: tuple[str, ...]
    skews: tuple[float, ...]
    replaces: bool
    lives: tuple[Ending, ...] = field(default_factory=tuple)

    @property
    def is_calm(self) -> bool:
        """Tell whether nothing changes by itself."""
        return not (self.source_rate or self.target_rate)


def draw(seed: int) -> Draw:
    """Return what ``seed`` decides."""
    random = Random(f"{seed}/draw")  # noqa: S311 - a reproducible world
    skewed = random.random() < 0.15
    source_rate = random.choice(CHANGE_RATES)
    replaces = random.random() < 0.3
    return Draw(
        seed=seed,
        dags=tuple(_dag(random, number, skewed=skewed) for number in range(random.choice((1, 1, 2, 3)))),
        limits=_limits(random),
        selection=_selection(random),
        concurrency=(random.randint(1, 4), random.randint(1, 4)),
        attempts=random.choice((2, 3, 4, 6)),
        rate=random.choice((None, None, None, None, 20.0)),
        auth=(random.choice(AUTHS), random.choice(AUTHS)),
        exact=random.random() < 0.1,
        ceiling=random.choice((None, None, None, None, 6_000, 20_000)),
        fault_rate=random.choice(RATES),
        faults=_some(random, [fault.name for fault in FAULTS]),
        source_rate=source_rate,
        source_changes=_some(random, [name for name in SOURCE_CHANGES if not skewed or name not in _NEED_TIME]),
        target_rate=random.choice(CHANGE_RATES),
        target_changes=_some(random, list(TARGET_CHANGES)),
        skews=tuple(random.choice((0.0, 90_000.0, -200_000.0, 4e7, -4e7)) for _ in range(3)) if skewed else (),
        replaces=replaces,
        lives=_lives(random, replaces=replaces),
    )


AUTHS: Final = ("none", "session", "session", "bearer", "airflow3")

_NEED_TIME: Final = {"finish before its task"}
"""What the program can only tell by the time of day: it must not be wrong then."""


def _dag(random: Random, number: int, *, skewed: bool) -> DagDraw:
    return DagDraw(
        dag_id=f"dag {number}",
        runs=random.choice(RUNS),
        ties=random.choice((1, 1, 1, 2, 3, 9)),
        tasks=random.choice((0, 1, 2, 2, 4, 12)),
        unstarted=random.choice((0.0, 0.0, 0.2)),
        unfinished=random.choice((0.0, 0.1, 0.4)),
        bad_rows=random.choice((0.0, 0.0, 0.0, 0.1)),
        living=0.0 if skewed else random.choice((0.0, 0.0, 0.0, 0.2)),
        there_before=random.choice((0.0, 0.0, 0.0, 0.3, 1.0)),
    )


def _limits(random: Random) -> dict[str, Any]:
    return {
        "window_runs": random.choice((1, 2, 3, 4, 6, 10, 25)),
        "batch_rows": random.choice((1, 2, 5, 10, 40, 200)),
        "batch_bytes": random.choice((2_048, 8_192, 65_536)),
        "window_bytes": random.choice((16_384, 65_536, 2_097_152)),
        "memory_bytes": random.choice((65_536, 8_388_608)),
    }


def _selection(random: Random) -> dict[str, Any]:
    chosen = random.choice(("all", "all", "all", "all", "newest", "since", "states", "dags"))
    choices: dict[str, dict[str, Any]] = {
        "all": {},
        "newest": {"newest": random.choice((1, 3, 8))},
        "since": {"since": f"2025-02-{random.randint(10, 28)}T00:00:00Z"},
        "states": {"states": (random.choice(("success", "failed")),)},
        "dags": {"dags": ("dag 0", "dag 2", "dag 7")},
    }
    return choices[chosen]


def _some(random: Random, names: list[str]) -> tuple[str, ...]:
    """Return one of the names, half of them or all."""
    count = random.choice((1, 3, len(names) // 2, len(names)))
    return tuple(random.sample(names, min(count, len(names))))


def _lives(random: Random, *, replaces: bool) -> tuple[Ending, ...]:
    count = random.choice((0, 1, 1, 2, 2, 3, 5))
    return tuple(_ending(random, replaces=replaces and random.random() < 0.5) for _ in range(count))


def _ending(random: Random, *, replaces: bool) -> Ending:
    kind = random.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    at = random.randint(1, 60) if kind == "disk full" else round(10 ** random.uniform(0.7, 3.4))
    return Ending(kind, at, again=random.choice((1, 30, 300)), replaces=replaces)
