"""The pools of a deployment, kept only to show what ``DELETE /pools`` really does."""

from typing import Any, Final

from transfer.emulator.refusal import Refusal, duplicate
from transfer.kinds import Row

_REQUIRED: Final = ("name", "slots", "include_deferred")
_COLUMNS: Final = ("description", *_REQUIRED)


class Pools:
    """The table ``slot_pool``; before Airflow 2.7 pools are not ``deferrable``: they lack ``include_deferred``."""

    def __init__(
        self, *, deferrable: bool = True, columns: tuple[str, ...] = _COLUMNS, pools: dict[str, Row] | None = None
    ) -> None:
        hidden = set() if deferrable else {"include_deferred"}
        self._required = [name for name in _REQUIRED if name not in hidden]
        self._columns = [name for name in columns if name not in hidden]
        self._pools: dict[str, Row] = {} if pools is None else pools
        default = {"description": "Default pool", "include_deferred": False, "name": "default_pool", "slots": 128}
        self.insert(default)  # which does nothing where somebody has made another one

    def rows(self) -> list[Row]:
        """Return all pools."""
        return [{name: row.get(name) for name in self._columns} for row in self._pools.values()]

    def row(self, name: str) -> Row:
        """Return one pool; KeyError when there is none."""
        return self._pools[name]

    def missing(self, sent: dict[str, Any]) -> str | None:
        """Return the first required key that is missing or null."""
        return next((key for key in self._required if sent.get(key) is None), None)

    def insert(self, sent: dict[str, Any]) -> Refusal | None:
        """Add a pool, or say that there is one of that name."""
        if sent["name"] in self._pools:
            return duplicate("slot_pool_pool_uq", ("pool",), (sent["name"],))
        self._pools[sent["name"]] = {key: sent.get(key) for key in self._columns}
        return None

    def delete(self, name: str) -> None:
        """Delete every pool, whatever ``name`` says: Starship up to 2.10.1 forgets the WHERE."""
        del name
        self._pools.clear()
