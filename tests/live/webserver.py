"""One Airflow webserver on one database, or one API server, which is what Airflow 3 has in its place."""

import itertools
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from .environment import USUAL, WebOptions, airflow_environment
from .environment3 import airflow3_environment
from .install import Install
from .login import answers
from .processes import Service, children, free_port
from .users import load_users

READY_SECONDS = 120.0


@dataclass(slots=True)
class Webserver:
    """A running `airflow webserver`: Airflow's monitor, its gunicorn master, and the workers; or an API server.

    `environment` is that of every other process of the same deployment.
    """

    url: str
    home: Path
    log: Path
    service: Service
    environment: dict[str, str] = field(repr=False)
    health: str = "/health"

    @classmethod
    def start(cls, install: Install, home: Path, dsn: str, options: WebOptions = USUAL) -> "Webserver":
        """Start a webserver; it is usable after `wait`, so several can start side by side."""
        start = cls._start_new if install.version.new else cls._start_old
        return start(install, home, dsn, options)

    @classmethod
    def _start_old(cls, install: Install, home: Path, dsn: str, options: WebOptions) -> "Webserver":
        environment = airflow_environment(home, dsn, options)
        port, log = free_port(), home / "webserver.log"
        command = [str(install.python), "-m", "airflow", "webserver", "--hostname", "127.0.0.1", "--port", str(port)]
        command += ["--workers", str(options.workers), "--pid", str(home / "webserver.pid")]
        service = Service.start(command, log, environment)
        return cls(f"http://127.0.0.1:{port}", home, log, service, environment)

    @classmethod
    def _start_new(cls, install: Install, home: Path, dsn: str, options: WebOptions) -> "Webserver":
        environment = airflow3_environment(home, dsn, load_users(install.cache / "users.json"))
        port, log = free_port(), home / "api-server.log"
        url = f"http://127.0.0.1:{port}"
        environment |= {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/", **options.environment}
        command = [str(install.python), "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", str(options.workers), "--pid", str(home / "api-server.pid")]
        service = Service.start(command, log, environment)
        return cls(url, home, log, service, environment, "/api/v2/version")

    def wait(self) -> None:
        """Wait until the server answers."""
        self.service.wait_until(answers(self.url, self.health), READY_SECONDS)

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
