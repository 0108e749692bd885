"""Both deployments, open for their objects."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from transfer.capabilities import Capabilities, capabilities
from transfer.cli.config_options import KindOptions, NameOptions
from transfer.cli.logs import warn_of_wait
from transfer.client.limit import SideLimit
from transfer.client.objects import OBJECT_KINDS, ObjectsApi
from transfer.client.stack import open_side
from transfer.config.settings import Settings
from transfer.engine.configuration.plan import Choice
from transfer.model import SideName


@dataclass(frozen=True, slots=True)
class ObjectSides:
    """The ways to the objects of both sides, and what the target can do."""

    source: ObjectsApi
    target: ObjectsApi
    capabilities: Capabilities


@asynccontextmanager
async def open_objects(
    settings: Settings, limits: Mapping[SideName, SideLimit] = MappingProxyType({})
) -> AsyncIterator[ObjectSides]:
    """Open both deployments and ask for their versions; raises ``UnsupportedError`` for one that is too old."""
    async with (
        open_side(
            "source",
            settings.source,
            settings.retry,
            settings.limits,
            on_event=warn_of_wait,
            limit=limits.get("source"),
        ) as source,
        open_side(
            "target",
            settings.target,
            settings.retry,
            settings.limits,
            on_event=warn_of_wait,
            limit=limits.get("target"),
        ) as target,
    ):
        capabilities("source", await source.info())
        yield ObjectSides(source.objects(), target.objects(), capabilities("target", await target.info()))


def chosen(kinds: KindOptions, names: NameOptions) -> Choice:
    """Return the choice that the flags make."""
    wanted = tuple(kind for kind in OBJECT_KINDS if not kinds.kind or kind.name in kinds.kind)
    return Choice(wanted, names.name or ("*",), names.exclude_name)
