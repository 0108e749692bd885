"""One Airflow webserver on one database."""

import itertools
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from .environment import USUAL, WebOptions, airflow_environment
from .install import Install
from .login import answers
from .processes import Service, children, free_port

READY_SECONDS = 120.0


@dataclass(slots=True)
class Webserver:
    """A running `airflow webserver`: Airflow's monitor, its gunicorn master, and the workers."""

    url: str
    home: Path
    log: Path
    service: Service

    @classmethod
    def start(cls, install: Install, home: Path, dsn: str, options: WebOptions = USUAL) -> "Webserver":
        """Start a webserver; it is usable after `wait`, so several can start side by side."""
        environment = airflow_environment(home, dsn, options)
        port, log = free_port(), home / "webserver.log"
        command = [str(install.python), "-m", "airflow", "webserver", "--hostname", "127.0.0.1", "--port", str(port)]
        command += ["--workers", str(options.workers), "--pid", str(home / "webserver.pid")]
        return cls(f"http://127.0.0.1:{port}", home, log, Service.start(command, log, environment))

    def wait(self) -> None:
        """Wait until the server answers."""
        self.service.wait_until(answers(self.url, "/health"), READY_SECONDS)

    def stop(self) -> None:
        """End the server with all its workers."""
        self.service.stop()

    def workers(self) -> list[int]:
        """Return the process ids of the gunicorn workers that live now."""
        masters = children(self.service.process.pid)
        return list(itertools.chain.from_iterable(children(master) for master in masters))

    def kill_worker(self, pid: int) -> None:
        """Kill one worker in the middle of whatever it does; gunicorn starts another one.

        Raises:
            ValueError: `pid` is not a worker of this server.
        """
        if pid not in self.workers():
            raise ValueError(f"{pid} is not a worker of {self.url}")
        os.kill(pid, signal.SIGKILL)
