"""How pages are cut: order, ties, counts and slices, the same on every Airflow."""

from datetime import datetime, timedelta

import pytest

from transfer.emulator.rows import EPOCH
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

from .server import KEEPS_TRIES, Caller, Contract, one_of_each

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


class PagingContract(Contract):
    """Tests of slices of runs."""

    @_KINDS
    async def test_every_page_past_the_end_is_empty(self, admin: Caller, kind: Kind) -> None:
        """limit=0 and an offset past the end give no rows, but the count."""
        await one_of_each(admin)
        for params in ({"limit": 0}, {"offset": 1}, {"offset": 2**31, "limit": 2**31}):
            said = await admin.get(kind.route, dag_id="d", **params)
            assert said.json() == {"dag_run_count": 1, kind.envelope: []}

    async def test_an_empty_offset_is_zero(self, admin: Caller) -> None:
        """``offset=`` is taken for none."""
        await one_of_each(admin)
        assert len(await admin.rows(DAG_RUNS, offset="")) == 1

    async def test_newest_first_and_null_before_all(self, admin: Caller) -> None:
        """Runs come by start date, newest first, those without one before all others."""
        runs = [admin.make.run("d", number) for number in range(4)]
        runs[2].update(start_date=None, end_date=None, state="queued")
        await admin.store(DAG_RUNS, *runs)
        found = [row["run_id"] for row in await admin.rows(DAG_RUNS)]
        assert found == [runs[number]["run_id"] for number in (2, 3, 1, 0)]

    async def test_ten_runs_by_default(self, admin: Caller) -> None:
        """Without a limit a page is 10 runs."""
        await admin.store(DAG_RUNS, *(admin.make.run("d", number) for number in range(12)))
        said = (await admin.get("dag_runs", dag_id="d")).json()
        assert (len(said["dag_runs"]), said["dag_run_count"]) == (10, 12)

    @pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
    async def test_limit_counts_runs_for_children_too(self, admin: Caller, kind: Kind) -> None:
        """A page of task instances or tries is that of all runs in the slice, whatever their number."""
        runs = [admin.make.run("d", number) for number in range(4)]
        tasks = [admin.make.task(run, f"t{number}") for run in runs for number in range(3)]
        tries = [admin.tried(run, f"t{number}") for run in runs for number in range(3)]
        await admin.store(DAG_RUNS, *runs)
        await admin.store(TASK_INSTANCES, *tasks)
        await admin.store(TASK_INSTANCE_HISTORY, *tries)
        found = await admin.rows(kind, limit=2, offset=1)
        kept = kind is TASK_INSTANCES or admin.release >= KEEPS_TRIES
        wanted = [task for task in tasks if kept and task["run_id"] in (runs[1]["run_id"], runs[2]["run_id"])]
        assert sorted(map(kind.key_of, found)) == sorted(map(kind.key_of, wanted))

    async def test_task_instances_newest_first(self, admin: Caller) -> None:
        """Task instances of a page come by their own start date, newest and null first."""
        run = admin.make.run("d", 1)
        start = datetime.fromisoformat(run["start_date"])
        starts = [str(start + timedelta(seconds=5)), None, str(start)]
        await admin.store(DAG_RUNS, run)
        await admin.store(
            TASK_INSTANCES, *(admin.make.task(run, f"t{at}", start_date=start) for at, start in enumerate(starts))
        )
        assert [row["task_id"] for row in await admin.rows(TASK_INSTANCES)] == ["t1", "t0", "t2"]

    async def test_a_page_of_everything_is_whole_despite_ties(self, admin: Caller) -> None:
        """A page that ends between ties holds each row once."""
        await self._store_ties(admin)
        found = [row["run_id"] for row in await admin.rows(DAG_RUNS, limit=100)]
        assert len(set(found)) == len(found) == 60

    async def test_pages_over_ties_are_the_same_in_every_pass(self, admin: Caller) -> None:
        """On a resting server the same offset and limit give the same rows, whether all ties are met or not."""
        await self._store_ties(admin)
        passes = [
            [row["run_id"] for offset in range(0, 60, 7) for row in await admin.rows(DAG_RUNS, offset=offset, limit=7)]
            for _ in range(2)
        ]
        assert passes[0] == passes[1]
        assert len(passes[0]) == 60

    async def test_windows_that_split_no_tie_lose_nothing(self, admin: Caller) -> None:
        """Slices whose edges lie between start dates cover every run once, for runs and children alike."""
        runs = await self._store_ties(admin)
        await admin.store(TASK_INSTANCES, *(admin.make.task(run, "t") for run in runs))
        for kind in (DAG_RUNS, TASK_INSTANCES):
            pages = [await admin.rows(kind, offset=offset, limit=15) for offset in range(0, 60, 15)]
            found = [row["run_id"] for page in pages for row in page]
            assert sorted(found) == sorted(run["run_id"] for run in runs)

    async def _store_ties(self, admin: Caller) -> list[Row]:
        """Store 60 runs: four start dates that fifteen share each."""
        starts = [str(EPOCH + timedelta(days=100 + number // 15)) for number in range(60)]
        runs = [admin.make.run("d", number, start_date=start) for number, start in enumerate(starts)]
        await admin.store(DAG_RUNS, *runs)
        return runs

    async def test_dags_lists_only_dags_with_a_row(self, admin: Caller) -> None:
        """History without a DAG is served, but GET dags does not mention it."""
        await one_of_each(admin, "listed")
        await one_of_each(admin, "orphan")
        admin.server.list_dag("listed")
        dags = (await admin.get("dags")).json()
        assert [(dag["dag_id"], dag["dag_run_count"]) for dag in dags] == [("listed", 1)]
        assert dags[0].keys() == {*admin.make.dag("listed"), "dag_run_count"}
        assert len(await admin.rows(DAG_RUNS, "orphan")) == 1

    async def test_no_dags_is_an_empty_list(self, admin: Caller) -> None:
        """Without DAGs the answer is an empty JSON list."""
        assert (await admin.get("dags")).body == b"[]"
