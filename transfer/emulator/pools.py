"""The pools of a deployment, kept only to show what ``DELETE /pools`` really does."""

from typing import Any, Final

from transfer.emulator.refusal import Refusal, duplicate
from transfer.kinds import Row

_REQUIRED: Final = ("name", "slots", "include_deferred")


class Pools:
    """The table ``slot_pool``."""

    def __init__(self) -> None:
        self._pools: dict[str, Row] = {
            "default_pool": {
                "description": "Default pool",
                "include_deferred": False,
                "name": "default_pool",
                "slots": 128,
            }
        }

    def rows(self) -> list[Row]:
        """Return all pools."""
        return list(self._pools.values())

    def row(self, name: str) -> Row:
        """Return one pool; KeyError when there is none."""
        return self._pools[name]

    def missing(self, sent: dict[str, Any]) -> str | None:
        """Return the first required key that is missing or null."""
        return next((key for key in _REQUIRED if sent.get(key) is None), None)

    def insert(self, sent: dict[str, Any]) -> Refusal | None:
        """Add a pool, or say that there is one of that name."""
        if sent["name"] in self._pools:
            return duplicate("pool_pool_uq", ("pool",), (sent["name"],))
        self._pools[sent["name"]] = {key: sent.get(key) for key in ("description", *_REQUIRED)}
        return None

    def delete(self, name: str) -> None:
        """Delete every pool, whatever ``name`` says: Starship up to 2.10.1 forgets the WHERE."""
        del name
        self._pools.clear()
