"""Read the children of a slice of runs, all kinds at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from transfer.client.base import ChildPage, Source
from transfer.engine.scan import Slice
from transfer.errors import UnavailableError, gravest
from transfer.kinds import CHILDREN, Kind

FEW_ATTEMPTS = 2
"""Tries for a page of several runs, which may simply be too large; one that cannot be cut gets all there are."""


@dataclass(slots=True)
class Pages:
    """The child pages of one slice in the order of their kinds."""

    pages: list[ChildPage]

    @property
    def tasks(self) -> ChildPage:
        """Return the task instances."""
        return self.pages[0]

    @property
    def size(self) -> int:
        """Return the bytes of all pages."""
        return sum(page.size for page in self.pages)

    @property
    def seconds(self) -> float:
        """Return how long the slowest of them took."""
        return max(page.seconds for page in self.pages)

    def close(self) -> None:
        """Free all pages."""
        for page in self.pages:
            page.close()


async def read_children(source: Source, dag_id: str, part: Slice, kinds: Sequence[Kind] = CHILDREN) -> Pages | None:
    """Return the child pages of ``part``; None if the server did not bring them and a smaller slice may do.

    The caller closes them. Raises ``UnavailableError`` if not even those of a slice that cannot be cut come, or what
    else a request raises.
    """
    loaded: dict[Kind, ChildPage] = {}
    attempts = None if part.is_one_tie else FEW_ATTEMPTS

    async def read(kind: Kind) -> None:
        loaded[kind] = await source.children(kind, dag_id, offset=part.offset, limit=len(part.rows), attempts=attempts)

    try:
        async with anyio.create_task_group() as group:
            for kind in kinds:
                group.start_soon(read, kind)
    except BaseException as failure:  # whatever ends this, also a cancellation, must free the pages
        Pages(list(loaded.values())).close()
        if not isinstance(failure, BaseExceptionGroup):
            raise
        worst = gravest(failure)
        if isinstance(worst, UnavailableError) and not part.is_one_tie:
            return None
        raise worst from None
    return Pages([loaded[kind] for kind in kinds])
