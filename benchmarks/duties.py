"""The bare loop with the duties of ``transfer``, one after the other, each in the leanest Python that does it.

What the bare loop leaves out is what keeps rows safe. This loop takes on as many of the duties as it is told to, so
that two numbers become visible: what each of them costs at least, and what of the client's cost is its own. It still
tries nothing again, reads nothing back, waits for nobody and gives no account; a duty that fails ends it.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import repeat
from operator import eq, itemgetter
from types import NoneType
from typing import Any, Final
from uuid import UUID, uuid5

import aiohttp
import orjson

from benchmarks.bare_loop import BATCH_BYTES, BATCH_ROWS
from benchmarks.duties_state import State, must
from transfer.kinds import DAG_RUNS, KINDS, Kind, Row

DUTIES: Final = {
    "requests": "runs read again after their children, with the run before them and all counts",
    "identity": "the identity of every row checked",
    "fingerprints": "a fingerprint of every run",
    "nulls": "columns that are null in a whole batch left out, and its keys checked to be the same",
    "keys": "an Idempotency-Key made of the rows of each batch",
    "checkpoint": "each window claimed and settled in a database, on disk when that returns",
}
"""What each duty is, in the order in which they are added."""

_JOB: Final = UUID(int=1)
_COLUMNS: Final = {
    name: itemgetter(name) for name in ("run_id", "task_id", "map_index", "try_number", "dag_id", "state")
}
_INTEGERS: Final = {"task_instances": ["map_index"], "task_instance_history": ["map_index", "try_number"]}
_ABSENT: Final = object()


@dataclass(slots=True)
class Loop:
    """Moves all runs of a DAG, ``slice_runs`` at a time, with some of the ``duties``."""

    urls: Sequence[str]
    dag_id: str
    slice_runs: int
    lanes: int
    duties: frozenset[str]
    state: State
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)
    ends: dict[int, str] = field(default_factory=dict)
    """The last run of each slice that was read, by the offset behind it."""

    async def move(self) -> None:
        """Move everything."""
        async with AsyncExitStack() as stack:
            self.sessions = [await stack.enter_async_context(aiohttp.ClientSession()) for _ in self.urls]
            count = orjson.loads(await self._get(DAG_RUNS, 0, 1))["dag_run_count"]
            offsets = iter(range(0, count, self.slice_runs))
            await asyncio.gather(*(self._lane(offsets) for _ in range(self.lanes)))

    async def _lane(self, offsets: Iterator[int]) -> None:
        for offset in offsets:
            await (self._safe_slice(offset) if "requests" in self.duties else self._slice(offset))

    async def _slice(self, offset: int) -> None:
        pages = await asyncio.gather(*(self._get(kind, offset, self.slice_runs) for kind in KINDS))
        for kind, page in zip(KINDS, pages, strict=True):
            await self._write(kind, orjson.loads(page)[kind.envelope], len(page))

    async def _safe_slice(self, offset: int) -> None:
        before = min(offset, 1)
        text = await self._get(DAG_RUNS, offset - before, self.slice_runs + before)
        document = orjson.loads(text)
        anchor, runs, count = document["dag_runs"][:before], document["dag_runs"][before:], document["dag_run_count"]
        must(not anchor or self.ends.get(offset, anchor[0]["run_id"]) == anchor[0]["run_id"])
        self.ends[offset + len(runs)] = runs[-1]["run_id"]
        pages = await asyncio.gather(*(self._get(kind, offset, len(runs)) for kind in KINDS[1:]))
        again = orjson.loads(await self._get(DAG_RUNS, offset, len(runs)))
        must((again["dag_runs"], again["dag_run_count"]) == (runs, count))
        marks = _fingerprints(runs) if "fingerprints" in self.duties else []
        if "checkpoint" in self.duties:
            await self.state.claim(offset, runs, marks)
        await self._write(DAG_RUNS, runs, len(text), runs)
        for kind, page in zip(KINDS[1:], pages, strict=True):
            children = orjson.loads(page)
            must(children["dag_run_count"] == count)
            await self._write(kind, children[kind.envelope], len(page), runs)
        if "checkpoint" in self.duties:
            await self.state.settle(offset, runs, marks)

    async def _write(self, kind: Kind, rows: list[Row], size: int, runs: Sequence[Row] = ()) -> None:
        if "identity" in self.duties:
            must(_are_rows(kind, rows, self.dag_id))
            must({run["run_id"] for run in runs}.issuperset(map(_COLUMNS["run_id"], rows)))
        most = min(BATCH_ROWS, max(1, BATCH_BYTES * len(rows) // size))
        for start in range(0, len(rows), most):
            batch = rows[start : start + most]
            if "nulls" in self.duties:
                batch = _without_nulls(kind, batch)
            headers = {"Idempotency-Key": _key(kind, batch)} if "keys" in self.duties else {}
            await self._post(kind, orjson.dumps({kind.envelope: batch}), headers)

    async def _get(self, kind: Kind, offset: int, limit: int) -> bytes:
        params = {"dag_id": self.dag_id, "offset": str(offset), "limit": str(limit)}
        async with self.sessions[0].get(f"{self.urls[0]}/api/starship/{kind.route}", params=params) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def _post(self, kind: Kind, body: bytes, headers: dict[str, str]) -> None:
        headers = {"Content-Type": "application/json", **headers}
        async with self.sessions[1].post(
            f"{self.urls[1]}/api/starship/{kind.route}", data=body, headers=headers
        ) as answer:
            answer.raise_for_status()
            await answer.read()


def _are_rows(kind: Kind, rows: list[Row], dag_id: str) -> bool:
    """Tell whether all ``rows`` have an identity that can be relied on."""
    types = {name: set(map(type, map(_COLUMNS[name], rows))) for name in ("run_id", "state")}
    is_run = kind is DAG_RUNS
    return (
        types["run_id"] <= {str}
        and types["state"] <= {str, NoneType}
        and list(map(_COLUMNS["dag_id"], rows)).count(dag_id) == len(rows)
        and (is_run or all(type(name) is str for name in set(map(_COLUMNS["task_id"], rows))))
        and all(set(map(type, map(_COLUMNS[name], rows))) <= {int} for name in _INTEGERS.get(kind.name, ()))
    )


def _fingerprints(runs: Sequence[Row]) -> list[int]:
    texts = [orjson.dumps(run, option=orjson.OPT_SORT_KEYS) for run in runs]
    return [int.from_bytes(blake2b(text, digest_size=8).digest(), signed=True) for text in texts]


def _without_nulls(kind: Kind, rows: list[Row]) -> list[Row]:
    """Remove the optional columns that are null in all ``rows``, which then must have the same keys.

    Runs are copied, for they are looked at again.
    """
    thin = [row.copy() for row in rows] if kind is DAG_RUNS else rows
    for column in kind.optional.intersection(thin[0]):
        if thin[0][column] is None and thin[-1].get(column, _ABSENT) is None:
            values = list(map(dict.pop, thin, repeat(column)))
            if values.count(None) < len(values):
                for row, value in zip(thin, values, strict=True):
                    row[column] = value
    must(all(map(eq, map(list, thin), repeat(list(thin[0])))))
    return thin


def _key(kind: Kind, rows: Sequence[Row]) -> str:
    columns: list[list[Any]] = [[row[name] for row in rows] for name in kind.key]
    return str(uuid5(_JOB, blake2b(orjson.dumps(columns), digest_size=16).hexdigest()))


def main() -> None:
    """Read the order of the bare loop, with the duties and the file of the checkpoint, from standard input."""
    order = json.load(sys.stdin)
    state = State(order.pop("state"))
    try:
        asyncio.run(Loop(**order | {"duties": frozenset(order["duties"]), "state": state}).move())
    finally:
        state.close()


if __name__ == "__main__":
    main()
