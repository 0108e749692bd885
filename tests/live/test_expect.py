"""The second opinion has one for every column, and knows which confs are the same; needs no Airflow."""

import pickle
from typing import Any

import pytest

from .conf import as_jsonb, pickled
from .expect import NoRuleError, rules_of

_OLD = ("id", "dag_id", "run_id", "execution_date", "state")
_NEW = ("id", "dag_id", "run_id", "logical_date", "state", "span_status")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (_OLD, (*_OLD, "surprise")),
        ((*_OLD, "surprise"), _OLD),
        ((*_OLD, "surprise"), _NEW),
        (_NEW, (*_NEW, "surprise")),
    ],
)
def test_a_column_that_nobody_thought_of_is_an_error(source: tuple[str, ...], target: tuple[str, ...]) -> None:
    """On either side: what has no rule is not passed over."""
    with pytest.raises(NoRuleError, match="surprise"):
        rules_of("dag_run", source, target)


def test_each_column_but_those_that_the_target_makes_has_one_rule() -> None:
    """The row number is the target's own; a renamed column is taken from the old one."""
    rules = {rule.name: rule.wanted for rule in rules_of("dag_run", _OLD, _NEW)}
    assert rules.keys() == {*_NEW} - {"id"}
    assert rules["logical_date"] == "t.execution_date"


@pytest.mark.parametrize(
    ("stored", "shown", "same"),
    [
        ({"a": 1.5e300}, {"a": 15 * 10**299}, True),
        ({"a": -0.0}, {"a": 0.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 2**70}, {"a": 2**70 + 1}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ([1], {"conf": [1]}, True),
        (None, None, True),
        (None, {}, False),
        ({}, None, False),
        (False, {"conf": False}, True),
    ],
)
def test_a_conf_in_jsonb(stored: Any, shown: Any, *, same: bool) -> None:
    """Numbers are compared by value, everything else by type and value; what is no object stands in one."""
    assert (as_jsonb(pickle.dumps(stored)) == as_jsonb(shown)) is same


@pytest.mark.parametrize(("other", "same"), [(1, True), (1.0, False), (True, False), (None, False)])
def test_a_conf_in_a_pickle(other: Any, *, same: bool) -> None:
    """The pickle's bytes do not matter, the values' types do."""
    assert (pickled(pickle.dumps(1, protocol=5)) == pickled(pickle.dumps(other, protocol=2))) is same
