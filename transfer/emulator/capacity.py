"""How much a server can do at once: synchronous workers, and how long a request keeps one of them.

Airflow 2's gunicorn has a few synchronous workers, each of which does one request after the other; whoever comes when
all are busy waits in line. So a server's rate is workers / seconds per row, whatever a client does, and more requests
at once only wait longer. The travelling of a request keeps no worker busy, as behind a proxy that buffers.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a worker for one request: ``fixed``, and ``per_row`` for each row that is sent or served."""

    fixed: float = 0.0
    per_row: float = 0.0

    def seconds(self, rows: int) -> float:
        """Return the seconds for a request with that many rows."""
        return self.fixed + self.per_row * rows


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """What requests cost, by method, or more exactly by (method, route); the routes are those of ``Rule``."""

    by_method: Mapping[str, Cost] = field(default_factory=dict)
    by_route: Mapping[tuple[str, str], Cost] = field(default_factory=dict)

    def seconds(self, method: str, route: str, rows: int) -> float:
        """Return how long a request keeps a worker busy; one that is in neither table takes no time."""
        cost = self.by_route.get((method, route)) or self.by_method.get(method)
        return cost.seconds(rows) if cost else 0.0

    def times(self, factor: float) -> "ServiceTimes":
        """Return those of a machine that is slower by ``factor``."""
        return ServiceTimes(
            {method: Cost(cost.fixed * factor, cost.per_row * factor) for method, cost in self.by_method.items()},
            {route: Cost(cost.fixed * factor, cost.per_row * factor) for route, cost in self.by_route.items()},
        )


MEASURED: Final = ServiceTimes(
    {"GET": Cost(0.011), "POST": Cost(0.028)},
    {
        ("GET", "dag_runs"): Cost(0.0114, 0.000_031),
        ("GET", "task_instances"): Cost(0.0113, 0.000_068),
        ("GET", "task_instance_history"): Cost(0.0119, 0.000_039),
        ("POST", "dag_runs"): Cost(0.0186, 0.000_184),
        ("POST", "task_instances"): Cost(0.0275, 0.000_282),
        ("POST", "task_instance_history"): Cost(0.0304, 0.000_350),
    },
)
"""One worker of Airflow 2.11.2 with Starship 2.10.1 and PostgreSQL 15, all-null columns left out of what is sent.

``benchmarks/service_times.py`` measures it.
"""


class Workers:
    """The workers of a server; who comes first is served first."""

    def __init__(self, count: int) -> None:
        self._free = anyio.Semaphore(count)
        self.waiting = 0
        """Requests that wait for a worker just now."""

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Keep one of them busy inside of the ``async with``."""
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._free.release()
