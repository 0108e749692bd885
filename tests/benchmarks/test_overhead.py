"""The table and the bars of part ``overhead`` say what was measured."""

from typing import Any

from benchmarks import overhead
from benchmarks.canned_rows import rows_of


def one(candidate: str, size: int, cpu_seconds: float) -> dict[str, Any]:
    """Return what is known of one run of a candidate."""
    return {
        "candidate": candidate,
        "size": size,
        "rows": rows_of(size),
        "seconds": 1.0,
        "cpu_seconds": cpu_seconds,
        "peak_mib": 80.0,
        "rows_per_request": 500.0,
    }


DOCUMENT: dict[str, Any] = {
    "settings": {"sizes": [800, 8_000], "close": False},
    "runs": [
        *(one(overhead.BARE, 800, seconds) for seconds in (0.5, 0.6, 0.4)),
        *(one(overhead.BARE, 8_000, seconds) for seconds in (0.8, 0.7, 0.9)),
        *(one(overhead.OURS, 800, seconds) for seconds in (1.0, 1.1, 0.9)),
        *(one(overhead.OURS, 8_000, seconds) for seconds in (1.7, 1.6, 1.8)),
    ],
}


def test_the_bars_are_the_ratios_of_medians() -> None:
    """Once of whole runs, and once of what the rows beyond the small history cost."""
    whole, rows = (bar.value or 0 for bar in overhead.bars(DOCUMENT))
    assert round(whole, 6) == round(1.7 / 0.8, 6)
    assert round(rows, 6) == round(0.7 / 0.3, 6)


def test_starting_is_no_part_of_the_marginal_cost() -> None:
    """A candidate that needs a second more for every run has the same cost per further row."""
    slow = {**DOCUMENT, "runs": [run | {"cpu_seconds": run["cpu_seconds"] + 1} for run in DOCUMENT["runs"]]}
    assert round(overhead.marginal(slow, overhead.OURS), 6) == round(overhead.marginal(DOCUMENT, overhead.OURS), 6)


def test_the_table_has_a_line_for_each_candidate() -> None:
    """Candidates stand in the first column, and every line has as many columns as the head."""
    lines = [line for line in overhead.table(DOCUMENT) if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [overhead.BARE, overhead.OURS]
    assert len({line.count("|") for line in lines}) == 1


def with_duties() -> dict[str, Any]:
    """Return a document in which each duty costs the same as the one before."""
    steps = [
        one(name, size, size / 8_000 * (0.3 + 0.1 * number) + 0.5)
        for number, name in enumerate(overhead.STEPS, 1)
        for size in (800, 8_000)
    ]
    return {**DOCUMENT, "runs": [*DOCUMENT["runs"], *steps]}


def test_what_is_ours_is_what_is_left_beside_the_same_duties() -> None:
    """Two more bars compare with the last step, and leave the others as they were."""
    document = with_duties()
    *others, _, rows = overhead.bars(document)
    assert [bar.value for bar in others] == [bar.value for bar in overhead.bars(DOCUMENT)]
    safe = (0.3 + 0.1 * len(overhead.STEPS)) * 0.9
    assert round(rows.value or 0, 6) == round(0.7 / safe, 6)


def test_each_duty_is_told_with_its_cost() -> None:
    """In the order in which they are added, between the bare loop and what is ours; older documents have none."""
    lines = overhead.duties_table(with_duties())
    cells = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("|")][2:]
    assert [cell[1] for cell in cells] == [overhead.BARE, *overhead.STEPS, overhead.OURS]
    assert len({cell[3] for cell in cells[2:-1]}) == 1
    assert overhead.duties_table(DOCUMENT) == []
