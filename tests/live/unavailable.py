"""The one reason for which live tests are skipped."""


class RigUnavailable(Exception):  # noqa: N818 - it reads as the state it reports, like pytest's own Skipped
    """Airflow or PostgreSQL cannot be had on this machine.

    Args:
        reason: one sentence for the person who reads the skip.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
