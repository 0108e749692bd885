"""Holds the emulator to the contract."""

from .access import AccessContract
from .reading import ReadingContract
from .refusing import RefusingContract
from .writing import WritingContract


class TestAccess(AccessContract):
    """Logins and routes."""


class TestReading(ReadingContract):
    """Pages."""


class TestRefusing(RefusingContract):
    """Refused batches."""


class TestWriting(WritingContract):
    """Accepted batches."""
