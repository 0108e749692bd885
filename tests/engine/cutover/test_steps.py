"""What a cutover does when nothing goes wrong, and where it stops when something takes too long."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.engine.cutover.lives import Life
from transfer.checkpoint.cutover import Step
from transfer.client.switches import Schedule
from transfer.engine.cutover.calm import active_runs
from transfer.engine.cutover.parsed import NotToldError, last_end
from transfer.engine.cutover.sides import CutoverError, Side
from transfer.kinds import Row
from transfer.model import DagInfo, RunPage


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """Both sides in fine weather."""
    return Life(tmp_path)


async def test_exactly_the_dags_that_worked_at_the_source_work_on_the_target(life: Life) -> None:
    """All are paused at the source; one that was unpaused on the target alone is paused there."""
    await life.forward()
    assert life.unpaused == ([], ["busy", "idle", "twin"])
    assert (await life.remembered()).step is Step.DONE


async def test_both_sides_rest_while_the_history_is_moved(life: Life) -> None:
    """Between the two halves nothing is unpaused anywhere."""
    assert await life.prepare()
    assert life.unpaused == ([], [])
    assert (await life.remembered()).step is Step.MOVE


async def test_a_dag_is_not_paused_in_the_middle_of_a_run(life: Life) -> None:
    """It is left alone until its run is over, and what is waited for names the run."""
    life.source.active["busy"] = ["run-7"]
    life.clock.later(5.5, life.source.active.clear)
    life.clock.later(5.0, lambda: life.told.append(f"busy is paused: {life.source.paused['busy']}"))

    await life.prepare()

    assert life.told == ["busy is paused: False"]
    assert "busy: source: runs run-7" in life.waited
    assert life.source.patches.count(("busy", True)) == 1


async def test_a_run_that_begins_in_the_moment_of_pausing_is_let_go_on(life: Life) -> None:
    """The DAG is unpaused again, since its run would stay where it is for ever, and paused when that is over."""

    def begin(_side: object, dag_id: str) -> None:
        if dag_id == "busy" and not life.waited:
            life.source.active["busy"] = ["run-8"]
            life.clock.later(3.5, life.source.active.clear)

    life.source.switched.append(begin)
    life.source.switched.append(lambda _side, _dag: life.source.switched.clear())
    await life.prepare()

    busy = [paused for dag_id, paused in life.source.patches if dag_id == "busy"]
    assert busy == [True, False, True]
    assert life.unpaused == ([], [])


async def test_runs_that_do_not_end_are_named_when_the_time_is_over(life: Life) -> None:
    """The error says what to do, the target stays paused, and another call goes on."""
    life.source.active["busy"] = ["run-9"]
    with pytest.raises(
        CutoverError, match="after 1 minutes, runs of 1 DAGs are still not over:\n  busy: run-9"
    ) as told:
        await life.prepare()
    assert "--undo" in told.value.hint
    assert life.unpaused == (["busy"], [])

    life.source.active.clear()
    await life.forward()
    assert life.unpaused == ([], ["busy", "idle", "twin"])


async def test_runs_of_a_dag_that_was_paused_before_are_only_told_of(life: Life) -> None:
    """They would never end."""
    life.source.active["off"] = ["stuck"]
    await life.forward()
    assert ["off was paused before with runs that are not over" in text for text in life.told] == [True]


async def test_the_target_stays_paused_until_it_has_parsed(life: Life) -> None:
    """A DAG that is not parsed again is named when the time is over, and nothing is unpaused."""
    life.target.schedule["idle"] = Schedule(datetime(2026, 1, 1, tzinfo=UTC), None)
    await life.prepare()
    with pytest.raises(CutoverError, match="not parsed since their history has come: idle"):
        await life.finish()
    assert life.unpaused == ([], [])
    assert "idle: target: not parsed since its history has come" in life.waited

    del life.target.schedule["idle"]
    assert not await life.prepare()  # the history need not be moved again
    await life.finish()
    assert life.unpaused == ([], ["busy", "idle", "twin"])


async def test_a_target_that_does_not_tell_when_it_parses_stays_paused(life: Life) -> None:
    """On Airflow 3 it would make runs of the past."""
    life.target.tells = False
    await life.prepare()
    with pytest.raises(NotToldError):
        await life.finish()
    assert life.unpaused == ([], [])


async def test_an_airflow_2_that_does_not_tell_is_believed(life: Life) -> None:
    """It is said, and the target is unpaused."""
    life.target.tells, life.must_parse = False, False
    await life.forward()
    assert life.unpaused == ([], ["busy", "idle", "twin"])
    assert "does not tell when DAGs were parsed" in life.told[-1]


async def test_a_dag_that_is_not_switched_whatever_is_answered_ends_it(life: Life) -> None:
    """The answer is an echo; only what is read back counts."""
    life.source.ignored.add("idle")
    with pytest.raises(CutoverError, match="source: idle cannot be paused"):
        await life.prepare()


async def test_a_dag_that_a_side_does_not_list_any_more_ends_it(life: Life) -> None:
    """It is named, with the side."""
    await life.prepare()
    del life.target.paused["idle"]
    with pytest.raises(CutoverError, match="target: does not list idle any more"):
        await life.finish()


async def test_an_undo_restores_both_sides(life: Life) -> None:
    """Only what was unpaused on both sides stays paused on the target."""
    await life.forward()
    assert await life.undo()
    assert life.unpaused == (["busy", "idle", "twin"], ["off"])
    assert "twin was unpaused on both sides before" in life.told[-1]
    assert not await life.undo()


async def test_an_undo_tells_which_runs_of_the_target_stay_in_their_middle(life: Life) -> None:
    """The target has to rest first, whatever it is at."""
    await life.forward()
    life.target.active["idle"] = ["new"]
    await life.undo()
    assert "target: idle was paused in the middle of runs" in life.told[0]


async def test_after_an_undo_a_cutover_begins_anew(life: Life) -> None:
    """It remembers how everything is then."""
    await life.forward()
    await life.undo()
    life.source.paused["idle"] = True
    await life.forward()
    assert life.unpaused == ([], ["busy", "twin"])


async def test_an_undo_goes_on_without_dags_that_are_gone(life: Life) -> None:
    """All others are put back, and these are named."""
    await life.forward()
    del life.target.paused["idle"]
    with pytest.raises(CutoverError, match="idle was not put back"):
        await life.undo()
    assert life.unpaused == (["busy", "twin"], ["off"])


async def test_an_undo_that_was_begun_is_to_be_ended_first(life: Life) -> None:
    """A cutover does not begin in the middle of one."""
    await life.forward()
    life.target.ignored.add("busy")
    with pytest.raises(CutoverError, match="target: busy cannot be paused"):
        await life.undo()
    with pytest.raises(CutoverError, match="an undo of this cutover was begun"):
        await life.prepare()
    assert life.unpaused[0] == []


async def test_runs_are_looked_through_where_airflows_own_api_is_closed() -> None:
    """Starship shows all runs of a DAG, in pages."""
    rows = [{"run_id": f"r{number}", "state": "success"} for number in range(700)]
    rows[650]["state"] = "queued"
    closed = _Closed(rows)
    assert await active_runs(Side("source", closed, closed), ["a"]) == {"a": ["r650"]}


async def test_the_last_interval_is_that_of_scheduled_runs() -> None:
    """Manual runs move no pointer."""
    rows: list[Row] = [
        {"run_type": "manual", "data_interval_end": "2026-03-01T00:00:00+00:00"},
        {"run_type": "scheduled", "data_interval_end": "2026-01-02T00:00:00+00:00"},
        {"run_type": "scheduled", "data_interval_end": None, "run_after": "2026-01-03T00:00:00+00:00"},
        {"run_type": "scheduled", "data_interval_end": "nonsense"},
    ]
    assert await last_end(_Closed(rows), "a") == datetime(2026, 1, 3, tzinfo=UTC)


class _Closed:
    """A side that shows runs through Starship only."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    async def dags(self) -> list[DagInfo]:
        return []

    async def dag_runs(self, _dag_id: str, *, offset: int, limit: int) -> RunPage:
        return RunPage(self._rows[offset : offset + limit], len(self._rows))

    async def set_paused(self, dag_id: str, *, paused: bool) -> None:
        raise NotImplementedError

    async def active_runs(self, _dag_ids: object) -> None:
        return None

    async def schedules(self) -> None:
        return None
