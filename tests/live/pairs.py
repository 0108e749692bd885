"""Two sides of any versions, a history seeded on one of them, and the DAGs of it on the other."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self

from .dag_files import dag_file
from .rig import Connection, Rig, Side, boot_pair
from .seed import Seeded, register_dags, seed_history
from .seed_runs import dag_name

ALL_VARIABLE = "TRANSFER_LIVE_ALL"
EVERYTHING = os.environ.get(ALL_VARIABLE) == "1"
"""Whether all pairs of versions are wanted, which takes far longer than the usual selection."""

SMALL: Mapping[str, int] = {"dags": 2, "runs": 150, "wide": 400}
LARGE: Mapping[str, int] = {"dags": 3, "runs": 600, "wide": 3000}
FULL: Mapping[str, int] = {"dags": 3, "runs": 2000, "wide": 3000}


class Pairs:
    """Boots pairs of versions, one at a time: asking for another pair ends the one before.

    `entering` wraps the boot, so that it can skip where Airflow cannot be had.
    """

    def __init__(self, entering: Callable[[AbstractContextManager[Rig]], AbstractContextManager[Rig]]) -> None:
        self._entering = entering
        self._stack = ExitStack()
        self._booted: tuple[str, str, Rig] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def of(self, source: str, target: str) -> Rig:
        """Return a running pair of these versions."""
        if self._booted is None or self._booted[:2] != (source, target):
            self._booted = None
            self._stack.close()
            rig = self._stack.enter_context(self._entering(boot_pair(source, target)))
            self._booted = (source, target, rig)
        return self._booted[2]


def prepare(rig: Rig, volume: Mapping[str, int]) -> Seeded:
    """Empty both sides, seed the source and give the target the DAGs, which stay paused."""
    rig.reset()
    with rig.source.connect() as source:
        if rig.source.version.new:
            # before there are rows: parsing again would make versions of what has history
            rig.source.parse(_dags(volume))
        seeded = seed_history(source, **volume)
        if rig.source.version.new:
            _fill_versions(source)
    give_dags(rig.target, seeded, volume)
    return seeded


def give_dags(target: Side, seeded: Seeded, volume: Mapping[str, int]) -> None:
    """Give the target the DAGs: an Airflow 3 needs them parsed, for any other their rows do."""
    if target.version.new:
        target.parse(_dags(volume))
        return
    with target.connect() as conn:
        register_dags(conn, seeded.dag_ids)


def _dags(volume: Mapping[str, int]) -> dict[str, str]:
    return dag_file([dag_name(dag) for dag in range(volume["dags"])], volume.get("tasks", 10))


def _fill_versions(conn: Connection) -> None:
    """Let the rows of an Airflow 3 belong to the versions of their DAGs, as a scheduler's do."""
    for table, column in (
        ("dag_run", "created_dag_version_id"),
        ("task_instance", "dag_version_id"),
        ("task_instance_history", "dag_version_id"),
    ):
        statement = f"UPDATE {table} t SET {column} = v.id FROM dag_version v WHERE v.dag_id = t.dag_id"  # noqa: S608
        conn.execute(statement)


def one(conn: Connection, query: str) -> Any:
    """Return the only value of a query's only row."""
    row = conn.execute(query).fetchone()
    assert row is not None
    return row[0]
