"""The way from one version to another, composed of one step per change; nobody else compares versions of rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from transfer.capabilities import Capabilities, Dates, capabilities
from transfer.errors import UnsupportedError
from transfer.kinds import DAG_RUNS, TASK_INSTANCES, Kind, Row
from transfer.losses import settle_for
from transfer.mapping.account import Account
from transfer.mapping.airflow2 import Fitting, unchanged
from transfer.mapping.airflow3 import Passing, dates_of
from transfer.mapping.dates import WithoutOffsets, shorten, shortened, to_utc
from transfer.mapping.identity import id_column
from transfer.mapping.jsonb import as_jsonb
from transfer.mapping.left_behind import left_behind, tries_lost
from transfer.mapping.upgrade import shown_map_index, to_airflow_3
from transfer.model import Loss, ServerInfo

SQLITE: Final = "its database is SQLite, into which Starship cannot write history: it refuses every date"
SQLITE_HINT: Final = "put the target on PostgreSQL, MySQL or MariaDB: SQLite is for trying Airflow out"
MYSQL_3: Final = "its database is MySQL or MariaDB, on which Starship cannot write into an Airflow 3"
MYSQL_3_HINT: Final = "put the target on PostgreSQL: Starship's inserts into Airflow 3 are written for that alone"
NOT_STRICT: Final = "its database is not strict (sql_mode): what it cannot hold it would store as something else"
NOT_STRICT_HINT: Final = (
    "add STRICT_TRANS_TABLES to the sql_mode of the target's MySQL or MariaDB, and restart the webserver: it would cut"
    " off confs over 64 KB, after which Airflow cannot read them, and make zeros of dates"
)

Step: TypeAlias = Callable[[Kind, list[Row], Account], list[Row]]
"""Makes of rows of one kind those that are sent; may change them, and accounts for what is lost by it."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How rows of ``source`` become rows of ``target``."""

    source: Capabilities
    target: Capabilities
    step: Step
    left_behind: tuple[Loss, ...] = field(default=(), repr=False)
    """What is known to be lost on the way, whether or not any row has it."""

    @property
    def is_plain(self) -> bool:
        """Tell whether both sides have rows of one shape."""
        return self.step is unchanged

    @property
    def refills(self) -> bool:
        """Tell whether a task instance has to be sent once more behind earlier tries.

        Airflow 3 fills in the version of the DAG whenever it gets a task instance, in the rows that are there by then.
        """
        return self.target.is_airflow_3

    def carries(self, kind: Kind) -> bool:
        """Tell whether the target has a place for rows of ``kind``."""
        return self.target.shape.keeps(kind)

    def missed(self, rows: int) -> dict[Loss, int]:
        """Return what is lost by ``rows`` earlier tries that the target has no place for."""
        return {tries_lost(self.target): rows} if rows else {}

    def rows(self, kind: Kind, rows: list[Row], account: Account) -> list[Row]:
        """Return what is sent for ``rows``, which may be changed; ``account`` says what is lost or must not be sent."""
        mapped = self.step(kind, rows, account)
        if self._is_mysql:
            return WithoutOffsets(self.target)(kind, mapped, account)
        return mapped

    def losses(self, kind: Kind, rows: Iterable[Row]) -> dict[Loss, int]:
        """Return what ``rows`` lose on the way; they stay as they are."""
        account = Account()
        self.rows(kind, [row.copy() for row in rows], account)
        return account.losses

    def expected(self, kind: Kind, row: Row) -> Sequence[str] | None:
        """Turn a row of the source, in place, into what the target should show of it; return what it loses.

        None for a row that the target has no place for. One that must not be sent stays as it is.
        """
        lost = self._expected(kind, row)
        if lost is None or not self._is_mysql:
            return lost
        return [*lost, *(name for name in shorten(kind, row) if name not in lost)]

    def _expected(self, kind: Kind, row: Row) -> Sequence[str] | None:
        if self.is_plain:
            return settle_for(kind, row)
        if not self.carries(kind):
            return None
        account = Account()
        mapped = self.step(kind, [row], account)
        if mapped and mapped[0] is not row:
            row.clear()
            row.update(mapped[0])
            for column in self._unseen(kind):
                row.pop(column, None)
        lost = [loss.column for loss in account.losses]
        if not self.target.is_airflow_3:
            lost += settle_for(kind, row)
        elif kind is DAG_RUNS:
            row["conf"] = as_jsonb(row.get("conf"))
        elif kind is TASK_INSTANCES:
            row["rendered_map_index"] = shown_map_index(row)
        return lost

    def shown(self, kind: Kind, row: Row) -> Sequence[str]:
        """Take from a row of the target, in place, what the server makes itself."""
        for column in self._unseen(kind):
            row.pop(column, None)
        if kind is DAG_RUNS and self.target.is_airflow_3:
            to_utc(row, dates_of(self.target))
        if self._is_mysql:
            shorten(kind, row)
        return ()

    def with_dates(self, dates: Dates) -> "Mapping":
        """Return the mapping for a target whose database takes dates as ``dates`` says.

        Raises ``UnsupportedError`` if it takes none, or stores something else than it is given.
        """
        if dates is Dates.NOT_AT_ALL:
            raise UnsupportedError("target", SQLITE, hint=SQLITE_HINT)
        if dates is Dates.NO_INSERTS:
            raise UnsupportedError("target", MYSQL_3, hint=MYSQL_3_HINT)
        if dates is Dates.UNCHECKED:
            raise UnsupportedError("target", NOT_STRICT, hint=NOT_STRICT_HINT)
        return self.with_database(dates)

    def with_database(self, dates: Dates) -> "Mapping":
        """Return the mapping for comparing with a target whose database takes dates as ``dates`` says: any will do."""
        if dates in {Dates.UNCHECKED, Dates.NO_INSERTS}:
            dates = Dates.WITHOUT_OFFSET
        losses = tuple(shortened()) if dates is Dates.WITHOUT_OFFSET else ()
        return replace(self, target=replace(self.target, dates=dates), left_behind=self.left_behind + losses)

    @property
    def _is_mysql(self) -> bool:
        return self.target.dates is Dates.WITHOUT_OFFSET

    def _unseen(self, kind: Kind) -> list[str]:
        if not self.target.is_airflow_3:
            return []
        own = [field.name for field in self.target.shape.of(kind).values() if field.own]
        # Airflow's own upgrade gives other ids to the same task instances: they identify nothing.
        return own if self.source.is_airflow_3 or kind is DAG_RUNS else [*own, id_column(kind)]


