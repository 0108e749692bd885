"""The tables of columns say what real servers serve."""

import pytest

from transfer.kinds import KINDS, TASK_INSTANCE_HISTORY, Kind
from transfer.shapes import OLDEST, SHAPES, shape_of

from .answers import ANSWERS, rows_of

MEASURED = [(version, kind) for version in ANSWERS for kind in KINDS if ANSWERS[version][kind.name]]


@pytest.mark.parametrize(("version", "kind"), MEASURED, ids=lambda value: getattr(value, "name", value))
def test_columns_are_those_of_real_answers(version: str, kind: Kind) -> None:
    """Every row that a server has served has exactly the columns of its version's shape."""
    major, minor = map(int, version.split(".")[:2])
    for row in rows_of(version, kind):
        assert row.keys() == SHAPES[major, minor].of(kind).keys()


@pytest.mark.parametrize(("version", "kind"), MEASURED, ids=lambda value: getattr(value, "name", value))
def test_required_columns_are_never_null(version: str, kind: Kind) -> None:
    """What the database says is not null is not, in any real row."""
    major, minor = map(int, version.split(".")[:2])
    required = [field.name for field in SHAPES[major, minor].of(kind).values() if field.required]
    assert all(row[name] is not None for row in rows_of(version, kind) for name in required)


def test_earlier_tries_are_kept_from_2_10_on() -> None:
    """Older versions have no table for them."""
    assert [version for version, shape in SHAPES.items() if shape.keeps(TASK_INSTANCE_HISTORY)] == [
        (2, 10),
        (2, 11),
        (3, 1),
    ]


@pytest.mark.parametrize(("version", "nearest"), [((3, 0), (3, 1)), ((3, 3), (3, 1)), ((2, 12), (2, 11))])
def test_versions_that_were_never_tried(version: tuple[int, int], nearest: tuple[int, int]) -> None:
    """They have the shape of the nearest one, and say that they were not measured."""
    shape = shape_of(version)
    assert shape is not None
    assert (shape.version, shape.exact, shape.fields) == (version, False, SHAPES[nearest].fields)


@pytest.mark.parametrize("version", [(2, 3), (1, 10), (0, 0), (4, 0)])
def test_versions_without_a_shape(version: tuple[int, int]) -> None:
    """Older ones than the oldest, and majors of which nothing is known, have none."""
    assert version < OLDEST or version > (4,)
    assert shape_of(version) is None
