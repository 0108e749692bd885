"""Runs inside Airflow's own Python: writes variables, connections and pools with SQL and the deployment's Fernet key.

    objects_inside.py plant  < objects.json    writes {"variables": [...], "connections": [...], "pools": [...]}
    objects_inside.py read   > objects.json    what is there, decrypted, and whether it is encrypted in the table

The key and the database are those of the environment. Airflow itself is not asked: this is the judge of what it stored.
It has to run on Python 3.10, too, and nothing that it imports is there when it is type-checked.
"""

import importlib
import json
import os
import sys
from typing import Any

PLAIN = ("conn_type", "description", "host", "schema", "login", "port")


def fernet() -> Any:
    """Return what encrypts with the deployment's key."""
    return importlib.import_module("cryptography.fernet").Fernet(os.environ["AIRFLOW__CORE__FERNET_KEY"])


def connect() -> Any:
    """Return a connection to the deployment's database, in autocommit mode."""
    dsn = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2", "postgresql", 1)
    connection = importlib.import_module("psycopg2").connect(dsn)
    connection.autocommit = True
    return connection


def sealed(key: Any, value: Any) -> Any:
    """Return a value as it stands in the table."""
    return key.encrypt(value.encode()).decode() if value else value


def opened(key: Any, value: Any, *, encrypted: bool) -> Any:
    """Return the value that stands in the table."""
    return key.decrypt(value.encode()).decode() if value and encrypted else value


def plant(cursor: Any, objects: Any) -> None:
    """Write objects as Airflow would have."""
    key = fernet()
    for one in objects["variables"]:
        values = (one["key"], sealed(key, one["val"]) or key.encrypt(b"").decode(), one.get("description"), True)
        cursor.execute("INSERT INTO variable (key, val, description, is_encrypted) VALUES (%s, %s, %s, %s)", values)
    for one in objects["connections"]:
        password, extra = one.get("password"), one.get("extra")
        values = (one["conn_id"], *map(one.get, PLAIN), sealed(key, password), bool(password))
        cursor.execute(
            f"INSERT INTO connection (conn_id, {', '.join(PLAIN)}, password, is_encrypted, extra, is_extra_encrypted)"  # noqa: S608  names of columns
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (*values, sealed(key, extra), bool(extra)),
        )
    for one in objects["pools"]:
        names = [name for name in ("slots", "description", "include_deferred") if name in one]
        cursor.execute(
            f"INSERT INTO slot_pool (pool, {', '.join(names)}) VALUES (%s{', %s' * len(names)})"  # noqa: S608  as above
            " ON CONFLICT (pool) DO UPDATE SET slots = excluded.slots",
            (one["name"], *(one[name] for name in names)),
        )


def read(cursor: Any) -> dict[str, Any]:
    """Return what is there by name; `sealed` are the secrets as they stand in the tables."""
    key = fernet()
    found: dict[str, Any] = {"variables": {}, "connections": {}, "pools": {}, "sealed": []}
    cursor.execute("SELECT key, val, description, is_encrypted FROM variable")
    for name, value, description, encrypted in cursor.fetchall():
        found["sealed"].append(value)
        found["variables"][name] = {"val": opened(key, value, encrypted=encrypted), "description": description}
    cursor.execute(
        f"SELECT conn_id, password, is_encrypted, extra, is_extra_encrypted, {', '.join(PLAIN)} FROM connection"  # noqa: S608  as above
    )
    for name, password, encrypted, extra, extra_encrypted, *plain in cursor.fetchall():
        found["sealed"] += [value for value in (password, extra) if value]
        secret = {
            "password": opened(key, password, encrypted=encrypted),
            "extra": opened(key, extra, encrypted=extra_encrypted),
        }
        found["connections"][name] = dict(zip(PLAIN, plain)) | secret  # noqa: B905  Python 3.10 does not need it
    cursor.execute("SELECT to_jsonb(p) FROM slot_pool p")
    for (row,) in cursor.fetchall():
        wanted = ("slots", "description", "include_deferred")
        found["pools"][row["pool"]] = {name: row[name] for name in wanted if name in row}
    return found


def main(command: str) -> None:
    """Do what the command line says."""
    with connect().cursor() as cursor:
        if command == "plant":
            plant(cursor, json.load(sys.stdin))
        else:
            json.dump(read(cursor), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
