"""Rows that real servers served, one file for each version, as they came over the wire."""

import json
from pathlib import Path

from transfer.kinds import Row

_FOLDER = Path(__file__).parent / "served"

VERSIONS = tuple(sorted(file.stem for file in _FOLDER.glob("*.json")))
"""The versions of which there are answers."""


def served(version: str, kind: str) -> list[Row]:
    """Return the rows of one kind that a server of that version served, none where it served none."""
    rows: list[Row] = json.loads((_FOLDER / f"{version}.json").read_text("utf-8"))[kind]
    return rows
