"""Holds two histories against each other, row by row: what a transfer is judged by."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from transfer.emulator.expected import Opinion, kept, opinion
from transfer.emulator.history import History
from transfer.kinds import CHILDREN, DAG_RUNS, FINISHED_STATES, Key, Kind, Row


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as it should be; ``columns`` are those that differ."""

    what: Literal["missing", "extra", "different"]
    kind: str
    dag_id: str
    key: Key
    columns: tuple[str, ...] = ()


def compare(source: History, target: History) -> list[Difference]:
    """Return how ``target`` differs from the finished runs of ``source`` and everything that hangs on them.

    Runs that are not finished count as absent from the source. Between two versions a row should be what ``expected``
    makes of it; kinds that the target does not keep count as absent, too.
    """
    return list(differences(source, target))


def differences(source: History, target: History) -> Iterator[Difference]:
    """Yield what ``compare`` returns, DAG by DAG."""
    expect = opinion(source.version, target.version)
    for dag_id in source.dag_ids():
        for run in source.runs(dag_id):
            if run["state"] in FINISHED_STATES:
                yield from _run(source, target, run, expect)
    for dag_id in target.dag_ids():
        for run in target.runs(dag_id):
            wanted = source.run(dag_id, run["run_id"])
            if wanted is None or wanted["state"] not in FINISHED_STATES:
                yield Difference("extra", DAG_RUNS.name, dag_id, (run["run_id"],))


def _run(source: History, target: History, run: Row, expect: Opinion | None) -> Iterator[Difference]:
    dag_id, run_id = run["dag_id"], run["run_id"]
    found = target.run(dag_id, run_id)
    if found is None:
        yield Difference("missing", DAG_RUNS.name, dag_id, (run_id,))
    else:
        yield from _row(DAG_RUNS, run, found, expect)
    for kind in CHILDREN:
        if not kept(kind, target.version):
            continue
        wanted = {kind.key_of(row): row for row in source.children(kind, dag_id, run_id)}
        there = {kind.key_of(row): row for row in target.children(kind, dag_id, run_id)}
        for key in wanted.keys() - there.keys():
            yield Difference("missing", kind.name, dag_id, key)
        for key in there.keys() - wanted.keys():
            yield Difference("extra", kind.name, dag_id, key)
        for key in wanted.keys() & there.keys():
            yield from _row(kind, wanted[key], there[key], expect)


def _row(kind: Kind, wanted: Row, found: Row, expect: Opinion | None) -> Iterator[Difference]:
    if expect is not None:
        wanted = expect(kind, wanted)
        found = {name: found.get(name) for name in wanted}
    if wanted != found:
        columns = tuple(sorted(name for name in wanted if wanted[name] != found.get(name)))
        yield Difference("different", kind.name, wanted["dag_id"], kind.key_of(wanted), columns)
