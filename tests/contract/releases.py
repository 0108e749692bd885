"""Which tests of a contract are about which releases of Airflow."""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])
Release = tuple[int, int]

_FIRST: Release = (2, 4)
_BEYOND: Release = (99, 0)


def releases(*, since: Release = _FIRST, before: Release = _BEYOND) -> Callable[[Test], Test]:
    """Return what marks a test, or a class of them, as one about releases from ``since`` on and before ``before``."""

    def mark(test: Test) -> Test:
        test.releases = (since, before)  # type: ignore[attr-defined]  # a function may carry any attribute
        return test

    return mark


def fits(test: Any, contract: Any, release: Release) -> bool:
    """Tell whether a test of a class of them is about that release; one without a mark is about all."""
    marks = [getattr(marked, "releases", (_FIRST, _BEYOND)) for marked in (test, contract)]
    return all(since <= release < before for since, before in marks)
