"""Part ``logs``: its servers, its pipe, and what it makes of what was measured."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from benchmarks import logs
from benchmarks.log_servers import log_servers
from benchmarks.part import Document, Settings


def one(load: str, name: str, rate: float) -> Document:
    """Return a run of a candidate."""
    of: dict[str, Any] = {"load": load, "candidate": name, "logs": 2, "bytes": 2_000, "mb_per_second": rate}
    return of | {"logs_per_second": 1.0, "cpu_seconds": 0.5, "peak_mib": 60.0}


def document(ours: float) -> Document:
    """Return what was measured, the pipe always at 100 MB/s."""
    loads = ("one large log", "small logs")
    runs = [one(load, name, rate) for load in loads for name, rate in ((logs.PIPE, 100.0), (logs.OURS, ours))]
    return {"settings": {"lanes": 8}, "runs": runs}


@pytest.mark.parametrize(("ours", "held"), [(81.0, True), (79.0, False)])
def test_the_bar_is_a_ratio_to_the_pipe(ours: float, *, held: bool) -> None:
    """Of each load by itself; memory has a bar of its own."""
    large, small, memory = logs.bars(document(ours))
    assert (large.held, small.held, memory.held) == (held, held, True)
    assert large.value == pytest.approx(ours / 100)


def test_the_table_has_a_line_for_each() -> None:
    """Both loads, both candidates."""
    lines = logs.table(document(90.0))
    assert sum(line.startswith(("| one large log", "| small logs")) for line in lines) == 4


@pytest.mark.parametrize("candidate", [logs.pipe, logs.transfer], ids=["pipe", "transfer"])
def test_both_candidates_move_every_log(tmp_path: Path, candidate: Any) -> None:
    """Each log arrives once, with all of its bytes."""
    with log_servers(4, 70_000, large=False) as servers:
        names = list(logs._names(servers, 4))
        candidate(servers, names, tmp_path)
        seen = servers.seen()
    assert (seen.logs, seen.size) == (len(names), 70_000 * len(names))


def test_a_quick_run_gives_a_whole_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With stand-ins for the loads, so small that it takes a moment."""
    monkeypatch.setattr(logs, "_load", lambda load, _settings: [one(load.name, name, 1.0) for name in logs.CANDIDATES])
    found = logs.run(Settings(quick=True, repeat=1, folder=tmp_path, options=argparse.Namespace()))
    assert [bar["held"] for bar in found["bars"]] == [True, True, True]
