"""The flags of ``transfer config``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from transfer.cli.options import JobOptions

_PLAIN = Parameter(negative=(), show_default=False)

Sort = Literal["variables", "connections", "pools"]


@Parameter(name="*")
@dataclass(frozen=True)
class SidesOptions:
    """Which deployments."""

    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None
    """Configuration file. Default: transfer.toml if it exists."""
    state_dir: Annotated[Path | None, Parameter(name=["--state-dir", "-s"])] = None
    """State directory: where a replacement that is interrupted is remembered."""
    source_url: str | None = None
    """Base URL of the source."""
    target_url: str | None = None
    """Base URL of the target."""

    @property
    def job(self) -> JobOptions:
        """Return them as the flags of a job that selects nothing."""
        return JobOptions(self.config, self.state_dir, self.source_url, self.target_url)


@Parameter(name="*")
@dataclass(frozen=True)
class NameOptions:
    """Which names."""

    name: Annotated[tuple[str, ...], _PLAIN] = ()
    """Only what has this name, or fits this glob. May be repeated."""
    exclude_name: Annotated[tuple[str, ...], _PLAIN] = ()
    """Not what has this name, or fits this glob. May be repeated."""


@Parameter(name="*")
@dataclass(frozen=True)
class KindOptions:
    """Which kinds of objects."""

    kind: Annotated[tuple[Sort, ...], _PLAIN] = ()
    """Only this kind of object. May be repeated."""


@Parameter(name="*")
@dataclass(frozen=True)
class FileOptions:
    """What a file with environment variables is like."""

    form: Annotated[Literal["env", "json"], Parameter(name="--format", show_default=True)] = "env"
    """A line for each, quoted as a shell and Docker Compose read it, or one JSON object."""
    everything: Annotated[bool, Parameter(name="--all", negative=(), show_default=False)] = False
    """Take all that the source has."""
    overwrite: Annotated[bool, _PLAIN] = False
    """Replace a file that is there."""


@Parameter(name="*")
@dataclass(frozen=True)
class CopyOptions:
    """What a copy may do."""

    on_conflict: Annotated[Literal["skip", "fail", "replace"], Parameter(show_default=True)] = "skip"
    """What to do about each variable or connection that the target has otherwise: leave it, do nothing at all if there
    is any, or remove it and write the source's."""
    yes: Annotated[bool, _PLAIN] = False
    """Agree beforehand to what is shown."""
    dry_run: Annotated[bool, _PLAIN] = False
    """Only show what would be done."""
