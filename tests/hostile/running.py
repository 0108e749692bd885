"""Running the job between two deployments, and saying in a word how it ended."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.run import run_job
from transfer.errors import ExitCode, TransferError

from .deployment import Deployment, Script, served

ENDINGS = {
    ExitCode.DONE: "fine",
    ExitCode.FAILED: "DAG not complete",
    ExitCode.INCOMPLETE: "row rejected",
}
"""How a run ends that no error ended."""

NOBODY = '{ kind = "none" }'


def configured(
    folder: Path, urls: tuple[str, str], *, auth: str = NOBODY, attempts: int = 2, seconds: float = 0.5, **limits: int
) -> Path:
    """Write the configuration of a job from the first to the second of ``urls`` and return its path.

    ``seconds`` are what it waits for anything.
    """
    side = f"auth = {auth}\nconnect_timeout = {seconds}\nread_timeout = {seconds}\nlimits = {{ concurrency = 2 }}"
    lines = [
        f"state_dir = {json.dumps(str(folder / 'state'))}",
        f"[source]\nurl = {json.dumps(urls[0])}\n{side}",
        f"[target]\nurl = {json.dumps(urls[1])}\n{side}",
        f"[retry]\nattempts = {attempts}\nwait_initial = 0.01\nwait_max = 0.01\nretry_after_max = 0.01",
        "[limits]",
        *(f"{name} = {value}" for name, value in limits.items()),
    ]
    path = folder / "transfer.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextmanager
def between(folder: Path, source: Deployment, target: Deployment, **more: Any) -> Iterator[Path]:
    """Serve both deployments; yields the configuration of the job between them."""
    with served(source) as left, served(target) as right:
        yield configured(folder, (left, right), **more)


def ending_of(config: Path) -> str:
    """Run the job and return the class of the error that ended it, or how it ended without one.

    Anything that is no ``TransferError`` comes through: it would be a defect.
    """
    try:
        code = anyio.run(run_job, JobOptions(config=config), OutputOptions())
    except TransferError as error:
        return type(error).__name__
    return ENDINGS[code]


def ending(folder: Path, script: Script, *, side: str = "source", runs: int = 3, **more: Any) -> str:
    """Return how a job of ``runs`` runs ends when one side follows ``script``."""
    source, target = Deployment.of(runs), Deployment.of(0)
    (source if side == "source" else target).script = script
    with between(folder, source, target, **more) as config:
        return ending_of(config)
