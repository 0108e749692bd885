"""How hard a side may be asked, as it is written down."""

from typing import Any

import pytest

from transfer.config.load import load_settings
from transfer.config.settings import CEILINGS, MOST_AT_ONCE, SideLimits
from transfer.errors import ConfigError

SIDES: dict[str, object] = {
    "source": {"url": "http://a", "auth": {"kind": "none"}},
    "target": {"url": "http://b", "auth": {"kind": "none"}},
}


def limits(environ: dict[str, str] | None = None, **values: object) -> SideLimits:
    """Load the limits of a source."""
    flags = {**SIDES, **{f"source.limits.{key}": value for key, value in values.items()}}
    return load_settings(None, environ or {}, flags).source.limits


@pytest.mark.parametrize(
    ("values", "source", "target"),
    [
        ({}, (1, CEILINGS["source"]), (1, CEILINGS["target"])),
        ({"concurrency": "auto", "min_concurrency": 3}, (3, CEILINGS["source"]), (3, CEILINGS["target"])),
        ({"min_concurrency": 20}, (20, 20), (20, CEILINGS["target"])),
        ({"max_concurrency": 64}, (1, 64), (1, 64)),
        ({"min_concurrency": 2, "max_concurrency": 2}, (2, 2), (2, 2)),
        ({"concurrency": 9, "min_concurrency": 2, "max_concurrency": 4}, (9, 9), (9, 9)),
    ],
)
def test_bounds(values: dict[str, Any], source: tuple[int, int], target: tuple[int, int]) -> None:
    """A fixed number is both bounds; else those that are given, and the side's ceiling."""
    found = SideLimits(**values)
    assert (found.bounds("source"), found.bounds("target")) == (source, target)


@pytest.mark.parametrize(("text", "expected"), [("auto", "auto"), ("9", 9)])
def test_concurrency_from_a_variable(text: str, expected: object) -> None:
    """A word or a number."""
    assert limits({"TRANSFER_SOURCE__LIMITS__CONCURRENCY": text}).concurrency == expected


@pytest.mark.parametrize("value", [0, -1, MOST_AT_ONCE + 1, 1.5, "fast", "", [2], None, {"a": 1}, 10**30])
def test_what_concurrency_can_be(value: object) -> None:
    """Anything else is refused in one sentence that says what would be right."""
    if value is None:
        assert limits(concurrency=value).concurrency == "auto"  # a flag that was not given
        return
    with pytest.raises(ConfigError) as caught:
        limits(concurrency=value)
    (problem,) = caught.value.problems
    assert problem.startswith("source.limits.concurrency")
    assert 'a whole number from 1 to 64, or "auto"' in problem or isinstance(value, dict)


def test_bounds_in_order() -> None:
    """The least must not be more than the most; both are named."""
    with pytest.raises(ConfigError) as caught:
        limits(min_concurrency=9, max_concurrency=4)
    (problem,) = caught.value.problems
    assert problem == "source.limits: min_concurrency (9) must not exceed max_concurrency (4)"


@pytest.mark.parametrize("key", ["requests_per_second", "rows_per_second", "bytes_per_second"])
@pytest.mark.parametrize("value", [0, -5, "many", float("inf"), 1e300])
def test_rates_are_positive_and_sane(key: str, value: object) -> None:
    """A rate of nothing would be a job that never ends."""
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, {**SIDES, f"source.limits.{key}": value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"source.limits.{key}: ")
