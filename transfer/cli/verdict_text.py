"""A verdict for people: a table, what was not compared or is known to be lost, the differences."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from transfer.cli.output import plain, say
from transfer.cli.verdict import NAMES, SHOWN, Verdict
from transfer.findings import DagFindings
from transfer.kinds import KINDS
from transfer.model import Difference, Mark
from transfer.report import duration, table

_ABSENT: Final = "the target does not have it (deploy it there, or `transfer run --allow-missing-dags`)"


def say_as_text(verdict: Verdict, *, everything: bool) -> None:
    """Print ``verdict`` with the first differences, or before it ``everything``."""
    if everything:
        for found in verdict.differences():
            say(difference_line(found))
    say(verdict.headline)
    say()
    shown = _worth_showing(verdict.dags, everything=everything)
    for line in _table(shown, verdict.rows):
        say(line)
    if len(shown) < len(verdict.dags):
        say(f"and {len(verdict.dags) - len(shown):,} more DAGs, which are part of the sum; --list shows all")
    say()
    for line in _remarks(verdict):
        say(line)
    if not everything:
        _say_first(verdict)


def difference_line(found: Difference) -> str:
    """Return one line that names a difference."""
    key = f" {found.key}" if found.key else ""
    columns = f": {', '.join(found.columns)}" if found.columns else ""
    many = f" ({found.rows:,} rows)" if found.rows > 1 else ""
    return f"{found.mark} {found.kind} {found.dag_id} {found.run_id}{key}{columns}{many}"


def _say_first(verdict: Verdict) -> None:
    first = [difference_line(found) for found in islice(verdict.differences(), SHOWN)]
    if not first:
        return
    say("differences:")
    for line in first:
        say(f"  {line}")
    rows = sum(dag.differences for dag in verdict.dags)
    say(f"all differences, of {rows:,} rows: transfer verify --list --state-dir {verdict.state_dir}")


def _worth_showing(dags: Sequence[DagFindings], *, everything: bool) -> Sequence[DagFindings]:
    """Return the DAGs to name: all of few, else the first that have differences or problems."""
    if everything or len(dags) <= SHOWN:
        return dags
    return [dag for dag in dags if dag.differences or dag.problem][:SHOWN]


def _table(dags: Sequence[DagFindings], total: Mapping[str, Mapping[Mark, int]]) -> list[str]:
    names = [plain(dag.dag_id) for dag in dags]
    width = max(map(len, ["DAG", *names]))
    rows = [row for name, dag in zip(names, dags, strict=True) for row in _rows(name.ljust(width), dag.rows)]
    head = ("DAG", *(f"{name} {mark}" for mark, name in NAMES.items()))
    return table(head, [*rows, *_rows("all".ljust(width), total)])


def _rows(name: str, rows: Mapping[str, Mapping[Mark, int]]) -> Iterator[tuple[str, ...]]:
    for kind in KINDS:
        marks = rows.get(kind.name, {})
        yield f"{name}  {kind.name}", *(f"{marks[mark]:,}" if marks.get(mark) else "" for mark in NAMES)


def _remarks(verdict: Verdict) -> Iterator[str]:
    if verdict.snapshot is not None:
        paused = verdict.snapshot.paused_seconds
        waited = f", paused for {duration(paused)}" if paused else ""
        yield f"this run: {verdict.snapshot.rows_sent:,} rows compared in {duration(verdict.snapshot.worked)}{waited}"
    findings = verdict.findings
    yield f"source {findings.identity.source}, target {findings.identity.target}"
    seed = "" if findings.sample is None else f", --seed {findings.seed}"
    yield f"verification {findings.id} of {findings.started_at:%Y-%m-%d %H:%M:%S} UTC{seed}"
    for kind, columns in verdict.losses.items():
        for column, count in columns.items():
            yield f"known loss, no difference: {kind} {column}, {count:,} rows"
    if verdict.unfinished:
        yield f"{verdict.unfinished:,} runs were not at rest at the source and not compared"
    if verdict.changed:
        yield f"{verdict.changed:,} runs changed or went while they were compared: another verification tells"
    if verdict.target_only:
        yield f"{verdict.target_only:,} DAGs with runs are on the target only and were not looked at"
    yield from _of_dags(verdict)
    if verdict.next_step:
        yield f"what can be done about it: {verdict.next_step}"


def _of_dags(verdict: Verdict) -> Iterator[str]:
    for dag in verdict.dags:
        if dag.missing and dag.differences:
            why = _ABSENT if dag.absent else "the target has it, without any run"
            yield f"missing as a whole: {dag.dag_id}: {why}; its task instances and tries were not counted"
        if dag.problem:
            yield f"not complete: {dag.dag_id}: {dag.problem}"
    for dag_id, reason in verdict.left_out.items():
        yield f"left out: {dag_id}: {reason}"
