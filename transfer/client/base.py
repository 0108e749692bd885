"""The two doors to a deployment, and the narrow one under them.

``Sender`` carries one request; retry, limits and login are wrappers of that shape. ``Source`` and ``Target`` are what
the engine sees: they speak of rows and hide every route, status code and wait.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from transfer.capabilities import Dates
from transfer.kinds import Kind, Row
from transfer.model import Batch, DagInfo, RunPage, ServerInfo

Taker: TypeAlias = Callable[[AsyncIterator[bytes]], Awaitable[None]]
"""Takes the body of an answer piece by piece while it arrives.

It is called anew for each attempt. What the iterator raises must come out of it: the body was cut. Nothing else may,
and it may return before the end, if it wants no more.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One request below the side's base URL.

    ``writes`` says that carrying it out twice is not harmless: such a request is only ever sent again when it
    certainly was not carried out. ``what`` is how messages call it; ``dag_id`` is for messages only.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    what: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False
    attempts: int | None = None
    """How often it is tried at most; None for the side's setting."""
    dag_id: str | None = None
    most_bytes: int | None = None
    """The largest answer that is taken, unpacked; None for ``limits.answer_bytes``."""
    rows: int = 0
    """Rows in the body, for a limit on their rate."""
    pieces: Callable[[], AsyncIterator[bytes]] | None = None
    """Makes a body of no known length, which is sent in chunks; to be tried once only."""
    taker: Taker | None = None
    """Takes the body of an answer that counts, which must be plain text, instead of its being kept."""
    private: bool = False
    """What is sent or answered is secret: of an error no more is repeated than known words, and no answer is put into
    a file."""


class Body(Protocol):
    """The body of an answer, complete and already read off the connection; large ones lie in an unlinked file."""

    size: int

    def read(self) -> bytes:
        """Return all of it."""
        ...

    def head(self, size: int) -> bytes:
        """Return its first ``size`` bytes."""
        ...

    def chunks(self, size: int) -> AsyncIterator[bytes]:
        """Yield it from the start in pieces of at most ``size`` bytes; may be called again."""
        ...

    def close(self) -> None:
        """Free the memory or file behind it; harmless when repeated."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer with the content type that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: Body
    seconds: float = 0.0
    """From the request to the end of the answer, without any waiting on our side."""
    sent: int = 0
    """Bytes that were sent of a body of no known length."""


class Sender(Protocol):
    """Carries one request to one side."""

    async def send(self, request: Request) -> Answer:
        """Return the answer, complete. The caller closes its body.

        Raises the ``SideError`` that says what to do: a ``TransientError`` only if the request was certainly not
        carried out, ``LostAnswerError`` if that is unknown.
        """
        ...


class ChildPage(Protocol):
    """One answer of ``GET task_instances`` or ``GET task_instance_history``; a large one is held outside of memory."""

    kind: Kind
    size: int
    """Bytes."""
    run_count: int | None
    """The DAG's run count in the envelope, None until it was read (it may stand behind the rows)."""
    seconds: float
    """How long the answer took, without any waiting on our side."""
    fresh: bool
    """Whether the rows are made anew each time that they are read, so that whoever reads them may change them."""

    def rows(self, chunk_bytes: int = 131_072) -> AsyncIterator[list[Row]]:
        """Yield the rows in order, in lists of roughly ``chunk_bytes`` of JSON; may be called again.

        Raises ``UnexpectedAnswerError`` when the body is not the envelope it should be.
        """
        ...

    def close(self) -> None:
        """Free what is behind it; harmless when repeated."""
        ...


class Source(Protocol):
    """A deployment that is read. Every method may be called again and changes nothing there.

    All raise ``SideError``: ``UnavailableError`` when retries are used up, ``AuthError``, ``ForbiddenError``,
    ``NotStarshipError`` or ``UnexpectedAnswerError`` when trying again is useless.
    """

    async def info(self) -> ServerInfo:
        """Return the versions of Airflow and Starship."""
        ...

    async def dags(self) -> list[DagInfo]:
        """Return the DAGs that have a row in the ``dag`` table; history of others exists but is not listed."""
        ...

    async def dag_runs(self, dag_id: str, *, offset: int, limit: int) -> RunPage:
        """Return at most ``limit`` runs, newest start_date first, in no particular order among equal dates.

        Empty past the end and for a DAG nobody knows (run_count 0 then).
        """
        ...

    async def children(
        self, kind: Kind, dag_id: str, *, offset: int, limit: int, attempts: int | None = None
    ) -> ChildPage:
        """Return all rows of ``kind`` of the runs that ``dag_runs`` would return for the same slice at this moment.

        The caller closes the page. ``attempts`` bounds how often it is tried, for slices that may simply be too
        large for the server's time limit.
        """
        ...


class Target(Source, Protocol):
    """A deployment that is written to, and read back."""

    async def insert(self, batch: Batch) -> None:
        """Store all rows of ``batch``, or none: when it returns they are committed.

        Not idempotent on Airflow 2. Raises ``RefusedError`` (none stored, and sending the same again is useless),
        ``LostAnswerError`` (all or none stored: read back before sending again) or another ``SideError``.
        """
        ...

    async def remove_run(self, dag_id: str, run_id: str) -> bool:
        """Remove a DAG run with everything that hangs on it; return whether there was one.

        When it returns the run is not there. Raises ``RefusedError`` and removes nothing if the run is not over there,
        if its id cannot be addressed safely or if the account may not remove it; or another ``SideError``, after which
        it may be there or not. A removal whose answer was lost with the process that asked for it may be carried out
        late, as an insert may: it then takes away what was inserted since.
        """
        ...

    async def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a DAG run, None if there is no such run; asks where ``remove_run`` does.

        Raises ``RefusedError`` if this run cannot be asked for, ``NotStarshipError`` or ``UnexpectedAnswerError`` if no
        run can, or another ``SideError``.
        """
        ...

    async def probe_dates(self) -> Dates:
        """Return how the database takes dates; sends a POST that stores nothing.

        AS_SERVED where nobody can tell, as on Airflow 2.4 and 2.5, which never say why they refuse a row.
        """
        ...

    async def parsed_dags(self) -> frozenset[str] | None:
        """Return the ids of the DAGs that were parsed there; None where that does not matter or cannot be found out."""
        ...

    async def probe_write(self, size: int) -> None:
        """Send a POST of ``size`` bytes that stores nothing (an empty list and padding); raises as ``insert`` does.

        Shows whether we may write and whether a body of this size arrives.
        """
        ...


class Sides(Protocol):
    """Opens the two deployments of a job."""

    def source(self) -> AbstractAsyncContextManager[Source]:
        """Open the source; its connections are closed on leaving."""
        ...

    def target(self) -> AbstractAsyncContextManager[Target]:
        """Open the target; its connections are closed on leaving."""
        ...
