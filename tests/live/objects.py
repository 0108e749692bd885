"""Variables, connections and pools of real deployments, past Starship: planted with one key, read with the other."""

import json
import subprocess
from pathlib import Path
from typing import Any

from .rig import Side
from .versions import Version

CANARY = "cAnary"
"""What every secret below begins with; names and plain fields do not hold it."""

_INSIDE = Path(__file__).parent / "objects_inside.py"
_SECONDS = 60

VARIABLES: list[dict[str, Any]] = [
    {"key": "plain", "val": f"{CANARY}-plain", "description": "what it is for"},
    {"key": "empty", "val": ""},
    {"key": "json", "val": json.dumps({"token": f"{CANARY}-in-json", "n": [1, None]})},
    {"key": "lines", "val": f"-----BEGIN-----\n{CANARY}-ä€\U0001f600\t\\ \"'\r\n-----END-----\n"},
    {"key": "na me/+&?=%2F:ü", "val": f"{CANARY}-odd-name", "description": ""},
    {"key": "large", "val": f"{CANARY}-large " + "ü" * 140_000},
]
CONNECTIONS: list[dict[str, Any]] = [
    {
        "conn_id": "full",
        "conn_type": "postgres",
        "description": "ä long one",
        "host": "db.example",
        "login": f"{CANARY}-login",
        "password": f"{CANARY}-p@ss:w/ö%rd \"'\\",
        "schema": "s",
        "port": 5432,
        "extra": json.dumps({"key": f"{CANARY}-extra", "nested": {"a": [True]}}),
    },
    {"conn_id": "only/type#1", "conn_type": "http"},
    {"conn_id": "empty", "conn_type": "", "host": "", "login": "", "schema": "", "description": "", "port": 0},
]
POOLS: list[dict[str, Any]] = [
    {"name": "etl", "slots": 7, "description": "for ETL"},
    {"name": "odd / näme", "slots": -1, "description": None},
]


def can_defer(side: Side) -> bool:
    """Tell whether its pools may include deferred tasks."""
    return side.version >= Version(2, 7)


def fill(side: Side) -> None:
    """Write all of these objects into a side."""
    more = {"include_deferred": False} if can_defer(side) else {}
    plant(side, variables=VARIABLES, connections=CONNECTIONS, pools=[pool | more for pool in POOLS])


def plant(side: Side, **objects: list[dict[str, Any]]) -> None:
    """Write objects into a side's tables, encrypted with its own key."""
    wanted = {"variables": [], "connections": [], "pools": [], **objects}
    _inside(side, "plant", json.dumps(wanted))


def read(side: Side) -> dict[str, Any]:
    """Return the objects of a side by kind and name, decrypted with its own key, and `sealed` as they are stored."""
    found: dict[str, Any] = json.loads(_inside(side, "read"))
    return found


def _inside(side: Side, command: str, given: str = "") -> str:
    done = subprocess.run(  # noqa: S603  our own program
        [str(side.install.python), str(_INSIDE), command],
        env=side.environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
