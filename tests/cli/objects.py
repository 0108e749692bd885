"""Objects with a secret in every place that can hold one."""

import json
from typing import Any

from transfer.emulator import Emulator

from .deployments import Pair

VALUE = "canary-value-of-a-variable"
PASSWORD = "canary+password/of a connection"
LOGIN = "canary-login"
EXTRA = "canary-in-extra"
ENVIRONMENT = "canary-of-the-environment"
OLD = "canary-the-value-before"
OBJECT_SECRETS = (VALUE, PASSWORD, LOGIN, EXTRA, ENVIRONMENT, OLD)


def variable(side: Emulator, key: str = "v", val: str = VALUE, **more: Any) -> None:
    """Give a side a variable."""
    side.configuration.add("variables", key=key, val=val, **more)


def connection(side: Emulator, conn_id: str = "c", **more: Any) -> None:
    """Give a side a connection with all fields."""
    row = {
        "conn_type": "postgres",
        "description": "d",
        "host": "db.example",
        "port": 5432,
        "schema": "s",
        "login": LOGIN,
        "password": PASSWORD,
        "extra": json.dumps({"token": EXTRA}),
    }
    side.configuration.add("connections", conn_id=conn_id, **row | more)


def pool(side: Emulator, name: str = "p", slots: int = 3, **more: Any) -> None:
    """Give a side a pool."""
    usual = {"description": None, "include_deferred": False}
    side.configuration.pools[name] = {"name": name, "slots": slots, **usual, **more}


def fill(pair: Pair) -> None:
    """Give the source one object of each kind, and a variable in its environment."""
    variable(pair.source)
    connection(pair.source)
    pool(pair.source)
    pair.source.configuration.environment["SOME_TOKEN"] = ENVIRONMENT
