"""The settings, grouped by concern: frozen, validated when built, with every default in one place."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from transfer.config.place import Place
from transfer.config.schedule import Schedule
from transfer.config.secret import Secret
from transfer.config.url import normalise_url
from transfer.model import SideName

SAFE_BODY_BYTES = 983_040
"""What every Airflow 2 target takes; 2.11.1 and later answer 500 from here to 1 MiB and 413 above."""

MOST_AT_ONCE: Final = 64
"""Requests that may ever be under way at once on one side."""

CEILINGS: Final[dict[SideName, int]] = {"source": 12, "target": 32}
"""The most requests at once where nothing is configured: somebody works with the source, the target is still empty."""


def _no_number(value: object) -> object:
    """Refuse numbers where a date is wanted: a bare year would be taken as seconds since 1970."""
    if isinstance(value, int | float):
        msg = "a date is wanted, such as 2026-01-31T00:00:00Z"
        raise ValueError(msg)  # noqa: TRY004  pydantic turns only a ValueError into a problem of its list
    return value


def _encodable(text: str) -> str:
    """Refuse bytes that were no text: Python carries them along from flags and variables, but they cannot be sent."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        msg = "is not text in UTF-8"
        raise ValueError(msg)
    return text


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_no_number)]
_Text: TypeAlias = Annotated[str, AfterValidator(_encodable)]
_AtOnce: TypeAlias = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]


class _Settings(BaseModel):
    """Frozen, strict about unknown keys, and silent about values in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class BearerAuth(_Settings):
    """A token in ``Authorization: Bearer`` (Astro)."""

    kind: Literal["bearer"]
    token: Secret


class ApiKeyAuth(_Settings):
    """A raw key in ``Authorization`` (Astronomer Software)."""

    kind: Literal["api_key"]
    key: Secret


class SessionAuth(_Settings):
    """The login form of open-source Airflow 2; the cookie is shared by all requests of a side."""

    kind: Literal["session"]
    username: _Text = Field(min_length=1)
    password: Secret


class Airflow3Auth(_Settings):
    """``POST /auth/token`` of Airflow 3."""

    kind: Literal["airflow3"]
    username: _Text = Field(min_length=1)
    password: Secret


class BasicAuth(_Settings):
    """HTTP basic authentication, for proxies that ask for it; Starship on Airflow 2 itself does not accept it."""

    kind: Literal["basic"]
    username: _Text = Field(min_length=1)
    password: Secret


class NoAuth(_Settings):
    """No credentials at all, for deployments behind a proxy that adds them."""

    kind: Literal["none"]


Auth: TypeAlias = Annotated[
    BearerAuth | ApiKeyAuth | SessionAuth | Airflow3Auth | BasicAuth | NoAuth, Field(discriminator="kind")
]


def _at_once(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Say in one sentence what may stand here: a union would report a problem for each of its parts."""
    try:
        return handler(value)
    except ValidationError:
        msg = f'must be a whole number from 1 to {MOST_AT_ONCE}, or "auto"'
        raise ValueError(msg) from None


class SideLimits(_Settings):
    """How hard one side may be asked."""

    concurrency: Annotated[_AtOnce | Literal["auto"], WrapValidator(_at_once)] = "auto"
    """Requests under way at once: a fixed number, or found out between the two bounds below."""
    min_concurrency: _AtOnce = 1
    max_concurrency: _AtOnce | None = None
    """None for the ceiling of the side, see ``bounds``."""
    requests_per_second: float | None = Field(default=None, ge=0.001, le=100_000)
    """A ceiling on the rate of requests; None for no ceiling."""
    rows_per_second: float | None = Field(default=None, ge=0.001, le=1e9)
    """A ceiling on the rate of rows, read or written; None for no ceiling."""
    bytes_per_second: float | None = Field(default=None, ge=1, le=1e12)
    """A ceiling on the rate of bytes in the bodies of requests and answers, unpacked; None for no ceiling."""

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "SideLimits":
        if self.max_concurrency is not None and self.min_concurrency > self.max_concurrency:
            msg = f"min_concurrency ({self.min_concurrency}) must not exceed max_concurrency ({self.max_concurrency})"
            raise ValueError(msg)
        return self

    def bounds(self, side: SideName) -> tuple[int, int]:
        """Return the fewest and the most requests that may be under way at once; the same twice for a fixed number."""
        if self.concurrency != "auto":
            return self.concurrency, self.concurrency
        most = self.max_concurrency or max(CEILINGS[side], self.min_concurrency)
        return self.min_concurrency, most


