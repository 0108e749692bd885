"""Whatever rows come: the target accepts what is made of them, always the same, and nothing is changed needlessly."""

from copy import deepcopy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transfer.kinds import KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row
from transfer.mapping import Account, Mapping

from .made import PAIRS, VERSIONS, objections, rows, shape_of, way

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def mapped(mapping: Mapping, kind: Kind, given_rows: list[Row]) -> list[Row]:
    """Return what is sent for copies of ``given_rows``."""
    return mapping.rows(kind, deepcopy(given_rows), Account())


def carried(source: str, target: str) -> list[Kind]:
    """Return the kinds that both versions keep."""
    return [kind for kind in KINDS if shape_of(source).keeps(kind) and shape_of(target).keeps(kind)]


@SETTINGS
@given(pair=st.sampled_from(PAIRS), data=st.data())
def test_the_target_accepts_every_row(pair: tuple[str, str], data: st.DataObject) -> None:
    """No column that it does not know, none null that must not be, nothing that breaks its pages."""
    source, target = pair
    mapping = way(source, target)
    for kind in carried(source, target):
        for row in mapped(mapping, kind, data.draw(rows(source, kind))):
            assert list(objections(target, kind, row)) == []


@SETTINGS
@given(pair=st.sampled_from(PAIRS), data=st.data())
def test_mapping_is_deterministic(pair: tuple[str, str], data: st.DataObject) -> None:
    """The same rows give the same rows, whoever maps them and however often, with the same keys in every row."""
    source, target = pair
    for kind in carried(source, target):
        given_rows = data.draw(rows(source, kind))
        first, second = (mapped(way(source, target), kind, given_rows) for _ in range(2))
        assert first == second
        assert len({tuple(row) for row in first}) <= 1
        assert [kind.key_of(row) for row in first] == [kind.key_of(row) for row in given_rows]


@SETTINGS
@given(version=st.sampled_from(VERSIONS), data=st.data())
def test_equal_versions_change_nothing(version: str, data: st.DataObject) -> None:
    """A row stays as it is, but for what is the server's own or refers to a trigger of the source."""
    fields = {kind: shape_of(version).of(kind) for kind in KINDS}
    for kind in carried(version, version):
        given_rows = data.draw(rows(version, kind))
        own = {name for name, field in fields[kind].items() if field.own} | {"trigger_id"}
        kept = [{name: value for name, value in row.items() if name not in own} for row in given_rows]
        result = mapped(way(version, version), kind, given_rows)
        assert [{name: value for name, value in row.items() if name not in own} for row in result] == kept


@SETTINGS
@given(pair=st.sampled_from([pair for pair in PAIRS if pair[1] < "3"]), data=st.data())
def test_what_both_versions_have_is_copied(pair: tuple[str, str], data: st.DataObject) -> None:
    """Between versions of Airflow 2 every common column keeps its value."""
    source, target = pair
    for kind in carried(source, target):
        common = (shape_of(source).of(kind).keys() & shape_of(target).of(kind).keys()) - {
            "trigger_id",
            "executor_config",
        }
        given_rows = data.draw(rows(source, kind))
        for before, after in zip(given_rows, mapped(way(source, target), kind, given_rows), strict=True):
            assert {name: after[name] for name in common} == {name: before[name] for name in common}


@SETTINGS
@given(source=st.sampled_from(["2.10.3", "2.11.3"]), data=st.data())
def test_a_task_and_its_tries_have_different_ids(source: str, data: st.DataObject) -> None:
    """On Airflow 3 a try with the id of its task instance could not be cleared."""
    mapping = way(source, "3.1.8")
    given_rows = data.draw(rows(source, TASK_INSTANCE_HISTORY))
    tasks = mapped(mapping, TASK_INSTANCES, given_rows)
    tries = mapped(mapping, TASK_INSTANCE_HISTORY, given_rows)
    ids = [row["id"] for row in tasks] + [row["task_instance_id"] for row in tries]
    assert len(set(ids)) == len(ids)


@SETTINGS
@given(pair=st.sampled_from(PAIRS), data=st.data())
def test_every_value_that_is_lost_is_counted(pair: tuple[str, str], data: st.DataObject) -> None:
    """A value, other than null, that no row shows any more under any name is in the account."""
    source, target = pair
    mapping = way(source, target)
    for kind in carried(source, target):
        given_rows = data.draw(rows(source, kind))
        account = Account()
        result = mapping.rows(kind, deepcopy(given_rows), account)
        lost = {loss.column for loss in account.losses}
        unseen = {name for name, field in shape_of(source).of(kind).items() if field.own}
        for before, after in zip(given_rows, result, strict=True):
            gone = {name for name, value in before.items() if value is not None and name not in after}
            assert gone - lost - unseen <= {"execution_date"}
