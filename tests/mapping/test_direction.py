"""Which ways there are, and what they are called."""

import pytest

from transfer.capabilities import Dates
from transfer.errors import UnsupportedError
from transfer.kinds import DAG_RUNS, TASK_INSTANCE_HISTORY, TASK_INSTANCES
from transfer.mapping import Account, mapping_for
from transfer.model import Loss, ServerInfo

from .answers import rows_of
from .made import way


@pytest.mark.parametrize("version", ["2.3.4", "1.10.15", "2.1", "", "unknown", "4.0.0"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_unknown_versions_are_refused(side: str, version: str) -> None:
    """They are refused with the side, the version and what would be known."""
    infos = {"source": ServerInfo("2.11.2", "2.10.1"), "target": ServerInfo("2.11.2", "2.10.1")}
    infos[side] = ServerInfo(version, "2.10.1")
    with pytest.raises(UnsupportedError, match=rf"{side}: Airflow {version} is not supported: rows of 2\.4 to 3\.1"):
        mapping_for(infos["source"], infos["target"])


@pytest.mark.parametrize("version", ["2.11.0", "2.11.2+astro.1", "2.4.3"])
def test_any_patch_release_is_taken(version: str) -> None:
    """Only major and minor version count."""
    assert mapping_for(ServerInfo(version, "2.10.1"), ServerInfo("2.11.2", "2.10.1")).carries(DAG_RUNS)


def test_there_is_no_way_back_from_3_to_2() -> None:
    """The reason names what has no place there."""
    with pytest.raises(UnsupportedError, match=r"cannot be moved back to Airflow 2\.11: a run without a logical date"):
        way("3.1.8", "2.11.2")


def test_a_version_that_was_never_tried_is_told() -> None:
    """The caveat names the version that it is taken for."""
    mapping = way("3.2.0", "3.2.0")
    assert mapping.target.caveat == (
        "Airflow 3.2 was never tried with this release: its rows are taken for those of Airflow 3.1"
    )
    assert way("3.1.0", "3.1.8").target.caveat == ""


def test_columns_of_a_newer_airflow_3_are_passed_on() -> None:
    """What neither side is known to have goes along: the target ignores what it does not know."""
    row = rows_of("3.1.8", DAG_RUNS)[0] | {"news": 1}
    assert way("3.2.0", "3.2.0").rows(DAG_RUNS, [row], Account())[0]["news"] == 1


def test_columns_of_a_newer_airflow_2_are_left_out_and_counted() -> None:
    """An older Airflow 2 refuses the whole batch for a column that it does not have."""
    row = rows_of("2.11.2", DAG_RUNS)[0] | {"news": 1}
    account = Account()
    assert "news" not in way("2.12.0", "2.11.2").rows(DAG_RUNS, [row], account)[0]
    assert account.losses[Loss("dag_runs", "news", "this release does not know the column")] == 1
    assert way("2.12.0", "2.12.1").rows(DAG_RUNS, [row], Account())[0]["news"] == 1


@pytest.mark.parametrize(
    ("text", "version"),
    [("2.11.2+astro.1", (2, 11)), ("2.11+astro.1", (2, 11)), ("3.2rc1", (3, 2)), ("v2.9.3", (2, 9)), ("main", (0, 0))],
)
def test_versions_as_distributors_write_them(text: str, version: tuple[int, int]) -> None:
    """Whatever follows the two numbers does not matter."""
    assert ServerInfo(text, "2.10.1").airflow == version


def test_a_database_without_dates_is_refused() -> None:
    """SQLite cannot hold history."""
    with pytest.raises(UnsupportedError, match="target: its database is SQLite"):
        way("2.11.2", "2.11.2").with_dates(Dates.NOT_AT_ALL)


@pytest.mark.parametrize("version", ["2.4.3", "2.11.2"])
def test_dates_without_offset(version: str) -> None:
    """For MariaDB every date goes without its offset, in UTC; nothing else changes."""
    for kind in (DAG_RUNS, TASK_INSTANCES):
        usual = way(version, "2.11.2").rows(kind, rows_of(version, kind), Account())
        plain = way(version, "2.11.2").with_dates(Dates.WITHOUT_OFFSET).rows(kind, rows_of(version, kind), Account())
        assert [
            {name: f"{value}+00:00" if _is_date(value) else value for name, value in row.items()} for row in plain
        ] == [row | {name: value for name, value in row.items() if name == "conf"} for row in usual]


def _is_date(value: object) -> bool:
    return (
        isinstance(value, str)
        and value[:2] == "20"
        and value[4:5] == "-"
        and len(value) <= len("2026-01-01 00:00:00.000000")
    )


def test_what_is_lost_is_known_before(subtests: pytest.Subtests) -> None:
    """Whatever the account of real rows names was named beforehand."""
    for source, target in (("2.11.2", "3.1.8"), ("2.11.2", "2.8.4"), ("2.8.4", "2.4.3"), ("3.1.8", "3.1.8")):
        with subtests.test(source=source, target=target):
            mapping, account = way(source, target), Account()
            for kind in (DAG_RUNS, TASK_INSTANCES):
                mapping.rows(kind, rows_of(source, kind), account)
            known = {(loss.kind, loss.column) for loss in mapping.left_behind}
            changed = {"run_type", "state", "conf"}
            assert {(loss.kind, loss.column) for loss in account.losses if loss.column not in changed} <= known


def test_earlier_tries_are_lost_on_older_targets() -> None:
    """A target before 2.10 has no place for them: they are counted, not sent."""
    mapping = way("2.11.2", "2.8.4")
    assert not mapping.carries(TASK_INSTANCE_HISTORY)
    (loss,) = mapping.missed(7)
    assert loss in mapping.left_behind
