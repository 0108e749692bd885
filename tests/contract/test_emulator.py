"""Holds the emulator to the contract."""

from .access import AccessContract
from .reading import ReadingContract
from .refusing import RefusingContract
from .removing import RemovingContract
from .writing import WritingContract


class TestAccess(AccessContract):
    """Logins and routes."""


class TestReading(ReadingContract):
    """Pages."""


class TestRefusing(RefusingContract):
    """Refused batches."""


class TestRemoving(RemovingContract):
    """Single runs in the stable REST API."""


class TestWriting(WritingContract):
    """Accepted batches."""
