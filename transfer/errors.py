"""Everything that can go wrong, named by what the caller must do about it.

TransferError                    base: what happened, on which side, what to do next, the exit code
├── ConfigError                  stop: settings are wrong (all problems at once)
├── StateError                   stop: the state directory cannot be used
│   ├── StateLockedError         another run holds it
│   ├── StateMismatchError       it belongs to another job
│   ├── StateCorruptError        it cannot be read
│   └── StateFullError           it cannot be written (disk full, read-only)
├── SideError                    something between us and a deployment
│   ├── TransientError           retry: the request was certainly not carried out
│   │   ├── ConnectError         nothing was sent
│   │   └── ThrottledError       429, 503 and the like: wait as told
│   ├── LostAnswerError          retry a read; after a write ask the target what it has
│   ├── BrokenOffError           we broke a write off ourselves: clear away what it left
│   ├── RefusedError             reconcile, halve, at last reject the row
│   │   ├── ConflictError        409: duplicate, missing parent, rival, null
│   │   ├── InvalidRowError      the server cannot store this value
│   │   ├── AbsentError          what the request is about is not there
│   │   ├── NotRemovableError    a DAG run that must stay where it is
│   │   └── TooLargeError        413, or 500 for a body near the limit
│   ├── AuthError                stop: the server does not know us
│   ├── ForbiddenError           stop: it knows us and says no
│   ├── NotStarshipError         stop: something else answers there
│   ├── UnexpectedAnswerError    stop: an answer that this tool does not understand
│   └── UnavailableError         stop: retries are used up
├── UnsupportedError             stop: this pair of versions cannot be moved
└── DriftError                   read again: the source moved while we were reading
"""

from enum import Enum
from typing import ClassVar


class Advice(Enum):
    """What the caller of a request must do about its failure."""

    RETRY = "retry"  # the request was not carried out: send it again
    ASK = "ask"  # it may have been carried out: look at the target before sending again
    REJECT = "reject"  # it was refused: reconcile, halve, then give up on the row
    STOP = "stop"  # nothing that a program can do


class ExitCode:
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    STOPPED = 4
    LOCKED = 5


class TransferError(Exception):
    """Base of all errors that this program raises on purpose.

    ``hint`` says what the user should do next. Neither text ever holds a secret: server text is redacted before it
    gets here.
    """

    exit_code: ClassVar[int] = ExitCode.FAILED
    advice: ClassVar[Advice] = Advice.STOP

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def told(self) -> str:
        """Return message and hint on one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(TransferError):
    """Raised when settings are wrong; ``problems`` lists all of them as ``path: what is wrong``."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: list[str], *, hint: str = "") -> None:
        super().__init__("\n".join(problems), hint=hint)
        self.problems = problems


class StateError(TransferError):
    """Raised when the state directory cannot be used."""


class StateLockedError(StateError):
    """Raised when another run holds the state directory."""

    exit_code = ExitCode.LOCKED


class StateMismatchError(StateError):
    """Raised when the state directory belongs to a job with another source, target or selection."""

    exit_code = ExitCode.USAGE


class StateCorruptError(StateError):
    """Raised when the checkpoint cannot be read or has an unknown schema."""


class StateFullError(StateError):
    """Raised when the checkpoint cannot be written: disk full, read-only, quota."""


class SideError(TransferError):
    """Raised by requests to a deployment; ``side`` is "source" or "target", ``detail`` is redacted."""

    def __init__(
        self, side: str, what: str, detail: str, *, status: int | None = None, hint: str = "", dag_id: str | None = None
    ) -> None:
        of_dag = f" (DAG {dag_id})" if dag_id else ""
        said = f"HTTP {status}: " if status is not None else ""
        super().__init__(f"{side}: {what}{of_dag}: {said}{detail}", hint=hint)
        self.side = side
        self.what = what
        self.detail = detail
        self.status = status
        self.dag_id = dag_id


class TransientError(SideError):
    """Raised when a request was certainly not carried out and may be sent again."""

    advice = Advice.RETRY


class ConnectError(TransientError):
    """Raised when no connection could be made: nothing was sent."""


class ThrottledError(TransientError):
    """Raised when the server asks to be left alone; ``retry_after`` in seconds, None when it did not say."""

    retry_after: float | None = None


class LostAnswerError(SideError):
    """Raised when a request may or may not have been carried out: time-out, reset, 5xx, a web page, a cut answer."""

    advice = Advice.ASK
    retry_after: float | None = None


class BrokenOffError(SideError):
    """Raised when a body that was being sent could not be brought to its end: a part of it may be stored."""


class RefusedError(SideError):
    """Raised when the server refused a request for what is in it; nothing of the request was stored."""

    advice = Advice.REJECT


class ConflictError(RefusedError):
    """Raised by 409: a duplicate, a missing parent, a rival row or a missing value somewhere in the batch."""


class InvalidRowError(RefusedError):
    """Raised when a value in the batch cannot be stored (bad date, too long, NUL, unknown column)."""


class AbsentError(RefusedError):
    """Raised when the server says that what the request is about is not there; a web page never says it."""


class NotRemovableError(RefusedError):
    """Raised for a DAG run that cannot or must not be removed: not over, not addressable, not ours to remove."""


class TooLargeError(RefusedError):
    """Raised when the body was too large for the server."""


class AuthError(SideError):
    """Raised when the server does not accept our credentials, or our session is over."""


class ForbiddenError(SideError):
    """Raised when the server knows us but does not let us use Starship."""


class NotStarshipError(SideError):
    """Raised when whatever answers at the URL is not Airflow with the Starship plugin."""


class UnexpectedAnswerError(SideError):
    """Raised when the server says something that this tool does not understand."""


class UnavailableError(SideError):
    """Raised when the retries of a side are used up."""


class UnsupportedError(TransferError):
    """Raised when this pair of versions cannot be moved by this release; ``side`` is the one to look at."""

    def __init__(self, side: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{side}: {message}", hint=hint)
        self.side = side


class DriftError(TransferError):
    """Raised when the source moved while a window was being read; the window is read again."""

    advice = Advice.RETRY


def gravest(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one failure of a group that tells the user most: of the state first, then any of ours, then others."""
    leaves = _leaves(failures)
    for kind in (StateError, TransferError):
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    return leaves[0]


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for failure in group.exceptions
        for leaf in (_leaves(failure) if isinstance(failure, BaseExceptionGroup) else [failure])
    ]
