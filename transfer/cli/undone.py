"""What undos of a job have removed so far, as text and as JSON values."""

from collections.abc import Iterator, Mapping
from typing import Any

from transfer.checkpoint.undoing import Undone


def undone_lines(undone: Mapping[str, Undone]) -> Iterator[str]:
    """Yield a line that says what undos have removed; none if nothing was."""
    if undone:
        runs, last = sum(of.runs for of in undone.values()), max(of.at for of in undone.values())
        dags = f"{len(undone):,} {'DAGs' if len(undone) > 1 else 'DAG'}"
        when = f"{last:%Y-%m-%d %H:%M:%S} UTC"
        yield f"undone: {runs:,} runs of {dags} were removed from the target again, last at {when}"


def undone_json(undone: Mapping[str, Undone]) -> dict[str, Any]:
    """Return the same for machines: ``{dag: {runs, at}}``."""
    return {dag_id: {"runs": of.runs, "at": of.at.isoformat()} for dag_id, of in undone.items()}
