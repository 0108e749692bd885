"""Whole jobs whose deployments behave: what is moved, and what a second run of the program does."""

from pathlib import Path

from transfer.emulator import Faults, Reset, Rule, Shape, SyntheticHistory, TableHistory
from transfer.emulator.rows import dag_row
from transfer.model import Outcome

from .tables import DAG, add_run, empty_like, history, tied
from .worlds import behaviour, stored, world


async def test_everything_is_moved(tmp_path: Path) -> None:
    """The target holds every row of the source afterwards, and the checkpoint counts each as moved."""
    source = history(30, dags=("a", "b"), tasks=3)
    async with world(tmp_path, source, empty_like(source)) as job:
        ending = await job.run()
        assert (ending.problems, job.differences()) == ({}, [])
        assert await job.moved() == stored(source)
        assert (await job.totals()).dags_done == {"a", "b"}


async def test_a_dag_without_runs_is_complete(tmp_path: Path) -> None:
    """A DAG without history is done at once and sends nothing."""
    source = TableHistory([dag_row(DAG)])
    async with world(tmp_path, source, empty_like(source)) as job:
        ending = await job.run()
        assert (ending.problems, job.posts()) == ({}, 0)
        assert (await job.totals()).dags_done == {DAG}


async def test_unfinished_runs_stay(tmp_path: Path) -> None:
    """Runs that are not over are noted and not sent."""
    source = SyntheticHistory(Shape(runs=12, queued=5, running=7))
    async with world(tmp_path, source, TableHistory(source.dags())) as job:
        ending = await job.run()
        assert (ending.problems, job.posts()) == ({}, 0)
        assert (await job.totals()).runs["dag_0000"] == {Outcome.UNFINISHED: 12}


async def test_ties_survive_tiny_windows(tmp_path: Path) -> None:
    """Runs that tie are never lost, whatever the size of a window."""
    source = tied(64, 16)
    for window_runs in range(1, 8):
        directory = tmp_path / str(window_runs)
        async with world(directory, source, empty_like(source), window_runs=window_runs) as job:
            ending = await job.run()
            assert (ending.problems, job.differences()) == ({}, [])


async def test_thousands_of_rows(tmp_path: Path) -> None:
    """A history of 3,000 task instances with every difficulty arrives whole."""
    shape = Shape(
        dags=2, runs=150, tasks=7, mapped=3, retry_every=3, ties=16, queued=2, running=2, long_conf=9_000, unicode=True
    )
    source = SyntheticHistory(shape)
    async with world(tmp_path, source, TableHistory(source.dags())) as job:
        ending = await job.run()
        assert (ending.problems, job.differences()) == ({}, [])
        assert await job.moved() == shape.totals(finished=True)


async def test_a_second_run_sends_nothing(tmp_path: Path) -> None:
    """What was moved is remembered."""
    source = tied(40, 4)
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        sent = job.posts()
        ending = await job.run()
        assert (ending.problems, job.posts()) == ({}, sent)
        assert await job.moved() == stored(source)


async def test_a_third_run_sends_only_what_is_new(tmp_path: Path) -> None:
    """Runs that were added or finished since are moved, and no others."""
    source = history(20)
    add_run(source, 20, state="running")
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        await job.run()
        job.target.requests.clear()
        source.move_run(DAG, next(source.runs(DAG))["run_id"], start_date="2025-06-01 00:00:00+00:00", state="success")
        add_run(source, 300)
        await job.run()
        assert (job.differences(), job.progress.snapshot().rows_sent) == ([], 2 * (1 + 2 + 1))


async def test_a_dag_that_is_not_listed_is_moved_by_name(tmp_path: Path) -> None:
    """History without a row in the list of DAGs moves when it is named exactly and the target need not have it."""
    source = TableHistory()
    add_run(source, 1)
    async with world(tmp_path, source, TableHistory(), dags=(DAG,), allow_missing_dags=True) as job:
        await job.run()
        assert job.differences() == []


async def test_a_dag_that_the_target_lacks_is_moved_when_allowed(tmp_path: Path) -> None:
    """``allow_missing_dags`` moves history of DAGs that the target does not know."""
    source = history(3)
    async with world(tmp_path, source, TableHistory(), allow_missing_dags=True) as job:
        await job.run()
        assert job.differences() == []


async def test_numbers_and_texts_of_conf_stay_as_they_are(tmp_path: Path) -> None:
    """Integers beyond 64 bits, NaN and lone surrogates in a conf arrive unchanged."""
    source = history(0)
    conf = {"big": 12345678901234567890123, "half": "\ud83d", "nan": float("nan"), "zero": -0.0}
    add_run(source, 1, conf=conf)
    add_run(source, 2, conf=None)
    target = empty_like(source)
    exact = (behaviour(exact=True), behaviour(exact=True))
    async with world(tmp_path, source, target, behaviours=exact) as job:
        await job.run()
        confs = [run["conf"] for run in target.runs(DAG)]
        assert [repr(found) for found in confs] == ["None", repr(conf)]


async def test_finished_runs_that_never_started_are_moved(tmp_path: Path) -> None:
    """Runs that were marked as finished before they started have no start date; they tie, and move like others."""
    source = history(10)
    for number in range(20, 27):
        add_run(source, number, start_date=None, state="failed" if number % 2 else "success")
    faults = Faults([Rule(Reset(after=True), method="POST", nth=(1, 3, 5))])
    servers = (behaviour(), behaviour(faults=faults))
    async with world(tmp_path, source, empty_like(source), behaviours=servers, window_runs=2) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), await job.moved()) == ({}, [], stored(source))


async def test_any_name_is_moved(tmp_path: Path) -> None:
    """Names of DAGs and runs may hold what an address has to escape."""
    name = "naïve dag/漢 &?=%+#"
    source = history(0, dags=(name,))
    add_run(source, 1, dag_id=name, run_id="manual__2025-01-01T00:00:00+00:00 &?=%/#é")
    async with world(tmp_path, source, empty_like(source)) as job:
        ending = await job.run()
        assert (ending.problems, job.differences()) == ({}, [])


async def test_large_pages_go_through_a_file(tmp_path: Path) -> None:
    """Child pages that do not fit into the memory allowed to them arrive whole."""
    source = history(60, tasks=20)
    target = empty_like(source)
    async with world(tmp_path, source, target, memory_bytes=65_536, window_bytes=10_000_000) as job:
        ending = await job.run()
        assert (ending.problems, job.differences(), job.open_pages) == ({}, [], 0)


async def test_progress_ends_at_the_end(tmp_path: Path) -> None:
    """After a job everything was looked at, and as many rows were sent as the target has."""
    source = history(15, dags=("a", "b", "c"))
    async with world(tmp_path, source, empty_like(source)) as job:
        await job.run()
        snapshot = job.progress.snapshot()
        assert (snapshot.done_share, snapshot.rows_sent) == (1.0, sum(stored(source).values()))
        assert {dag.runs_seen for dag in snapshot.dags.values()} == {15}
