"""What the logs need of a deployment."""

from typing import Protocol

from transfer.client.base import Source
from transfer.client.logs import TaskLogs


class LogSide(Source, Protocol):
    """A deployment that may also keep task logs."""

    def task_logs(self) -> TaskLogs:
        """Return the way to them."""
        ...
