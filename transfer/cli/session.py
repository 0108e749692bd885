"""From flags to an open job: settings, both deployments, the checkpoint."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import orjson

from transfer.checkpoint import Job as JobIdentity
from transfer.cli.options import JobOptions
from transfer.client.limit import SideLimit
from transfer.client.retry import RetryEvent
from transfer.client.stack import open_side
from transfer.client.starship import Starship
from transfer.config.load import load_settings
from transfer.config.settings import Selection, Settings
from transfer.errors import ConfigError
from transfer.model import SideName


@dataclass(frozen=True, slots=True)
class Sides:
    """Both deployments, open."""

    source: Starship
    target: Starship


def read_settings(options: JobOptions) -> Settings:
    """Return the settings of the file, the environment and the flags; raises ``ConfigError`` with all problems."""
    return load_settings(options.file, os.environ, options.overrides())


def rereading(options: JobOptions) -> Callable[[], Settings]:
    """Return what reads the settings as ``read_settings`` does now, again and again: always from the same file."""
    begun_with = replace(options, config=options.file)

    def reread() -> Settings:
        file = begun_with.config
        if file is not None and not os.path.exists(file):  # noqa: PTH110  Path.exists raises for a forbidden folder
            raise ConfigError([f"{file}: the file is gone"], hint="put it back, then send the signal again")
        return read_settings(begun_with)

    return reread


def identity(settings: Settings) -> JobIdentity:
    """Return what makes this job this job, in the state directory's eyes."""
    return JobIdentity(settings.source.url, settings.target.url, selection_text(settings.selection))


def selection_text(selection: Selection) -> str:
    """Return the selection as canonical JSON.

    DAGs that the target lacks may be added to a job later, so ``allow_missing_dags`` is no part of it.
    """
    values = selection.model_dump(mode="json", exclude={"allow_missing_dags"})
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


@asynccontextmanager
async def open_sides(
    settings: Settings,
    on_event: Callable[[RetryEvent], None] = lambda _event: None,
    limits: Mapping[SideName, SideLimit] = MappingProxyType({}),
) -> AsyncIterator[Sides]:
    """Open both deployments; ``on_event`` hears of every retry and wait. Nothing is sent yet.

    ``limits`` say how hard each side is asked; a side that they lack has those of its settings.
    """
    both: dict[str, Any] = {"retry": settings.retry, "limits": settings.limits, "on_event": on_event}
    async with (
        open_side("source", settings.source, **both, limit=limits.get("source")) as source,
        open_side("target", settings.target, **both, limit=limits.get("target")) as target,
    ):
        yield Sides(source, target)
