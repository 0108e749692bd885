"""An open load on one target: as many clients as it takes, each of which sends the next full batch at once.

What the target stores per second then is all that it can; no client can be faster. Started as
``python -m benchmarks.saturate`` with an ``Order`` on standard input; says seconds and rows in one line. The DAG runs
go first, since the others hang on them.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from time import perf_counter
from typing import Any

import aiohttp
import orjson

from transfer.emulator import Shape, SyntheticHistory
from transfer.kinds import DAG_RUNS, KINDS, Kind, Row


@dataclass(frozen=True, slots=True)
class Order:
    """What to send where: the rows of ``shape`` in batches of ``batch`` rows, by ``clients`` at once."""

    url: str
    shape: dict[str, Any]
    clients: int
    batch: int = 1_000

    def text(self) -> str:
        """Return the line to send."""
        return json.dumps(asdict(self)) + "\n"


def main() -> None:
    """Send what standard input asks for."""
    print(json.dumps(asyncio.run(load(Order(**json.loads(sys.stdin.readline()))))))


async def load(order: Order) -> dict[str, Any]:
    """Send everything, kind after kind, and return the seconds and rows of each kind."""
    history = SyntheticHistory(Shape(**order.shape))
    connector = aiohttp.TCPConnector(limit=order.clients)
    said = {}
    async with aiohttp.ClientSession(connector=connector) as session:
        for kind in KINDS:
            bodies = list(_bodies(history, kind, order.batch))  # encoded beforehand: this is not about the client
            started = perf_counter()
            waiting = iter(bodies)
            url = f"{order.url}/api/starship/{kind.route}"
            await asyncio.gather(*(_client(session, url, waiting) for _ in range(order.clients)))
            rows = sum(count for _, count in bodies)
            said[kind.name] = {"seconds": perf_counter() - started, "rows": rows}
    return said


async def _client(session: aiohttp.ClientSession, url: str, waiting: Iterator[tuple[bytes, int]]) -> None:
    for body, _ in waiting:
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            answer.raise_for_status()
            await answer.read()


def _bodies(history: SyntheticHistory, kind: Kind, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield the bodies of full batches, and the rows in each."""
    rows = _rows(history, kind)
    while batch := list(islice(rows, size)):
        yield orjson.dumps({kind.envelope: _without_nulls(kind, batch)}), len(batch)


def _rows(history: SyntheticHistory, kind: Kind) -> Iterator[Row]:
    for dag_id in history.dag_ids():
        for number in range(history.shape.runs):
            if kind is DAG_RUNS:
                yield history.run_at(dag_id, number)
            else:
                yield from history.children_at(kind, dag_id, number)


def _without_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Leave out the optional columns that are null in all rows, as ``transfer`` does."""
    empty = {column for column in kind.optional if all(row[column] is None for row in rows)}
    return [{column: value for column, value in row.items() if column not in empty} for row in rows]


if __name__ == "__main__":
    main()