class Endpoint(_Settings):
    """One deployment: where it is, how to log in, how hard it may be asked."""

    url: Annotated[str, AfterValidator(normalise_url)]
    auth: Auth
    ca_file: Place | None = None
    headers: dict[str, str] = Field(default_factory=dict, repr=False)

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not value.isprintable():
                msg = "a header has a name of letters, digits and -, and a value on one line"
                raise ValueError(msg)
        return headers

    connect_timeout: float = Field(default=10, gt=0, le=300)
    """Seconds until a connection must stand."""
    read_timeout: float = Field(default=150, gt=0, le=3600)
    """Seconds without a byte until an answer counts as lost; gunicorn kills a worker after 120 s by default."""
    limits: SideLimits = SideLimits()


class Selection(_Settings):
    """Which runs are moved. Part of the job's identity: the checkpoint refuses another one."""

    dags: tuple[_Text, ...] = Field(default=("*",), min_length=1)
    """DAG ids or globs; an id without wildcards is moved even when the source does not list it."""
    exclude_dags: tuple[_Text, ...] = ()
    states: tuple[Literal["success", "failed"], ...] = Field(default=("success", "failed"), min_length=1)
    since: _Moment | None = None
    """Logical date from here on (inclusive)."""
    until: _Moment | None = None
    """Logical date before this (exclusive)."""
    newest: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Only the newest N matching runs of each DAG, by start date as the server orders them."""
    allow_missing_dags: bool = False
    """Move DAGs that the target does not have."""

    @model_validator(mode="after")
    def _dates_in_order(self) -> "Selection":
        if self.since and self.until and self.since >= self.until:
            msg = "since must be before until"
            raise ValueError(msg)
        return self

    def covers(self, logical_date: datetime) -> bool:
        """Tell whether ``logical_date`` (aware) lies in the selected range."""
        return (self.since is None or logical_date >= self.since) and (self.until is None or logical_date < self.until)


class Limits(_Settings):
    """What bounds memory and the size of requests."""

    batch_rows: int = Field(default=1_000, ge=1, le=100_000)
    batch_bytes: int = Field(default=SAFE_BODY_BYTES, ge=1_024, le=268_435_456)
    window_runs: int = Field(default=1_000, ge=1, le=10_000)
    """The most runs in a window."""
    window_bytes: int = Field(default=3_145_728, ge=16_384)
    """The size of child pages that windows aim at: window size adapts to it."""
    ahead_bytes: int = Field(default=67_108_864, ge=1_048_576)
    """What all windows that are read, ready or written should have together: with many at once each is smaller."""
    memory_bytes: int = Field(default=8_388_608, ge=65_536)
    """A larger answer is held in an unlinked temporary file instead of memory."""
    log_bytes: int | None = Field(default=None, ge=131_072, le=2**50)
    """The largest request with a task log that the target takes; None for what its version takes by default."""
    logs_at_once: int = Field(default=8, ge=1, le=MOST_AT_ONCE)
    """Task logs that may be under way at once; each takes a request on either side, and up to 2 MiB of memory."""
    xcoms_at_once: int = Field(default=16, ge=1, le=MOST_AT_ONCE)
    """Task instances whose XComs may be under way at once; what the sides take at once bounds them as well."""
    answer_bytes: int = Field(default=4_294_967_296, ge=1_048_576)
    """A larger answer is refused: a broken server, or a bomb that unpacks, must not fill the disk."""


class Retry(_Settings):
    """How often and how long a request is tried again."""

    attempts: int = Field(default=8, ge=1, le=100)
    wait_initial: float = Field(default=0.5, gt=0, le=86_400)
    wait_max: float = Field(default=30, gt=0, le=86_400)
    retry_after_max: float = Field(default=300, gt=0, le=86_400)
    """Seconds; a longer Retry-After is shortened to this."""


class Settings(_Settings):
    """Everything a job needs to know."""

    source: Endpoint
    target: Endpoint
    selection: Selection = Selection()
    limits: Limits = Limits()
    retry: Retry = Retry()
    schedule: Schedule = Schedule()
    state_dir: Place = Path("transfer-state")

    @field_validator("target")
    @classmethod
    def _is_another(cls, target: Endpoint, info: ValidationInfo) -> Endpoint:
        source = info.data.get("source")
        if source is not None and source.url == target.url:
            msg = "is the same deployment as the source"
            raise ValueError(msg)
        return target
