"""What the XComs need of a deployment."""

from typing import Protocol

from transfer.client.base import Source
from transfer.client.xcoms import XComs


class XComSide(Source, Protocol):
    """A deployment that may also keep XComs."""

    async def xcoms(self) -> XComs:
        """Return the way to them."""
        ...
