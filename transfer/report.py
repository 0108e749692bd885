"""Counts as text and as JSON values; pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from transfer.checkpoint import Totals
from transfer.kinds import KINDS
from transfer.model import Counts, Loss, RejectedRow, SideName

COLUMNS: Final = ("moved", "already there", "unfinished", "rejected", "repaired")


def by_kind(totals: Totals) -> dict[str, Counts]:
    """Return the job's counts of each kind over all its DAGs."""
    sums = {kind.name: Counts() for kind in KINDS}
    for kinds in totals.rows.values():
        for kind, counts in kinds.items():
            sums[kind] = sums.get(kind, Counts()) + counts
    return sums


def rejected_rows(totals: Totals) -> int:
    """Return how many rows of all kinds the target has refused for good."""
    return sum(counts.rejected for counts in by_kind(totals).values())


def counts_table(counts: Mapping[str, Counts]) -> list[str]:
    """Return lines of a table: one per kind, one column per outcome; the last one only if anything was repaired."""
    width = len(COLUMNS) - (not any(count.repaired for count in counts.values()))
    rows = [(kind, *(f"{number:,}" for number in _numbers(count)[:width])) for kind, count in counts.items()]
    return table(("", *COLUMNS[:width]), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return aligned lines: the first column to the left, the others to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def counts_json(counts: Mapping[str, Counts]) -> dict[str, dict[str, int]]:
    """Return the same for machines: ``{kind: {moved, already_there, unfinished, rejected, repaired}}``."""
    names = [column.replace(" ", "_") for column in COLUMNS]
    return {kind: dict(zip(names, _numbers(count), strict=True)) for kind, count in counts.items()}


def totals_json(totals: Totals) -> dict[str, Any]:
    """Return the job's totals: all kinds, and each DAG."""
    return {
        "kinds": counts_json(by_kind(totals)),
        "dags": {dag_id: counts_json(kinds) for dag_id, kinds in totals.rows.items()},
        "losses": losses_json(totals.losses),
        "attached": {kind: dict(names) for kind, names in totals.attached.items()},
        "dags_complete": sorted(totals.dags_done),
        "created_at": totals.created_at.isoformat(),
        "settled_at": totals.settled_at.isoformat() if totals.settled_at else None,
    }


def losses_json(losses: Mapping[Loss, int]) -> list[dict[str, Any]]:
    """Return what was lost for machines: ``[{kind, column, why, values}]``; column is * for whole rows."""
    return [
        {"kind": loss.kind, "column": loss.column, "why": loss.why, "values": amount} for loss, amount in losses.items()
    ]


def losses_lines(losses: Mapping[Loss, int]) -> list[str]:
    """Return the same for people, a line for each column and reason."""
    return [
        f"{loss.kind}.{loss.column}: {amount:,} values: {loss.why}"
        if loss.column != "*"
        else f"{loss.kind}: {amount:,} rows: {loss.why}"
        for loss, amount in losses.items()
    ]


def rejected_line(row: RejectedRow) -> str:
    """Return one line that names a rejected row and the reason."""
    key = f", {row.key}" if row.key else ""
    many = f" ({row.rows} rows)" if row.rows > 1 else ""
    return f"{row.kind} {row.dag_id}, run_id={row.run_id}{key}{many}: {row.reason}"


def limits_json(
    concurrency: Mapping[SideName, int], highest: Mapping[SideName, int], body_bytes: int | None
) -> dict[str, Any]:
    """Return what was found out about limits: ``{side: {concurrency, highest}, body_bytes}``, keys only if known."""
    known = {"concurrency": concurrency, "highest": highest}
    said: dict[str, Any] = {"body_bytes": body_bytes}
    for side in concurrency:
        said[side] = {name: of[side] for name, of in known.items() if side in of}
    return said


def limits_line(concurrency: Mapping[SideName, int], highest: Mapping[SideName, int], body_bytes: int | None) -> str:
    """Return the same for people, empty if nothing is known."""
    parts = [
        f"{side} {count}" + (f" (at most {highest[side]})" if side in highest else "")
        for side, count in concurrency.items()
    ]
    said = [f"requests at once: {', '.join(parts)}"] if parts else []
    said += [f"the target takes bodies of {size(body_bytes)}"] if body_bytes is not None else []
    return "; ".join(said)


def duration(seconds: float) -> str:
    """Return seconds as people say it: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def size(count: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:  # noqa: PLR2004  the unit's own size
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _numbers(counts: Counts) -> tuple[int, int, int, int, int]:
    return counts.moved, counts.already, counts.unfinished, counts.rejected, counts.repaired
