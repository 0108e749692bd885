"""What is remembered of windows, runs and rejected rows."""

from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader
from transfer.model import Counts, Outcome, RejectedRow, SettledRun, Settlement, Window

from .samples import DAG, JOB, move, run_ids, runs, settlement, started, window

TASKS = "task_instances"


async def test_recall_of_the_never_seen_is_empty(tmp_path: Path) -> None:
    """Runs that were never seen are absent from what is recalled."""
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, window(0))
        assert set(await checkpoint.recall(DAG, ["unknown", *run_ids(0, 5)])) == set(run_ids(0, 5))
        assert await checkpoint.recall(DAG, []) == {}


@pytest.mark.parametrize("fingerprint", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
async def test_fingerprints_keep_all_64_bits(tmp_path: Path, fingerprint: int) -> None:
    """A fingerprint comes back as it was given, over the whole unsigned range."""
    run = SettledRun("manual__ünïcode\ud800", fingerprint, Outcome.ALREADY)
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(Settlement(window(0), [run], {}))
        assert await checkpoint.recall(DAG, [run.run_id]) == {run.run_id: run}


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_every_outcome_is_remembered(tmp_path: Path, outcome: Outcome) -> None:
    """Each outcome of a run comes back as it was settled."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0), outcome))
        known = await checkpoint.recall(DAG, run_ids(0, 5))
    assert {run.outcome for run in known.values()} == {outcome}


async def test_claims_overwrite_what_was_remembered(tmp_path: Path) -> None:
    """Cutting a window gives its claimed runs the outcome and fingerprint that the claim says, whatever they were."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0), Outcome.REJECTED))
        await checkpoint.cut(window(1), [SettledRun(run_ids(0, 1)[0], 7, Outcome.IN_FLIGHT)])
        known = await checkpoint.recall(DAG, run_ids(0, 2))
    assert [(run.fingerprint, run.outcome) for run in known.values()] == [
        (7, Outcome.IN_FLIGHT),
        (2**64 - 2, Outcome.REJECTED),
    ]


async def test_repeated_settlement_changes_nothing(tmp_path: Path) -> None:
    """Settling the same window twice counts its rows once."""
    row = RejectedRow(TASKS, DAG, run_ids(0, 1)[0], "task_id=a", "409")
    once = settlement(window(0), counts={TASKS: Counts(moved=3, already=2, rejected=1)}, rejected=[row])
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(once)
        before = (await checkpoint.totals()).rows
        await checkpoint.settle(once)
        assert (await checkpoint.totals()).rows == before
    assert before[DAG] == {"dag_runs": Counts(moved=5), TASKS: Counts(moved=3, already=2, rejected=1)}


async def test_runs_count_once_over_passes(tmp_path: Path) -> None:
    """DAG runs are counted by what they are now, whatever a settlement says and however often they are settled."""
    counts = {"dag_runs": Counts(moved=99), TASKS: Counts(moved=4)}
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0), Outcome.UNFINISHED, counts))
        await checkpoint.finish_pass(DAG, 1)
        await checkpoint.resume_point(DAG)
        await checkpoint.settle(settlement(window(0, pass_number=2), Outcome.MOVED, counts))
        rows = (await checkpoint.totals()).rows[DAG]
    assert rows == {"dag_runs": Counts(moved=5), TASKS: Counts(moved=8)}


