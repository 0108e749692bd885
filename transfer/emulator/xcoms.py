"""XComs on an Airflow 2: what is stored, and what Airflow's own reading makes of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

TaskKey = tuple[str, str, str, int]
"""DAG, run, task and map index."""

_GROUPS: Final = frozenset({"builtins.tuple", "builtins.set", "builtins.frozenset"})


@dataclass(slots=True)
class XComStore:
    """Table ``xcom``; may be filled and looked at at any time. Values are bytes as the database holds them, or NULL."""

    values: dict[TaskKey, dict[str, bytes | None]] = field(default_factory=dict)

    def put(self, task: TaskKey, key: str, value: bytes | None) -> None:
        """Store a value."""
        self.values.setdefault(task, {})[key] = value

    def of_dag(self, dag_id: str, run_id: str | None) -> Iterator[tuple[TaskKey, str]]:
        """Yield the keys of a run, or of all runs, in the order of 2.10 and later."""
        for task in sorted(task for task in self.values if task[0] == dag_id and run_id in (None, task[1])):
            for key in sorted(self.values[task]):
                yield task, key


def served(value: bytes | None) -> bytes:
    """Return what Starship serves of a stored value; ValueError where Airflow cannot read it."""
    if value is None:
        return b"null"
    return json.dumps(json.loads(value.decode(), object_hook=_shown)).encode()


def _shown(value: dict[str, Any]) -> Any:
    """Return what Airflow's pages show of an object: a text if it names a Python type."""
    if "__type" in value and "__var" in value:
        if value["__type"] == "dict":
            return value["__var"]
        value = {"__classname__": value["__type"], "__version__": 0, "__data__": value["__var"]}
    if "__classname__" not in value or "__version__" not in value:
        return value
    name, data = value["__classname__"], value.get("__data__")
    if name in _GROUPS:
        return f"({','.join(map(str, data or ()))})"
    return f"{name}@version={value['__version__']}({_inside(data)})"


def _inside(data: Any) -> str:
    if isinstance(data, dict):
        return ",".join(f"{key}={value}" for key, value in data.items())
    return ",".join(str(data)) if isinstance(data, list) else str(data)
