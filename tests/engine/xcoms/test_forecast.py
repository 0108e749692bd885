"""What task logs and XComs will cost, as a plan says it."""

from pathlib import Path

import pytest

from tests.engine.tables import add_run, history
from tests.engine.worlds import behaviour
from transfer.config.settings import Selection
from transfer.emulator import Answer, Faults
from transfer.emulator.faults import Rule
from transfer.engine.attached.forecast import AttachedForecast, forecast_attached
from transfer.engine.attached.sample import Sample
from transfer.engine.plan import forecast, make_plan
from transfer.model import Attached

from .moving import XComWorld, tasks_of, xcom_world

pytestmark = pytest.mark.anyio


async def forecasts(world: XComWorld) -> dict[Attached, AttachedForecast]:
    """Return what a plan would say."""
    async with world.world.sides() as (source, target):
        plan = await make_plan(source, target, Selection())
        sample = Sample()
        await forecast(source, plan, sample.see)
        return {one.kind: one for one in await forecast_attached(source, target, plan, sample)}


async def test_every_value_and_every_try_costs_its_requests(tmp_path: Path) -> None:
    """Of 40 runs 20 are read: 3 logs each, and 2 values in one of their two task instances."""
    table = history(40)
    async with xcom_world(tmp_path, table) as world:
        for task in tasks_of(table)[::2]:
            world.source.xcoms.put(task, "a", b"1")
            world.source.xcoms.put(task, "b", b"2")
        found = await forecasts(world)
    logs, xcoms = found[Attached.TASK_LOGS], found[Attached.XCOMS]
    assert (logs.pieces, logs.requests, logs.why_not) == (120, 240, "")
    assert xcoms.pieces == 80
    assert xcoms.requests == 40 + 40 + 80  # a list for each run, a read for each that has any, a write for each value
    assert min(logs.seconds, xcoms.seconds) > 0


async def test_dags_without_xcoms_cost_nothing(tmp_path: Path) -> None:
    """The list says so."""
    async with xcom_world(tmp_path, history(30)) as world:
        xcoms = (await forecasts(world))[Attached.XCOMS]
        assert (xcoms.pieces, xcoms.requests, xcoms.why_not) == (0, 0, "")


async def test_where_the_list_is_closed_every_task_instance_is_asked(tmp_path: Path) -> None:
    """And how many values there are is drawn from a few of them."""
    table = history(40)
    async with xcom_world(tmp_path, table) as world:
        for task in tasks_of(table):
            world.source.xcoms.put(task, "a", b"1")
        closed = Answer(403, '{"detail": null, "status": 403}', "application/problem+json")
        route = "api/v1/dags/etl/dagRuns/~/taskInstances/~/xcomEntries"
        world.source.behaviour.faults = Faults([Rule(closed, "GET", route)])
        xcoms = (await forecasts(world))[Attached.XCOMS]
        assert (xcoms.pieces, xcoms.requests) == (80, 80 + 80)


async def test_what_cannot_be_moved_is_said_with_the_reason(tmp_path: Path) -> None:
    """Here logs, outside of Astronomer; the rest is forecast all the same."""
    async with xcom_world(tmp_path, history(3), changes=(behaviour(), behaviour())) as world:
        world.target.logs.astronomer = False
        found = await forecasts(world)
        assert "Astronomer" in found[Attached.TASK_LOGS].why_not
        assert found[Attached.XCOMS].why_not == ""


async def test_a_sample_holds_few_names_however_many_there_are(tmp_path: Path) -> None:
    """Of three runs of a DAG."""
    table = history(0)
    for number in range(30):
        add_run(table, number, tasks=5)
    async with xcom_world(tmp_path, table) as world, world.world.sides() as (source, target):
        sample = Sample()
        await forecast(source, await make_plan(source, target, Selection()), sample.see)
        (of,) = sample.dags.values()
        assert (of.runs, of.tasks, len(of.names)) == (15, 75, 3)
