"""Walking a DAG's runs: nothing lost, nothing twice, no tie split, whatever moves."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer.engine.order import StartOrder
from transfer.engine.scan import Cursor, Scanner, Slice
from transfer.errors import DriftError

from .paging import DAG, Changes, Paged, run, side

STARTS = st.lists(st.one_of(st.none(), st.integers(0, 40)), max_size=40)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert old", "delete", "clear", "restart", "rest"]),
        st.integers(0, 1000),
    ),
    max_size=25,
)


def scanner(paged: Paged, cursor: Cursor | None = None) -> Scanner:
    """Return a scanner from the front, or from ``cursor`` on."""
    return Scanner(paged, DAG, StartOrder("source"), cursor or Cursor())


async def walk(scan: Scanner, size: int) -> list[Slice]:
    """Return all slices of a pass."""
    slices = []
    while (part := await scan.next(size)) is not None:
        scan.advance(part)
        slices.append(part)
        assert len(slices) < 1_000, "the walk does not end"
    return slices


def names(slices: list[Slice]) -> list[str]:
    """Return the runs of ``slices``."""
    return [row["run_id"] for part in slices for row in part.rows]


@settings(max_examples=150, deadline=None)
@given(starts=STARTS, size=st.integers(1, 12), nulls_first=st.booleans())
def test_a_resting_history_is_read_exactly_once(starts: list[int | None], size: int, *, nulls_first: bool) -> None:
    """Every run is in one slice, and a slice holds all runs that tie with any of its own."""
    paged = side(starts, nulls_first=nulls_first)
    slices = asyncio.run(walk(scanner(paged), size))
    assert sorted(names(slices)) == sorted(paged.rows)
    edges = [{row["start_date"] for row in part.rows} for part in slices]
    assert sum(len(dates) for dates in edges) == len(set().union(*edges))


@settings(max_examples=300, deadline=None)
@given(starts=STARTS, changes=CHANGES, size=st.integers(1, 8), nulls_first=st.booleans())
def test_untouched_runs_are_read_exactly_once(
    starts: list[int | None], changes: list[tuple[str, int]], size: int, *, nulls_first: bool
) -> None:
    """Inserts, deletions, clearings and restarts between any two requests lose and repeat no other run."""
    paged = side(starts, nulls_first=nulls_first)
    before = set(paged.rows)
    made = Changes(changes)
    paged.before = made
    read = names(asyncio.run(walk(scanner(paged), size)))
    untouched = before - made.touched
    assert [name for name in sorted(read) if name in untouched] == sorted(untouched)


@settings(max_examples=100, deadline=None)
@given(starts=STARTS, stop=st.integers(0, 6), gone=st.integers(0, 15), new=st.integers(0, 15), size=st.integers(1, 8))
def test_a_pass_goes_on_from_a_stored_cursor(
    starts: list[int | None], stop: int, gone: int, new: int, size: int
) -> None:
    """After any number of deletions and inserts in front, a resumed pass reads exactly what was not read."""
    paged = side(starts)
    first = scanner(paged)
    read = []
    for _ in range(stop):
        if (part := asyncio.run(first.next(size))) is not None:
            first.advance(part)
            read += names([part])
    for name in read[:gone]:
        del paged.rows[name]
    paged.rows |= {f"new{number}": run(f"new{number}", 500 + number) for number in range(new)}
    rest = names(asyncio.run(walk(scanner(paged, first.cursor), size)))
    known = [name for name in rest if not name.startswith("new")]
    assert sorted(known) == sorted(name for name in paged.rows if name not in read and not name.startswith("new"))


def test_a_history_that_never_rests_is_given_up() -> None:
    """When the front grows faster than the scanner walks, it stops with an error instead of reading for ever."""
    paged = side(range(10))

    def grow(side: Paged) -> None:
        for number in range(20):
            name = f"new{len(side.requests)}_{number}"
            side.rows[name] = run(name, 1000 + len(side.requests))

    scan = scanner(paged)
    part = asyncio.run(scan.next(2))
    assert part is not None
    scan.advance(part)
    paged.before = grow
    with pytest.raises(DriftError, match="moves faster"):
        asyncio.run(scan.next(2))
    assert len(paged.requests) < 100


def test_a_page_that_is_one_tie_is_read_whole() -> None:
    """A tie that is larger than the slice asked for is fetched with larger and larger pages."""
    paged = side([5] * 30)
    part = asyncio.run(scanner(paged).next(2))
    assert part is not None
    assert len(part.rows) == 30


def slice_of(*starts: int) -> Slice:
    """Return the first slice of runs that started at ``starts``."""
    part = asyncio.run(scanner(side(starts)).next(100))
    assert part is not None
    return part


@pytest.mark.parametrize(("runs", "kept"), [(1, 1), (2, 1), (3, 1), (4, 4), (5, 5), (6, 5), (9, 5)])
def test_a_head_ends_between_ties(runs: int, kept: int) -> None:
    """The head of a slice holds at most the runs asked for, but at least one whole tie."""
    part = slice_of(9, 8, 8, 8, 7)
    assert len(part.head(runs).rows) == kept


def test_a_head_of_a_tie_is_the_tie() -> None:
    """A slice that begins with a tie has no smaller head than that."""
    assert len(slice_of(9, 9, 9, 8).head(1).rows) == 3


@pytest.mark.parametrize(
    ("wanted", "offset", "size"), [({"r0"}, 0, 1), ({"r2"}, 1, 3), ({"r3", "r4"}, 1, 4), ({"r0", "r4"}, 0, 5)]
)
def test_a_narrowed_slice_holds_the_ties_of_what_is_wanted(wanted: set[str], offset: int, size: int) -> None:
    """A narrowed slice is the smallest that splits no tie, and knows its place."""
    narrow = slice_of(9, 8, 8, 8, 7).narrowed(wanted)
    assert (narrow.offset, len(narrow.rows)) == (offset, size)
    assert wanted <= {row["run_id"] for row in narrow.rows}


def test_unchanged_names_the_runs_whose_rows_are_the_same() -> None:
    """A run whose own row changed is left out of the answer."""
    paged = side([3, 2, 1])
    scan = scanner(paged)
    part = asyncio.run(scan.next(5))
    assert part is not None
    paged.rows["r1"]["state"] = "failed"
    assert asyncio.run(scan.unchanged(part)) == {"r0", "r2"}


@pytest.mark.parametrize("change", [("insert", 0), ("delete", 0), ("delete", 2), ("restart", 2), ("clear", 1)])
def test_unchanged_notices_a_moved_slice(change: tuple[str, int]) -> None:
    """A slice that holds other runs now is moved."""
    paged = side([3, 2, 1, 0])
    scan = scanner(paged)
    part = asyncio.run(scan.next(2))
    assert part is not None
    paged.before = Changes([change])
    paged.before(paged)
    moved = {row["run_id"] for row in part.rows} != {row["run_id"] for row in paged._page(0, len(part.rows))}
    assert (asyncio.run(scan.unchanged(part)) is None) == (moved or len(paged.rows) != 4)
