"""Names as SQLite can hold them."""


def storable(text: str) -> str:
    """Return ``text`` without halves of surrogate pairs, which JSON may hold and UTF-8 may not: they are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
