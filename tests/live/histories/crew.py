"""Everything that makes an Airflow work, beside its webserver: scheduler, triggerer and, on Airflow 3, two more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.install import Install
from tests.live.login import answers
from tests.live.processes import Service, free_port

READY_SECONDS = 120.0
NEUTRAL = Path(__file__).parent / "neutral"


@dataclass(frozen=True, slots=True)
class Crew:
    """Running processes by name; each has its log beside the others."""

    services: Mapping[str, Service]

    def dead(self) -> dict[str, int]:
        """Return the exit codes of those that have ended by themselves."""
        ended = {name: service.process.poll() for name, service in self.services.items()}
        return {name: code for name, code in ended.items() if code is not None}

    def log(self, name: str) -> str:
        """Return what one of them has said so far."""
        return self.services[name].log.read_text(errors="replace")


def working_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with what the crew needs: quick turns, free ports, and no name of this machine."""
    return {
        **environment,
        "PYTHONPATH": str(NEUTRAL),
        "LOGNAME": "airflow",  # Airflow keeps the account's name with each task instance
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "neutral_host.hostname",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{free_port()}/execution/",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "10",
        "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
    }


@contextmanager
def crew(install: Install, environment: Mapping[str, str], logs: Path) -> Iterator[Crew]:
    """Start the crew with the environment that `working_environment` gave, and end it when the block is left."""
    logs.mkdir(parents=True, exist_ok=True)
    services: dict[str, Service] = {}
    try:
        for name, arguments in _commands(install, environment).items():
            command = [str(install.python), "-m", "airflow", *arguments]
            services[name] = Service.start(command, logs / f"{name}.log", environment)
        if "execution" in services:
            url = _execution_url(environment)
            services["execution"].wait_until(answers(url, "/execution/health/ping"), READY_SECONDS)
        yield Crew(services)
    finally:
        _end(services.values())


def _end(services: Collection[Service]) -> None:
    """End all of them; they are asked together, because each takes some seconds."""
    for service in services:
        if service.process.poll() is None:
            service.process.terminate()
    for service in services:
        service.stop()


def _commands(install: Install, environment: Mapping[str, str]) -> dict[str, Sequence[str]]:
    commands: dict[str, Sequence[str]] = {"scheduler": ["scheduler", "--skip-serve-logs"], "triggerer": ["triggerer"]}
    if install.version.new:
        port = _execution_url(environment).rpartition(":")[2]
        server = ["api-server", "--apps", "execution", "--workers", "1", "--host", "127.0.0.1", "--port", port]
        commands = {"execution": server, "dag-processor": ["dag-processor"], **commands}
    return commands


def _execution_url(environment: Mapping[str, str]) -> str:
    return environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
