"""The accounts that exist on both sides."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

ROLES = {"admin": "Admin", "op": "Op", "viewer": "Viewer"}


@dataclass(frozen=True, slots=True)
class User:
    """A user name with its role's rights and its password, which stays out of every repr."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, password='***')"


def load_users(file: Path) -> dict[str, User]:
    """Return the users by name; their passwords are drawn at the first call and kept in `file`."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps({name: secrets.token_urlsafe(24) for name in ROLES}))
    return {name: User(name, password) for name, password in json.loads(file.read_text()).items()}
