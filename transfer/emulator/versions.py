"""The DAG versions of an Airflow 3: who is parsed has one, and Starship points rows without one at the newest."""

from typing import Final
from uuid import NAMESPACE_URL, uuid5

from transfer.kinds import DAG_RUNS, Kind, Row

_COLUMNS: Final = {DAG_RUNS.name: "created_dag_version_id"}


class DagVersions:
    """Table ``dag_version``, and the rows that wait for one."""

    def __init__(self) -> None:
        self._parses: dict[str, int] = {}
        self._waiting: dict[str, list[tuple[Row, str]]] = {}

    def parse(self, dag_id: str) -> str:
        """Give the DAG its next version, as its dag processor does with a changed file, and return it."""
        self._parses[dag_id] = self._parses.get(dag_id, 0) + 1
        return str(uuid5(NAMESPACE_URL, f"{dag_id}#{self._parses[dag_id]}"))

    def latest(self, dag_id: str) -> str | None:
        """Return the newest version of a DAG, None when it was never parsed."""
        number = self._parses.get(dag_id)
        return None if number is None else str(uuid5(NAMESPACE_URL, f"{dag_id}#{number}"))

    def wait(self, kind: Kind, row: Row) -> None:
        """Remember a stored row if it has no version."""
        column = _COLUMNS.get(kind.name, "dag_version_id")
        if row.get(column, "") is None:
            self._waiting.setdefault(row["dag_id"], []).append((row, column))

    def fill(self, dag_id: str) -> None:
        """Point all rows of a DAG that have no version at the newest, in all three tables, if there is one."""
        latest = self.latest(dag_id)
        if latest is not None:
            for row, column in self._waiting.pop(dag_id, ()):
                row[column] = latest
