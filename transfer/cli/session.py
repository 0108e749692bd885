"""From flags to an open job: settings, both deployments, the checkpoint."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from transfer.checkpoint import Job as JobIdentity
from transfer.cli.options import JobOptions
from transfer.client.base import Source, Target
from transfer.client.retry import RetryEvent
from transfer.client.stack import open_side
from transfer.config.load import load_settings
from transfer.config.settings import Selection, Settings


@dataclass(frozen=True, slots=True)
class Sides:
    """Both deployments, open."""

    source: Source
    target: Target


def read_settings(options: JobOptions) -> Settings:
    """Return the settings of the file, the environment and the flags; raises ``ConfigError`` with all problems."""
    return load_settings(options.file, os.environ, options.overrides())


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
    settings: Settings, on_event: Callable[[RetryEvent], None] = lambda _event: None
) -> AsyncIterator[Sides]:
    """Open both deployments; ``on_event`` hears of every retry and wait. Nothing is sent yet."""
    async with (
        open_side("source", settings.source, settings.retry, settings.limits, on_event=on_event) as source,
        open_side("target", settings.target, settings.retry, settings.limits, on_event=on_event) as target,
    ):
        yield Sides(source, target)
