"""The tables of every version have the columns that its real server showed, and stand in the way as it did."""

import pytest

from transfer.emulator import VERSIONS, TableHistory, tables_of
from transfer.emulator.maker import RowMaker
from transfer.emulator.refusal import Refusal
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

from . import real

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _without(row: Row, names: set[str]) -> Row:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("version", real.VERSIONS)
@_KINDS
def test_the_columns_are_those_of_the_real_answers(version: str, kind: Kind) -> None:
    """Every real row has exactly the served columns, in their order; where there are no rows there is no table."""
    rows = real.served(version, kind.name)
    table = tables_of(version).get(kind.name)
    assert bool(rows) is (table is not None)
    for row in rows:
        assert tuple(row) == (table.served if table else ())


@pytest.mark.parametrize("version", real.VERSIONS)
def test_real_rows_can_be_stored_and_read_back(version: str) -> None:
    """What a real server served goes into the tables of its version, and comes out as a GET of it would show it."""
    table = TableHistory(version=version)
    runs = real.served(version, DAG_RUNS.name)
    tasks, tries = (real.served(version, kind.name) for kind in CHILDREN)
    own = {
        "id", "backfill_id", "log_template_id", "created_dag_version_id", "dag_version_id", "trigger_id",
    } if version == "3.1.8" else set()  # fmt: skip
    keys = [{name: row[name] for name in ("dag_id", *TASK_INSTANCES.key)} for row in tasks + tries]
    assert table.insert(DAG_RUNS, runs) is None
    table.add(DAG_RUNS, *(runs[0] | {name: key[name] for name in ("dag_id", "run_id")} for key in keys))
    assert table.insert(TASK_INSTANCES, tasks) is None
    table.add(TASK_INSTANCES, *(tasks[0] | key for key in keys[len(tasks) :]))
    assert table.insert(TASK_INSTANCE_HISTORY, tries) is None
    for kind, rows in zip(CHILDREN, (tasks, tries), strict=True):
        for row in rows:
            found = table.children(kind, row["dag_id"], row["run_id"])
            assert _without(row, own) in [_without(one, own) for one in found]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_column_of_a_later_release_is_unknown(version: str) -> None:
    """An Airflow 2 refuses the columns that came after it; Airflow 3 takes no notice of what it does not know."""
    later = {"clear_number": (2, 8), "note": (99, 0)}
    for name, since in later.items():
        row = {key: value for key, value in RowMaker(version).run("d", 1).items() if key != name} | {name: 0}
        refusal = TableHistory(version=version).insert(DAG_RUNS, [row])
        release = tuple(int(part) for part in version.split(".")[:2])
        if release >= (3, 0) or release >= since:
            assert refusal is None
        else:
            assert refusal is not None
            assert (refusal.status, refusal.text) == (500, f"Unconsumed column names: {name}")


@pytest.mark.parametrize(("version", "status"), [("2.7.3", None), ("2.8.4", 409), ("2.9.3", None)])
def test_clear_number_had_no_default_when_it_was_new(version: str, status: int | None) -> None:
    """2.8 wants a clear_number; before there is none, afterwards it is 0 by default."""
    row = {key: value for key, value in RowMaker(version).run("d", 1).items() if key != "clear_number"}
    refusal = TableHistory(version=version).insert(DAG_RUNS, [row])
    assert (refusal.status if isinstance(refusal, Refusal) else None) == status


def test_tries_are_stored_from_2_10_on() -> None:
    """Before, they are taken without a word and are nowhere."""
    for version in VERSIONS:
        maker, table = RowMaker(version), TableHistory(version=version)
        run = maker.run("d", 1)
        task = maker.task(run, "t")
        table.add(DAG_RUNS, run)
        table.add(TASK_INSTANCES, task)
        keeps = TASK_INSTANCE_HISTORY.name in tables_of(version)
        row = maker.tried(run, "t") if keeps else task
        assert table.insert(TASK_INSTANCE_HISTORY, [row]) is None
        assert len(table.rows(TASK_INSTANCE_HISTORY)) == keeps
        assert keeps is (version in {"2.10.5", "2.11.2", "3.1.8"})


def test_versions_in_between_are_taken_for_the_release_before() -> None:
    """A patch release has the tables of its release, a release nobody measured those of the last before it."""
    assert tables_of("2.10.0") == tables_of("2.10.5")
    assert tables_of("2.12.1") == tables_of("2.11.2")
    assert tables_of("3.3.0") == tables_of("3.1.8")