async def test_changed_runs_count_as_rejected(tmp_path: Path) -> None:
    """A run that changed at the source after it was moved is not counted as moved any more."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.settle(settlement(window(0), Outcome.CHANGED))
        assert (await checkpoint.totals()).rows[DAG]["dag_runs"] == Counts(rejected=5)


def _refusals(reason: str, *numbers: int) -> list[RejectedRow]:
    return [RejectedRow(TASKS, DAG, f"scheduled__{number}", "task_id=a", reason) for number in numbers]


async def test_rejected_rows_are_replaced_with_their_run(tmp_path: Path) -> None:
    """A new settlement of a run drops its earlier rejected rows, and leaves those of other runs alone."""
    async with started(tmp_path) as checkpoint:
        first = _refusals("first", 1, 11)
        runs_of_both = [*runs(1, 1, Outcome.REJECTED), *runs(11, 1, Outcome.REJECTED)]
        await checkpoint.settle(Settlement(window(0), runs_of_both, {TASKS: Counts(rejected=2)}, first))
        await checkpoint.settle(Settlement(window(1), runs(1, 1), {}))
        with CheckpointReader.open(tmp_path) as reader:
            assert reader.rejected(10) == _refusals("first", 11)
            assert reader.totals().rows[DAG][TASKS].rejected == 1


async def test_one_entry_may_stand_for_many_rows(tmp_path: Path) -> None:
    """An entry counts as many rejected rows as it says, also when its run is settled again."""
    many = RejectedRow(TASKS, DAG, run_ids(0, 1)[0], "", "its DAG run was rejected", rows=40)
    async with started(tmp_path) as checkpoint:
        for number in (0, 1):
            await checkpoint.settle(Settlement(window(number), runs(0, 5, Outcome.REJECTED), {}, [many]))
        assert (await checkpoint.totals()).rows[DAG][TASKS] == Counts(rejected=40)


async def test_rejected_rows_are_paged(tmp_path: Path) -> None:
    """Rejected rows are read in pages, in a fixed order."""
    async with started(tmp_path) as checkpoint:
        rows = _refusals("r", 0, 1, 2)
        await checkpoint.settle(
            settlement(window(0), Outcome.REJECTED, counts={TASKS: Counts(rejected=3)}, rejected=rows)
        )
    with CheckpointReader.open(tmp_path) as reader:
        assert [reader.rejected(2), reader.rejected(2, offset=2), reader.rejected(2, 4)] == [rows[:2], rows[2:], []]


async def test_window_may_be_cut_again_until_it_is_done(tmp_path: Path) -> None:
    """A window that is not done can be cut differently; a done one cannot."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.cut(window(0, size=9), runs(0, 9))
        await move(checkpoint, window(0, size=4))
        with pytest.raises(ValueError, match="done already"):
            await checkpoint.cut(window(0, size=4), [])
        assert (await checkpoint.resume_point(DAG)).offset == 4


@pytest.mark.parametrize(
    ("stray", "message"),
    [(window(0, size=6), "not the window"), (window(1, pass_number=2), "pass 2 is not open")],
)
async def test_stray_settlement_is_refused(tmp_path: Path, stray: Window, message: str) -> None:
    """A settlement whose place another window has, or whose pass is not open, is a mistake and stores nothing."""
    async with started(tmp_path) as checkpoint:
        await checkpoint.cut(window(0), [])
        with pytest.raises(ValueError, match=message):
            await checkpoint.settle(settlement(stray))
        assert (await checkpoint.totals()).runs == {}


async def test_window_without_an_end_can_be_settled(tmp_path: Path) -> None:
    """Runs that never started have no start date, neither in their window nor where reading goes on."""
    dateless = Window(DAG, 1, 0, 0, 5, None)
    async with started(tmp_path) as checkpoint:
        await move(checkpoint, dateless)
        point = await checkpoint.resume_point(DAG)
    assert (point.next_number, point.end, point.fresh) == (1, None, False)


async def test_every_commit_is_on_disk(tmp_path: Path) -> None:
    """The writing connection waits for the disk: what is marked done survives a power loss."""
    async with started(tmp_path) as checkpoint:
        (synchronous,) = checkpoint._database._connection.execute("PRAGMA synchronous").fetchone()
        (journal,) = checkpoint._database._connection.execute("PRAGMA journal_mode").fetchone()
    assert (synchronous, journal) == (2, "wal")


async def test_job_id_is_kept(tmp_path: Path) -> None:
    """A job has the same uuid after a restart, and another one in another state directory."""
    ids = []
    for directory in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        async with Checkpoint.open(directory, JOB) as checkpoint:
            ids.append(checkpoint.job_id)
    assert ids[0] == ids[1] != ids[2]
