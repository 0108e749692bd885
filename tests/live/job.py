"""The program under test as its users have it: a process, a configuration file, secrets in the environment."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .rig import Side
from .users import User

RUN_SECONDS = 400.0

_CONFIG = """\
state_dir = {state}

[source]
url = {source}
auth = {{ kind = {source_kind}, username = {source_user}, password = {{ env = "SOURCE_PASSWORD" }} }}

[target]
url = {target}
auth = {{ kind = {target_kind}, username = {target_user}, password = {{ env = "TARGET_PASSWORD" }} }}

[retry]
attempts = 5
wait_initial = 0.2
wait_max = 2
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended; `summary` is what it says to machines at its end."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The last JSON object on standard output."""
        summary: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return summary

    @property
    def kinds(self) -> dict[str, dict[str, int]]:
        """The job's counts by kind and outcome."""
        kinds: dict[str, dict[str, int]] = self.summary["job"]["kinds"]
        return kinds

    @property
    def sent(self) -> int:
        """Rows that this run of the program sent."""
        return int(self.summary["this_run"]["rows_sent"])


@dataclass(slots=True)
class Job:
    """One job between two sides, with its configuration and state in `folder`."""

    source: Side
    target: Side
    folder: Path
    source_user: User = field(init=False)
    target_user: User = field(init=False)

    def __post_init__(self) -> None:
        """Use the administrators unless a test sets others."""
        self.source_user = self.source.admin
        self.target_user = self.target.admin

    @property
    def state_dir(self) -> Path:
        """Where the checkpoint is."""
        return self.folder / "state"

    def run(self, *arguments: str, command: str = "run") -> Result:
        """Run a command to its end and return what it said."""
        done = subprocess.run(  # noqa: S603  our own program
            self._command(command, arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *arguments: str, command: str = "run") -> Iterator[subprocess.Popen[str]]:
        """Start a command and give the process; it is killed if it still runs at the end of the block."""
        process = subprocess.Popen(  # noqa: S603  our own program
            self._command(command, arguments),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def _command(self, command: str, arguments: tuple[str, ...]) -> list[str]:
        urls = {"source": self.source.url, "target": self.target.url, "state": str(self.state_dir)}
        users = {"source_user": self.source_user.name, "target_user": self.target_user.name}
        users |= {"source_kind": _kind(self.source), "target_kind": _kind(self.target)}
        config = self.folder / "transfer.toml"
        config.write_text(_CONFIG.format(**{key: json.dumps(value) for key, value in (urls | users).items()}))
        return [sys.executable, "-m", "transfer", command, "--config", str(config), "--json", *arguments]

    def _environment(self) -> dict[str, str]:
        passwords = {"SOURCE_PASSWORD": self.source_user.password, "TARGET_PASSWORD": self.target_user.password}
        return {**os.environ, **passwords}


def _kind(side: Side) -> str:
    return "airflow3" if side.version.new else "session"
