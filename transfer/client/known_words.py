"""What may be repeated of an error whose request or answer was secret: only words that a server has of its own.

Servers echo the whole request in many ways, cut and quoted and escaped, and one of them will be new. So nothing is
taken out of such a text; what is known to be harmless is looked for in it.
"""

import re
from typing import Final

_LOOKED_AT: Final = 65_536
EXISTS: Final = "it exists already"
"""What is said of a key that is taken."""

_SAID: Final = (
    (re.compile(r"\bUniqueViolation\b|\bDuplicate entry\b|\bUNIQUE constraint failed\b"), EXISTS),
    (re.compile(r"\bForeignKeyViolation\b|\bforeign key constraint fails\b"), "what it belongs to is not there"),
    (re.compile(r"\bNotNullViolation\b"), "a required value is missing"),
    (re.compile(r"\bStringDataRightTruncation\b|\bData too long\b"), "a text is too long for its column"),
    (re.compile(r"\bNumericValueOutOfRange\b"), "a number is too large"),
    (re.compile(r"\bInvalidTextRepresentation\b"), "a value is of another kind than its column"),
    (re.compile(r"\bMissing required key\b"), "a required value is missing"),
    (re.compile(r"cannot contain NUL"), "a text holds a NUL character"),
    (re.compile(r"surrogates not allowed"), "a text cannot be written in UTF-8"),
    (re.compile(r"Encountered (?:non-JSON|JSON value) in `extra`"), "extra is no JSON object"),
    (re.compile(r"\bfernet\.InvalidToken\b"), "a value cannot be decrypted with the Fernet key there"),
    (re.compile(r"\bOperationalError\b|\bInterfaceError\b"), "the database does not answer"),
    (re.compile(r"\bQueuePool\b"), "no database connection is left"),
)
NOTHING: Final = "the server's words are not repeated here, for they may hold a secret"
"""What is said of an error with none of these words."""


def known_words(text: str) -> str:
    """Return what of ``text`` is known to hold no secret, in our own words; never raises."""
    head = text[:_LOOKED_AT]
    found = dict.fromkeys(ours for pattern, ours in _SAID if pattern.search(head))
    return ", ".join(found) or NOTHING
