"""Paths in settings."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

LONGEST_PATH = 3_000
"""Bytes; file systems take 4,096, and names are appended."""


def _usable(path: Path) -> Path:
    """Refuse what no operating system takes for a path."""
    if "\0" in str(path) or len(os.fsencode(path)) > LONGEST_PATH:
        msg = "is not a usable path"
        raise ValueError(msg)
    return path


Place: TypeAlias = Annotated[Path, AfterValidator(_usable)]
