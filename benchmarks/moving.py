"""What moves a history between two deployments that let everybody in: ``transfer run``, and the page's algorithm."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """\
[source]
url = {source}
auth = {{ kind = "none" }}
[target]
url = {target}
auth = {{ kind = "none" }}
"""


@dataclass(frozen=True, slots=True)
class Mover:
    """A program that moves: how it is started, and what it is told on standard input."""

    command: list[str]
    stdin: str
    env: dict[str, str]


def transfer_run(source: str, target: str, folder: Path, *more: str) -> Mover:
    """Return ``transfer run`` with its defaults; its state is in ``folder / "state"``, ``more`` are options."""
    config = folder / "transfer.toml"
    config.write_text(_CONFIG.format(source=json.dumps(source), target=json.dumps(target)))
    command = [sys.executable, "-m", "transfer", "run", "-c", str(config), "-s", str(folder / "state"), "--json", *more]
    return Mover(command, "", environment())


def starship_page(source: str, target: str, dag_id: str, batch: int) -> Mover:
    """Return the algorithm of Starship's page with ``batch`` runs at a time."""
    order = {"urls": [source, target], "cookies": ["", ""], "dag_id": dag_id, "batch": batch}
    return Mover([sys.executable, "-m", "benchmarks.starship_page"], json.dumps(order), environment())


def environment() -> dict[str, str]:
    """Return ours without settings of ``transfer`` and without a proxy."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
    return {**ours, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