def mapping_for(source: ServerInfo, target: ServerInfo) -> Mapping:
    """Return the mapping from the version of ``source`` to that of ``target``.

    Raises ``UnsupportedError`` where there is none.
    """
    left, right = capabilities("source", source), capabilities("target", target)
    if left.is_airflow_3 and not right.is_airflow_3:
        raise UnsupportedError(
            "target",
            f"history of {left.name} cannot be moved back to {right.name}: a run without a logical date, asset events"
            " and versions of DAGs have no place there",
            hint="target: use an Airflow 3; nothing was changed on either side",
        )
    return Mapping(left, right, _step(left, right), tuple(left_behind(left, right)))


def _step(source: Capabilities, target: Capabilities) -> Step:
    if target.is_airflow_3:
        return Passing(target) if source.is_airflow_3 else to_airflow_3
    if _alike(source, target):
        return unchanged
    return Fitting(source, target)


def _alike(source: Capabilities, target: Capabilities) -> bool:
    """Tell whether both have the same columns, as far as is known: of two versions one may be too new for that."""
    if source.shape.version != target.shape.version and not (source.shape.exact and target.shape.exact):
        return False
    kinds = (DAG_RUNS, TASK_INSTANCES)
    return all(source.shape.of(kind).keys() == target.shape.of(kind).keys() for kind in kinds)
