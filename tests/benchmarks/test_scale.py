"""The table and the bars of part ``scale`` say what was measured."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scale, scale_jobs
from benchmarks.measure import CandidateFailedError
from benchmarks.moving import Mover
from benchmarks.scale_jobs import equal_dags, history_of, memory_over_rows, one_large_run, run_killed, thinned
from benchmarks.servers import Seen
from transfer.emulator import Shape


def job(size: int, kind: str, rate: float, peak: float, resume: float = 2.0) -> dict[str, Any]:
    """Return what is known of a job."""
    return {
        "size": size,
        "kind": kind,
        "rows": size * 13 // 10,
        "rows_per_second": rate,
        "cpu_us_per_row": 20.0,
        "server_cpu_us_per_row": [8.0, 19.0],
        "peak_mib": peak,
        "state_bytes": 1 << 20,
        "first_post_seconds": [0.6, resume] if kind == "killed" else [0.6],
        "resumed_seconds": 9.0,
        "memory_over_rows": [(0, 20.0), (size, peak)],
    }


DOCUMENT = {
    "settings": {"sizes": [100_000, 10_000_000]},
    "runs": [
        {**job(50_000, "one run", 9_000, 90), "size": 50_000},
        job(100_000, "whole", 10_000, 100),
        job(100_000, "whole", 12_000, 101),
        job(100_000, "killed", 1_000, 90),
        job(10_000_000, "killed", 9_900, 120, resume=2.5),
    ],
}


def test_the_rate_is_that_of_whole_jobs() -> None:
    """A job with a kill in it only counts where there is no other."""
    rates = [cell["rate"]["median"] for cell in scale.cells(DOCUMENT)]
    assert rates == [11_000, 9_900]


def test_the_bars_compare_the_largest_with_the_smallest() -> None:
    """Memory, growth, rate, resume and the large run are held against what was promised."""
    found = [round(bar.value or 0, 3) for bar in scale.bars(DOCUMENT)]
    assert found == [120, round(120 / 101, 3), 0.9, 2.5, 90]
    assert [bar.held for bar in scale.bars(DOCUMENT)] == [True, False, True, True, True]


def test_the_table_has_a_line_for_each_size() -> None:
    """Sizes stand in the first column, and every line has as many columns as the head."""
    lines = [line for line in scale.table(DOCUMENT) if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["100,000", "10,000,000"]
    assert len({line.count("|") for line in lines}) == 1


def test_sizes_are_compared_at_the_same_number_of_requests_too() -> None:
    """Jobs with a fixed concurrency have a bar and a column of their own, and count for nothing else."""
    fixed = [job(100_000, "fixed", 1, 80), job(10_000_000, "fixed", 1, 84), job(10_000_000, "fixed", 1, 86)]
    document = {**DOCUMENT, "runs": [*DOCUMENT["runs"], *fixed]}
    *others, bar = scale.bars(document)
    assert [other.value for other in others] == [bar.value for bar in scale.bars(DOCUMENT)]
    assert (round(bar.value or 0, 3), bar.held) == (round(86 / 80, 3), True)
    lines = [line for line in scale.table(document) if line.startswith("|")]
    assert [line.split("|")[7].strip()[:2] for line in lines[2:]] == ["80", "86"]
    assert len({line.count("|") for line in lines}) == 1


def test_a_fixed_concurrency_is_that_of_both_sides() -> None:
    """And without one nothing is said to the program."""
    mover = Mover(["transfer"], "", {"NO_PROXY": "127.0.0.1"})
    assert scale_jobs._fixed(mover, None) == mover
    said = {"TRANSFER_SOURCE__LIMITS__CONCURRENCY": "4", "TRANSFER_TARGET__LIMITS__CONCURRENCY": "4"}
    assert scale_jobs._fixed(mover, 4).env == mover.env | said


@pytest.mark.parametrize("size", [20_000, 100_000, 10_000_000])
def test_histories_have_the_size_that_was_asked_for(size: int) -> None:
    """The shape of a size holds so many task instances, and a large run only one run."""
    assert Shape(**history_of(size)).totals()["task_instances"] == size
    assert Shape(**one_large_run(size)).totals()["dag_runs"] == 1
    assert Shape(**one_large_run(size)).totals()["task_instances"] == size


def test_dags_of_one_size_are_only_more() -> None:
    """From the smallest history up; one that is smaller still is a single DAG."""
    shapes = [equal_dags(size) for size in (100_000, 1_000_000, 10_000_000)]
    assert [(shape["dags"], shape["runs"]) for shape in shapes] == [(1, 10_000), (10, 10_000), (100, 10_000)]
    assert Shape(**equal_dags(20_000)).totals()["task_instances"] == 20_000


def test_memory_is_joined_with_the_rows_that_were_there() -> None:
    """Each look at the process finds the rows of the requests that were done by then."""
    posts = [Seen("POST", "dag_runs", 10, 100.0, 100.0, end, 200) for end in (101.0, 102.0)]
    memory = [(0.5, 20.0), (1.0, 30.0), (5.0, 40.0)]
    assert memory_over_rows(posts, 100.0, memory) == [(0, 20.0), (10, 30.0), (20, 40.0)]


@pytest.mark.parametrize(("looks", "kept"), [(1, 1), (999, 999), (1_000, 500), (2_400, 600)])
def test_long_jobs_keep_no_more_points_than_a_picture_needs(looks: int, kept: int) -> None:
    """They stand in even distances from the first on."""
    points = [(float(look), 100.0) for look in range(looks)]
    assert len(thinned(points)) == kept
    assert thinned(points)[0] == points[0]


def test_a_job_that_fails_before_its_kill_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said is in the message; the target would never have enough."""
    program = Mover([sys.executable, "-c", "raise SystemExit('the source is down')"], "", dict(os.environ))
    monkeypatch.setattr(scale_jobs, "transfer_run", lambda *_: program)
    monkeypatch.setattr(scale_jobs, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(scale_jobs, "SETTLED", 0.01)
    with pytest.raises(CandidateFailedError, match="ended too soon with exit code 1: the source is down"):
        run_killed(one_large_run(10), 100, tmp_path)
