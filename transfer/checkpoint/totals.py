"""SQL that counts: every total is computed from the rows it sums, in one look at each table."""

from collections import defaultdict
from dataclasses import replace
from functools import partial
from itertools import repeat
from sqlite3 import Connection
from typing import Final

from transfer.checkpoint.attached import attached_counts, read_attached
from transfer.checkpoint.encoding import OUTCOMES, checked, decoding, moment
from transfer.checkpoint.losses import read_losses
from transfer.checkpoint.values import Totals
from transfer.kinds import DAG_RUNS
from transfer.model import Counts, Outcome

_RUNS: Final = f"""
    SELECT dag_id, planned AND finished_pass > 0 AND finished_pass = open_pass AND run_count <= finished_count,
        {", ".join(f"count(*) FILTER (WHERE outcome = {code})" for code in OUTCOMES)}
    FROM dag LEFT JOIN run ON run.dag = dag.id GROUP BY dag.id
"""  # noqa: S608 - only the numeric codes above are put in
_CHILDREN: Final = """
    SELECT dag_id, kind, sum(moved), sum(already), 0, sum(repaired)
    FROM window_count JOIN window ON window.id = window_count.window JOIN dag ON dag.id = window.dag
    GROUP BY dag_id, kind
    UNION ALL
    SELECT dag_id, kind, 0, 0, sum(rows), 0 FROM rejected JOIN dag ON dag.id = rejected.dag
    WHERE kind <> ? GROUP BY dag_id, kind
"""


def read_totals(connection: Connection) -> Totals:
    """Return the job's totals; must run inside a transaction to be of one moment."""
    runs: dict[str, dict[Outcome, int]] = {}
    rows: defaultdict[str, dict[str, Counts]] = defaultdict(dict)
    done = set()
    for row in connection.execute(_RUNS):
        dag_id, is_done, *numbers = checked(row, str, int, *repeat(int, len(OUTCOMES)))
        counts = {outcome: number for outcome, number in zip(OUTCOMES.values(), numbers, strict=True) if number}
        if counts:
            runs[dag_id] = counts
            rows[dag_id][DAG_RUNS.name] = _run_counts(counts)
        if is_done:
            done.add(dag_id)
    for row in connection.execute(_CHILDREN, (DAG_RUNS.name,)):
        dag_id, kind, moved, already, rejected, repaired = checked(row, str, str, int, int, int, int)
        known = rows[dag_id].get(kind, Counts())
        rows[dag_id][kind] = known + Counts(moved=moved, already=already, rejected=rejected, repaired=repaired)
    attached: defaultdict[str, defaultdict[str, int]] = defaultdict(partial(defaultdict, int))
    for dag_id, kinds in read_attached(connection).items():
        for kind, names in kinds.items():
            rows[dag_id][kind] = rows[dag_id].get(kind, Counts()) + attached_counts(names)
            for name, amount in names.items():
                attached[kind][name] += amount
    totals = _totals(connection, runs, dict(rows), frozenset(done))
    return replace(totals, attached={kind: dict(names) for kind, names in attached.items()})


def _run_counts(runs: dict[Outcome, int]) -> Counts:
    return Counts(
        moved=_sum(runs, Outcome.MOVED, Outcome.PARTIAL),
        already=runs.get(Outcome.ALREADY, 0),
        unfinished=_sum(runs, Outcome.UNFINISHED, Outcome.REPLACING, Outcome.MENDING, Outcome.MENDING_FOUND),
        rejected=_sum(runs, Outcome.REJECTED, Outcome.CHANGED, Outcome.TO_REPLACE),
    )


def _sum(runs: dict[Outcome, int], *outcomes: Outcome) -> int:
    return sum(runs.get(outcome, 0) for outcome in outcomes)


def _totals(
    connection: Connection,
    runs: dict[str, dict[Outcome, int]],
    rows: dict[str, dict[str, Counts]],
    done: frozenset[str],
) -> Totals:
    windows, settled = connection.execute("SELECT count(*), max(done_at) FROM window WHERE state <> 'cut'").fetchone()
    (created,) = connection.execute("SELECT created_at FROM job").fetchone()
    with decoding():
        losses = read_losses(connection)
        return Totals(runs, rows, windows, done, moment(created), moment(settled) if settled else None, losses)
