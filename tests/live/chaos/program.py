"""The program under test as a child that is started again and again, and what must hold whenever it has ended."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

READ_SECONDS = 4
"""The program's read_timeout: shorter than a silence of the proxy."""

CODES = frozenset({0, 1, 3, 4})
DEFECT = "this is a defect of transfer"
PATIENCE = 600.0
"""Seconds after which a run of the program counts as hanging; in the chaos it is killed long before."""

SOFT_STOP_SECONDS = 20.0
"""Twice what the program promises, for a machine that is busy with everything else."""

_CONFIG = """\
state_dir = {state}

[source]
url = {source}
auth = {{ kind = "session", username = "admin", password = {{ env = "SOURCE_PASSWORD" }} }}
read_timeout = {seconds}
connect_timeout = 2

[target]
url = {target}
auth = {{ kind = "session", username = "admin", password = {{ env = "TARGET_PASSWORD" }} }}
read_timeout = {seconds}
connect_timeout = 2

[limits]
batch_rows = 250
window_runs = 60
window_bytes = 262144

[retry]
attempts = 8
wait_initial = 0.1
wait_max = 1
retry_after_max = 2
"""


@dataclass(slots=True)
class Ended:
    """How one run of the program ended; `wrong` is what must not have happened."""

    code: int
    out: str
    err: str
    wrong: list[str] = field(default_factory=list)

    @property
    def summary(self) -> dict[str, Any]:
        """The last JSON object that it said."""
        summary: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return summary

    @property
    def reasons(self) -> list[str]:
        """Why it ended with exit code 1, without numbers and names, so that they can be counted."""
        if self.code != 1 or not self.out.strip():
            return []
        said = self.summary
        told = [said["message"]] if said["event"] == "error" else list(said["problems"].values())
        return [_countable(reason) for reason in told]

    @property
    def troubles(self) -> list[str]:
        """What it waited for, by side, so that it can be counted."""
        lines = [json.loads(line) for line in self.err.splitlines() if line.startswith("{") and line.endswith("}")]
        return [f"{line['side']}: {_countable(line['reason'])}" for line in lines if line.get("event") == "waiting"]


def _countable(reason: str) -> str:
    """Return a reason without numbers and names."""
    return re.sub(r"[0-9a-f]*\d[0-9a-f]*", "N", re.sub(r" \(DAG [^)]*\)|DAG \S+", "", reason))[:110]


@dataclass(slots=True)
class Program:
    """`transfer run` between two addresses, with its configuration, state and output in `folder`.

    Args:
        folder: where everything is kept.
        urls: the address of each side.
        passwords: the administrator's password on each side.
        cookies: the cookies that each side has given out so far; they grow.
    """

    folder: Path
    urls: Mapping[str, str]
    passwords: Mapping[str, str]
    cookies: tuple[set[str], ...] = ()
    codes: Counter[str] = field(default_factory=Counter)
    signals: Counter[str] = field(default_factory=Counter)
    longest_soft_stop: float = 0.0
    _process: asyncio.subprocess.Process | None = None
    _sent: set[int] = field(default_factory=set)
    _asked_at: float | None = None

    @property
    def state_dir(self) -> Path:
        """Where the checkpoint is."""
        return self.folder / "state"

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to the program; return whether it ran."""
        if self._process is None or self._process.returncode is not None:
            return False
        _send(self._process, number)
        self._sent.add(number)
        self.signals[number.name] += 1
        if number == signal.SIGTERM and self._asked_at is None:
            self._asked_at = time.monotonic()
        return True

    async def run(self) -> Ended:
        """Run it to whatever end it takes."""
        ended = await self._run()
        stopped_in = self._stopped_in()
        self.longest_soft_stop = max(self.longest_soft_stop, stopped_in)
        if stopped_in > SOFT_STOP_SECONDS:
            ended.wrong.append(f"a soft stop took {stopped_in:.0f} s")
        code = signal.Signals(-ended.code).name if ended.code < 0 else str(ended.code)
        self.codes[code] += 1
        ended.wrong += self._wrong(ended)
        return ended

    async def _run(self) -> Ended:
        out, err = self.folder / "run.out", self.folder / "run.err"
        self._sent, self._asked_at = set(), None
        with out.open("wb") as into, err.open("wb") as besides:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "transfer", "run", "--json", "--config", str(self._config())),
                env=os.environ | {f"{side.upper()}_PASSWORD": secret for side, secret in self.passwords.items()},
                stdout=into,
                stderr=besides,
            )
            code = await self._end(self._process)
        return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"))

    async def _end(self, process: asyncio.subprocess.Process) -> int:
        try:
            with anyio.move_on_after(PATIENCE):
                await process.wait()
        finally:
            if process.returncode is None:
                _send(process, signal.SIGKILL)
            with anyio.CancelScope(shield=True):
                code = await process.wait()
        return code

    def _config(self) -> Path:
        file = self.folder / "transfer.toml"
        values = {"state": str(self.state_dir), **self.urls}
        quoted = {key: json.dumps(value) for key, value in values.items()}
        file.write_text(_CONFIG.format(seconds=READ_SECONDS, **quoted))
        return file

    def _stopped_in(self) -> float:
        """Return the seconds from the first SIGTERM to the end."""
        if self._asked_at is None or signal.SIGKILL in self._sent:
            return 0.0
        return time.monotonic() - self._asked_at

    def _wrong(self, ended: Ended) -> list[str]:
        wrong = []
        if ended.code not in CODES and -ended.code not in self._sent:
            wrong.append(f"exit code {ended.code} after {sorted(self._sent)}")
        if ended.code == 4 and signal.SIGTERM not in self._sent:
            wrong.append("stopped by a signal that nobody sent")
        if "Traceback" in ended.out + ended.err or DEFECT in ended.out + ended.err:
            wrong.append(f"a defect: {ended.err[-2000:]}")
        return wrong + self._open_files() + self._secrets(ended)

    def _open_files(self) -> list[str]:
        """Return what of the state others than its owner may touch."""
        paths = [self.state_dir, *self.state_dir.rglob("*")] if self.state_dir.exists() else []
        return [f"{path.name} has mode {path.stat().st_mode:o}" for path in paths if path.stat().st_mode & 0o077]

    def _secrets(self, ended: Ended) -> list[str]:
        said = (ended.out + ended.err).encode()
        files = [path.read_bytes() for path in self.state_dir.rglob("*") if path.is_file()]
        places = b"\0".join([said, *files])
        secrets = [*self.passwords.values(), *(cookie for side in self.cookies for cookie in side if len(cookie) > 15)]
        return ["it kept or told a secret"] if any(secret.encode() in places for secret in secrets) else []


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal; asyncio's own way may reap the process first and then report that it ended with 255."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)
