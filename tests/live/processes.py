"""Child processes: run one to its end, or keep one as a service and end exactly that one."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

STOP_SECONDS = 10.0
POLL_SECONDS = 0.05


class _Drop(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user under which a child runs; `None` in both fields means our own."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def unprivileged(cls) -> "Account":
        """Return nobody's account when we are root (PostgreSQL refuses root), else our own."""
        if os.geteuid() != 0:
            return cls()
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def own(self, top: Path) -> None:
        """Give `top` and everything below it to this account."""
        if self.uid is None or self.gid is None:
            return
        for path in [top, *top.rglob("*")]:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def arguments(self) -> _Drop:
        """Return what `subprocess` needs to drop to this account."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


OURSELVES = Account()


class CommandFailedError(Exception):
    """Raised when a command ended with an exit code other than 0; its output is in `log`."""

    def __init__(self, command: Sequence[str], code: int, log: Path) -> None:
        super().__init__(f"{Path(command[0]).name} ended with exit code {code}, its output is in {log}")
        self.log = log


def run(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, account: Account = OURSELVES) -> None:
    """Run `command` to its end, its output appended to `log`.

    Raises:
        CommandFailedError: its exit code was not 0.
    """
    with log.open("ab") as output:
        code = subprocess.run(  # noqa: S603 - the rig's own commands
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            cwd="/",
            **account.arguments(),
        ).returncode
    if code != 0:
        raise CommandFailedError(command, code, log)


@dataclass(slots=True)
class Service:
    """A running child that leads its own process group, so that ending it ends what it started and nothing else."""

    process: subprocess.Popen[bytes]
    log: Path
    name: str = field(default="")

    @classmethod
    def start(
        cls, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None, account: Account = OURSELVES
    ) -> "Service":
        """Start `command` in a session of its own, its output appended to `log`."""
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - the rig's own commands
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                **account.arguments(),
            )
        return cls(process, log, Path(command[0]).name)

    def stop(self, first: signal.Signals = signal.SIGTERM, deadline: float = STOP_SECONDS) -> None:
        """Ask the service to end with signal `first`; kill its whole group when it still lives after `deadline` s."""
        if self.process.poll() is None:
            self.process.send_signal(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(deadline)
        self._kill_group()
        self.process.wait(deadline)

    def _kill_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait_until(self, ready: Callable[[], bool], deadline: float) -> None:
        """Poll `ready` until it holds.

        Raises:
            TimeoutError: it did not hold within `deadline` seconds.
            ChildProcessError: the service ended meanwhile.
        """
        end = time.monotonic() + deadline
        while not ready():
            if self.process.poll() is not None:
                raise ChildProcessError(
                    f"{self.name} ended with {self.process.returncode}, its output is in {self.log}"
                )
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} was not ready after {deadline:.0f} s, its output is in {self.log}")
            time.sleep(POLL_SECONDS)  # another process's readiness has no event to wait for


def children(parent: int) -> list[int]:
    """Return the process ids whose parent is `parent`, in ascending order (Linux only)."""
    return sorted(pid for pid, its_parent in _parents() if its_parent == parent)


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # the second field is the command in parentheses and may itself hold spaces
        yield int(entry.name), int(stat.rpartition(")")[2].split()[1])


def free_port() -> int:
    """Return a loopback TCP port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
