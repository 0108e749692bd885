"""The verdict at the end: every row of the target against every row of the source, and against what the program says.

Where nothing happened to a run after it was there, both sides must be the same. A run that was changed or deleted at
the source meanwhile may be on the target as it was before: whole and of one version, or else the program must say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.live.compare import Connection, Difference, compare
from transfer.checkpoint import CheckpointReader
from transfer.checkpoint.encoding import digest
from transfer.model import RejectedRow

from .history import LivingHistory, RunKey, Version, version
from .program import Program

MOST = 100_000
_PAGE = 500


@dataclass(slots=True)
class Verdict:
    """What the comparison found; `wrong` must be empty, the rest are figures."""

    rows: dict[str, int]
    missing: int = 0
    extra: int = 0
    differing: int = 0
    earlier_versions: int = 0
    deleted_at_source: int = 0
    reported: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, difference: Difference) -> None:
        """Count a row that nothing excuses."""
        self.missing += difference.verdict == "missing"
        self.extra += difference.verdict == "extra"
        self.differing += difference.verdict == "differs"
        self.wrong.append(f"{difference.verdict}: {difference.table} {difference.key} {difference.columns}"[:500])


def reported(program: Program) -> list[RejectedRow]:
    """Return every row that the program reports as rejected."""
    rows: list[RejectedRow] = []
    with CheckpointReader.open(program.state_dir) as reader:
        while page := reader.rejected(_PAGE, len(rows)):
            rows += page
    return rows


def judge(source: Connection, target: Connection, history: LivingHistory, rejected: Sequence[RejectedRow]) -> Verdict:
    """Compare both sides and return the verdict."""
    verdict = Verdict(_rows(target))
    told = {(row.dag_id, row.run_id) for row in rejected}
    verdict.reported = len(told)
    excused = _excused(history, told)
    touched: set[RunKey] = set()
    for difference in compare(source, target, most=MOST):
        run = _run(difference)
        if run in excused:
            touched.add(run)
        else:
            verdict.count(difference)
    for run in sorted(touched):
        _check_version(verdict, run, excused[run], [version(target, run), version(source, run)], told=told)
    verdict.wrong += [f"rejected for nothing: {row}" for row in rejected if not _known(history, row)]
    return verdict


def _excused(history: LivingHistory, told: set[RunKey]) -> dict[RunKey, Version]:
    return history.deleted | {run: before for run, before in history.changed.items() if run in told}


def _check_version(
    verdict: Verdict, run: RunKey, before: Version, both: Sequence[Version], *, told: set[RunKey]
) -> None:
    there, now = both
    verdict.deleted_at_source += not now["dag_run"]
    verdict.earlier_versions += bool(now["dag_run"])
    if not _part_of(there, before) and not _part_of(there, now):
        verdict.wrong.append(f"a mixture of versions: {run}")
    elif not now["dag_run"] and there != before and not told & _names(run):
        verdict.wrong.append(f"deleted at the source, on the target in part, and not reported: {run}")


def _part_of(there: Version, whole: Version) -> bool:
    return all(rows.items() <= whole[table].items() for table, rows in there.items())


def _known(history: LivingHistory, row: RejectedRow) -> bool:
    gone = {name for run in history.deleted for name in _names(run)}
    return (row.dag_id, row.run_id) in history.changed.keys() | gone


def _names(run: RunKey) -> set[RunKey]:
    """Return what a run may be called in a report: of one that is gone only the digest of its id is known."""
    return {run, (run[0], f"(digest {digest(run[1]) % 2**64:016x})")}


def _run(difference: Difference) -> RunKey:
    key = difference.key
    return (key[0], key[1]) if difference.table == "dag_run" else (key[0], key[2])


def _rows(target: Connection) -> dict[str, int]:
    query = (
        "SELECT (SELECT count(*) FROM dag_run), (SELECT count(*) FROM task_instance),"
        " (SELECT count(*) FROM task_instance_history)"
    )
    names = ("dag_run", "task_instance", "task_instance_history")
    return dict(zip(names, target.execute(query).fetchone() or (0, 0, 0), strict=True))
