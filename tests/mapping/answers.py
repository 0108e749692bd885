"""Rows as real servers served them with Starship 2.10.1 (answers.json): made by schedulers, a few of each version."""

import json
from pathlib import Path

from transfer.kinds import Kind, Row

ANSWERS: dict[str, dict[str, list[Row]]] = json.loads(Path(__file__).with_name("answers.json").read_text())
"""The rows of each kind, by version."""


def rows_of(version: str, kind: Kind) -> list[Row]:
    """Return copies of the rows of ``kind`` that ``version`` served."""
    return [dict(row) for row in ANSWERS[version][kind.name]]
