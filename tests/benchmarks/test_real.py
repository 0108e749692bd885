"""Part ``real``: from single runs to medians, ratios, bars, a table and a picture."""

from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks import real, real_rounds
from benchmarks.candidates import Moved
from benchmarks.measure import Cost
from benchmarks.operator_runs import Attempt
from benchmarks.part import Document, PartUnavailableError, Settings, bars
from tests.live.unavailable import RigUnavailable

RATES = {real.PAGE_10: 500.0, real.PAGE_100: 1000.0, real.PIPE: 1900.0, real.LEAN_PIPE: 2100.0, real.OURS: 2000.0}
ROWS = 10_000


class Recorder:
    """Stands for matplotlib: takes every call and remembers the first argument of each."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **_: self.calls.append((name, arguments[0] if arguments else None))

    def drawn(self, name: str) -> list[Any]:
        """Return the first arguments of all calls of ``name``."""
        return [argument for called, argument in self.calls if called == name]


class Pyplot:
    """Stands for matplotlib's ``pyplot``."""

    def subplots(self, _rows: int, columns: int, **_: object) -> tuple[str, list[Recorder]]:
        """Return a figure and its axes."""
        self.axes = [Recorder() for _ in range(columns)]
        return "figure", self.axes


def result(name: str, rate: float, **concurrency: list[tuple[float, float]]) -> real_rounds.Result:
    """Return a run that moved all rows at a rate."""
    cost = Cost(ROWS / rate, cpu_seconds=0.5, peak_mib=80.0, memory=((0.5, 70.0), (1.0, 80.0)))
    return real_rounds.Result(name, ROWS, Moved(cost, concurrency), server_cpu=6.0)


@pytest.fixture(name="document")
def _document() -> Document:
    """Return what two runs of each candidate and one of the operator come to."""
    found = {"source": [(0.5, 2.0)], "target": [(0.5, 4.0)]}
    results = [
        result(name, rate * factor, **(found if name == real.OURS else {}))
        for factor in (0.9, 1.1)
        for name, rate in RATES.items()
    ]
    attempts = {
        name: [Attempt(limit, 1.0, limit, limit * 11, None).document()]
        for name, limit in ((real.OPERATOR, 10), (real.LARGEST, 125))
    }
    operator = {"tried": ["limit 250: HTTPError: 413"], "attempts": attempts}
    return real.document_of([one.document() for one in results], operator, {"postgresql": "15"}) | {"rows": ROWS}


def test_ratios_are_those_of_medians(document: Document) -> None:
    """Against the pipe, against the page at its best, against the page as it comes."""
    assert [bar.value for bar in bars(document)] == pytest.approx([2000 / 1900, 2.0, 4.0])
    assert [bar.held for bar in bars(document)] == [True, True, True]


def test_the_table_has_every_candidate_with_spread_and_costs(document: Document) -> None:
    """The operator is a part of Airflow, so it has no CPU and memory of its own."""
    lines = real.table(document)
    assert "| transfer run | 2 | 2,000 | 1,800 to 2,200 | 2.00 | 50 | 600 | 80 | 2 and 4 |" in lines
    assert "| Starship operator, its largest | 1 | 1,375 | 1,375 to 1,375 | 1.38 |  |  |  |  |" in lines


def test_the_table_says_what_became_of_the_operator(document: Document) -> None:
    """It moves a few runs only, and some limits it does not survive."""
    text = "\n".join(real.table(document))
    assert "125 runs (1,375 rows) with limit 125" in text
    assert "- limit 250: HTTPError: 413" in text


def test_the_picture_has_rates_memory_and_concurrency(document: Document) -> None:
    """A bar per candidate, a line of memory per candidate that is a process, a line per side."""
    pyplot = Pyplot()
    assert real.plot(document, pyplot) == "figure"
    rates, memory, concurrency = pyplot.axes
    assert rates.drawn("barh") == [[*RATES, real.OPERATOR, real.LARGEST]]
    assert len(memory.drawn("plot")) == len(RATES)
    assert len(concurrency.drawn("plot")) == 2


def test_without_concurrency_the_picture_has_two_panels(document: Document) -> None:
    """A version of the program that finds none is measured all the same."""
    for run in document["runs"]:
        run.pop("concurrency", None)
    pyplot = Pyplot()
    real.plot(document, pyplot)
    assert len(pyplot.axes) == 2


def test_concurrency_is_that_of_the_second_half() -> None:
    """While it is looked for it says nothing; several runs count by their median."""
    runs = [{"concurrency": {"target": [(0.5, 1), (1.0, 2), (1.5, last), (2.0, last)]}} for last in (4, 9, 5)]
    assert real.concurrency(runs) == "5"
    assert real.concurrency([{"candidate": real.PIPE}]) == ""


def test_the_slowest_runs_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page after ten runs twice, the operator once, all else as often as asked."""
    ran: list[str] = []
    attempt = Attempt(10, 1.0, 10, 110, None)
    monkeypatch.setattr(real_rounds, "run_one", lambda _rig, _folder, name, _candidate: ran.append(name))
    monkeypatch.setattr(real_rounds, "attempted", lambda *_, **__: attempt)
    settings = Settings(quick=False, repeat=3, folder=tmp_path, options=Namespace())
    _, operator = real_rounds.rounds(cast("Any", None), settings, 10)
    assert Counter(ran) == dict.fromkeys(real.NAMES, 3) | {real.PAGE_10: 2}
    assert [len(attempts) for attempts in operator["attempts"].values()] == [1, 1]


def test_a_machine_without_airflow_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is that of the pair, which the command says in a sentence."""

    def boot(*_: object) -> None:
        raise RigUnavailable("there is no uv")

    monkeypatch.setattr(real_rounds, "boot", boot)
    options = Namespace(real_runs=10, real_tasks=2)
    with pytest.raises(PartUnavailableError, match="there is no uv"):
        real.run(Settings(quick=True, repeat=1, folder=tmp_path, options=options))
