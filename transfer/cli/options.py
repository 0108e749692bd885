"""The flags that commands share; each overrides a setting of the file and the environment."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from transfer.errors import ConfigError

DEFAULT_CONFIG = Path("transfer.toml")
DEFAULT_STATE_DIR = Path("transfer-state")

FEWEST_SECONDS = 0.1
MOST_SECONDS = 86_400
"""Bounds of the time between two progress lines."""

_PLAIN = Parameter(negative=(), show_default=False)
"""Neither a --no- form, nor a default that says nothing."""


@Parameter(name="*")
@dataclass(frozen=True)
class JobOptions:
    """Which job: its configuration, and what of the selection is said on the command line."""

    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None
    """Configuration file. Default: transfer.toml if it exists."""
    state_dir: Annotated[Path | None, Parameter(name=["--state-dir", "-s"])] = None
    """State directory: what a job remembers between runs."""
    source_url: str | None = None
    """Base URL of the source."""
    target_url: str | None = None
    """Base URL of the target."""
    dag: Annotated[tuple[str, ...], _PLAIN] = ()
    """Only these DAGs: ids or globs. May be repeated."""
    exclude_dag: Annotated[tuple[str, ...], _PLAIN] = ()
    """Not these DAGs: ids or globs. May be repeated."""
    run_state: Annotated[tuple[Literal["success", "failed"], ...], _PLAIN] = ()
    """Only runs in these states. May be repeated."""
    since: datetime | None = None
    """Only runs whose logical date is this or later; without a zone it means UTC."""
    until: datetime | None = None
    """Only runs whose logical date is before this; without a zone it means UTC."""
    newest: int | None = None
    """Only the newest N runs of each DAG, by start date."""
    allow_missing_dags: Annotated[bool | None, _PLAIN] = None
    """Move DAGs that the target does not have, too."""

    def overrides(self) -> dict[str, Any]:
        """Return the flags as settings by dotted key; None for those that were not given."""
        return {
            "state_dir": str(self.state_dir) if self.state_dir else None,
            "source.url": self.source_url,
            "target.url": self.target_url,
            "selection.dags": list(self.dag) or None,
            "selection.exclude_dags": list(self.exclude_dag) or None,
            "selection.states": list(self.run_state) or None,
            "selection.since": _aware(self.since),
            "selection.until": _aware(self.until),
            "selection.newest": self.newest,
            "selection.allow_missing_dags": self.allow_missing_dags,
        }

    @property
    def file(self) -> Path | None:
        """Return the configuration file to read: the one that was named, or the usual one if it is there."""
        return self.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)


def _interval(_type: object, seconds: float | None) -> None:
    """Refuse what no clock can wait for; comparisons with "nan" are false."""
    if seconds is not None and not FEWEST_SECONDS <= seconds <= MOST_SECONDS:
        raise ValueError(f"must be from {FEWEST_SECONDS} to {MOST_SECONDS} seconds")


_NOT_LISTED = ("source_url", "target_url", "run_state", "since", "until", "newest", "allow_missing_dags")
"""Flags of a job that a list of what was found makes no use of."""


@Parameter(name="*")
@dataclass(frozen=True)
class VerifyOptions:
    """How both sides are compared."""

    sample: str | None = None
    """Compare all runs, but task instances and tries only of about this share of them, such as 5% or 0.05."""
    seed: int | None = None
    """Which runs a sample takes: the same number takes the same ones."""
    one_way: Annotated[bool, _PLAIN] = False
    """Do not look for rows that only the target has."""
    restart: Annotated[bool, _PLAIN] = False
    """Begin anew instead of going on with a verification that was interrupted."""
    listed: Annotated[bool, Parameter(name="--list", negative=(), show_default=False)] = False
    """Print every difference that the last verification found, of the --dag that are named; compare nothing."""

    def check(self, job: JobOptions) -> None:
        """Raise ``ConfigError`` for flags that would mean nothing beside each other."""
        own = {"sample": self.sample, "seed": self.seed, "one_way": self.one_way, "restart": self.restart}
        values = own | {name: getattr(job, name) for name in _NOT_LISTED}
        given = [name for name, value in values.items() if value is not None and value is not False and value != ()]
        if self.listed and given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ConfigError([f"--list compares nothing: it cannot be used with {flags}"])
        if self.seed is not None and self.sample is None:
            raise ConfigError(["--seed means nothing without --sample"])

    @property
    def share(self) -> float | None:
        """Return the sample as a number from 0 to 1, None for everything; raises ``ConfigError``."""
        if self.sample is None:
            return None
        number, percent = self.sample.strip().removesuffix("%"), self.sample.strip().endswith("%")
        try:
            share = float(number) / (100 if percent else 1)
        except ValueError:
            share = 0.0
        if not 0 < share <= 1:
            raise ConfigError([f"--sample {self.sample}: a share is wanted, such as 5% or 0.05"])
        return None if share == 1 else share


@Parameter(name="*")
@dataclass(frozen=True)
class RepairOptions:
    """What a repair may do."""

    yes: Annotated[bool, _PLAIN] = False
    """Agree beforehand to what is shown."""
    dry_run: Annotated[bool, _PLAIN] = False
    """Only show what would be done."""
    delete_extra: Annotated[bool, _PLAIN] = False
    """Also remove the runs that only the target has."""


@Parameter(name="*")
@dataclass(frozen=True)
class LogOptions:
    """Which logs, and how."""

    found: Annotated[bool, _PLAIN] = False
    """Also of the runs that the target had before the job; logs that it has of them are left as they are."""
    verify: Annotated[bool, Parameter(name="--verify-logs", negative=(), show_default=False)] = False
    """Read each log back from the target, and compare size and hash."""


@Parameter(name="*")
@dataclass(frozen=True)
class XComOptions:
    """Which XComs."""

    found: Annotated[bool, _PLAIN] = False
    """Also of the runs that the target had before the job; values that it has of them are left as they are."""
    doubtful: Annotated[bool, _PLAIN] = False
    """Send also what Starship seems to have changed when it read it, and what is pickled."""
    again: Annotated[bool, _PLAIN] = False
    """Look again at the runs of which something was not accepted, or not sent."""


@Parameter(name="*")
@dataclass(frozen=True)
class OutputOptions:
    """How a command speaks."""

    json: Annotated[bool, _PLAIN] = False
    """Speak JSON: one object for a result, one object per line for events."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important log lines to show."""
    every: Annotated[float | None, Parameter(validator=_interval)] = None
    """Seconds between progress lines or events, 0.1 or more. Default: 10."""


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
