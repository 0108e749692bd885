"""The table and the bars of part ``networks`` say what was measured."""

from typing import Any

import pytest

from benchmarks import networks
from benchmarks.network_jobs import Network, shape_for, shape_of
from benchmarks.serve import Order, costs, service_times
from transfer.emulator import MEASURED, Cost, ServiceTimes


def ours(workers: int, delay: float, rate: float, found: float) -> dict[str, Any]:
    """Return a run of ``transfer``."""
    return {
        "candidate": networks.TRANSFER,
        "workers": workers,
        "delay_ms": delay,
        "rows_per_second": rate,
        "found_rate": found,
        "saturated": 1_000.0,
        "busy": 0.97,
        "most": 9,
    }


def page(workers: int, delay: float, batch: int, rate: float) -> dict[str, Any]:
    """Return a run of the page's algorithm."""
    name = f"{networks.PAGE}, {batch} runs a batch"
    return {"candidate": name, "workers": workers, "delay_ms": delay, "rows_per_second": rate}


DOCUMENT = {
    "settings": {},
    "loads": [{"workers": 4, "rows_per_second": 990.0, "computed": 1_000.0, "stretch": 1.5}],
    "runs": [
        page(4, 50.0, 10, 20.0),
        page(4, 50.0, 100, 100.0),
        ours(4, 50.0, 600.0, 880.0),
        ours(4, 50.0, 500.0, 960.0),
        page(4, 0.0, 10, 100.0),
        page(4, 0.0, 100, 200.0),
        ours(4, 0.0, 700.0, 800.0),
    ],
}


def test_every_combination_has_its_line() -> None:
    """Medians of ours are held against the saturated rate and the better page of the same combination."""
    near, far = networks.cells(DOCUMENT)
    assert (near["delay_ms"], near["share"], near["ratio"]) == (0.0, 0.8, 3.5)
    assert (far["delay_ms"], far["share"], far["ratio"]) == (50.0, pytest.approx(0.92), 5.5)
    lines = [line for line in networks.table(DOCUMENT) if line.startswith("|")]
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1


def with_curves(*curves: list[float]) -> dict[str, Any]:
    """Return a document of jobs with such rows/s in steps of a second; the saturated rate is 1,000."""
    points = [[(second + 0.5, rate) for second, rate in enumerate(curve)] for curve in curves]
    runs = [ours(4, 50.0, 600.0, 880.0) | {"rows_over_time": curve} for curve in points]
    return {**DOCUMENT, "runs": [page(4, 50.0, 10, 20.0), page(4, 50.0, 100, 100.0), *runs]}


SOON, LATE, NEVER = [900.0, 900.0, 0.0, 0.0], [0.0, 0.0, 900.0, 900.0], [899.0] * 4


@pytest.mark.parametrize(
    ("curves", "shown"),
    [([SOON], "| 2.0 | 100 |"), ([SOON, LATE], "| 3.0 | 100 |"), ([SOON, NEVER], "| never |  |")],
)
def test_the_table_says_when_the_pace_was_found(curves: list[list[float]], shown: str) -> None:
    """Nine tenths of the saturated rate over two seconds; a job that never has them is not left out."""
    (_, _, line) = (line for line in networks.table(with_curves(*curves)) if line.startswith("|"))
    assert shown in line


@pytest.mark.parametrize(("workers", "seconds"), [(1, 20), (2, 40), (4, 40), (16, 60), (64, 60)])
def test_servers_with_more_workers_get_longer_jobs(workers: int, seconds: float) -> None:
    """There are more steps to climb until their pace is found."""
    assert networks.seconds_for(workers) == seconds


def test_the_page_is_a_bar_at_the_headline_only() -> None:
    """The saturated rate is a bar everywhere, the page's only where it was promised."""
    found = [(bar.value, bar.bar, bar.held) for bar in networks.bars(DOCUMENT)]
    assert found == [(0.8, 0.9, False), (pytest.approx(0.92), 0.9, True), (5.5, 5.0, True)]


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_servers_are_only_stretched_where_they_have_to_be(workers: int) -> None:
    """Service times are longer by what brings the saturated rate down to the machine's, and never shorter."""
    service, stretch = networks.stretched(workers, 10_000)
    rate = Network(workers, 0.0, service).saturated(shape_of(1_000))
    assert stretch >= 1
    assert rate <= 10_000 * 1.001
    assert stretch == 1 or rate == pytest.approx(10_000)


def test_service_times_travel_as_they_are() -> None:
    """What a server is told is what was meant, by method and by route."""
    service = ServiceTimes({"GET": Cost(1.0, 2.0)}, {("POST", "dag_runs"): Cost(3.0, 4.0)})
    assert service_times(costs(service)) == service
    order = Order({"runs": 1}, writable=True, service=costs(MEASURED))
    assert order.text().count("\n") == 1


def test_histories_have_about_the_rows_that_were_asked_for() -> None:
    """Several DAGs share the rows."""
    for dags in (1, 3):
        assert sum(shape_for(26_000, dags).totals().values()) == pytest.approx(26_000, rel=0.01)


def test_the_page_takes_longer_from_far_away() -> None:
    """Four exchanges in turn, each with the handshake of a new connection."""
    near, far = (Network(4, delay, MEASURED).page_seconds(100) for delay in (0.0, 0.05))
    assert far - near == pytest.approx(4 * 4 * 0.05)
