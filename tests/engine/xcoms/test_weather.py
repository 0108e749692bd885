"""Answers that get lost, sides that fail, and jobs that are stopped: each value there once, or reported."""

import json
from pathlib import Path

import pytest

from tests.engine.tables import history
from tests.engine.worlds import behaviour
from transfer.emulator import Answer, Behaviour, Exchange, Faults, Reset, TableHistory, web_page
from transfer.emulator.faults import Rule
from transfer.engine.stop import Stop
from transfer.engine.xcoms.carrier import MOST_LOST, MOST_STRIKES
from transfer.errors import UnavailableError, UnexpectedAnswerError
from transfer.kinds import TASK_INSTANCES

from .moving import DAG, XComWorld, tasks_of, xcom_world

pytestmark = pytest.mark.anyio


def sides(source: Rule | None = None, target: Rule | None = None) -> tuple[Behaviour, Behaviour]:
    """Return two servers with a fault each."""
    rules = [[source] if source else [], [target] if target else []]
    left, right = (behaviour(faults=Faults(list(faults))) for faults in rules)
    return left, right


def on(action: object, method: str, *numbers: int) -> Rule:
    """Return a fault on requests for XComs with these numbers, on all without any."""
    return Rule(action, method, "xcom", nth=numbers or None)  # type: ignore[arg-type]  # one of the actions


def fill(world: XComWorld, table: TableHistory) -> None:
    """Give every task instance two values."""
    for number, task in enumerate(tasks_of(table)):
        world.source.xcoms.put(task, "return_value", b"%d" % number)
        world.source.xcoms.put(task, "other", b'"x"')


@pytest.mark.parametrize("action", [Reset(), Reset(after=True), Answer(500), Answer(502, after=True), Answer(503)])
async def test_a_lost_answer_counts_once(tmp_path: Path, action: object) -> None:
    """Whether the value was stored or not, it is there once at the end, and counts as moved."""
    table = history(1)
    async with xcom_world(tmp_path, table, changes=sides(target=on(action, "POST", 2))) as world:
        fill(world, table)
        ending = await world.move()
        assert ending.problems == {}
        assert world.arrived() == world.source.xcoms.values
        assert (await world.counted())["moved"] == 4


async def test_an_answer_that_is_always_lost_is_reported_and_tried_again_by_the_next_run(tmp_path: Path) -> None:
    """All else moves; the next run sends only what lacks."""
    table = history(2)
    numbers = range(1, 1 + MOST_LOST)
    async with xcom_world(tmp_path, table, changes=sides(target=on(Answer(500), "POST", *numbers))) as world:
        fill(world, table)
        await world.move(xcoms_at_once=1)
        (row,) = world.rejected()
        assert f"tried {MOST_LOST} times" in row.reason
        before = world.writes()
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        assert world.rejected() == []
        assert world.writes() - before == 2  # both values of that task instance


async def test_a_page_instead_of_an_answer_is_a_lost_one(tmp_path: Path) -> None:
    """A proxy's login page with status 200 proves nothing."""
    table = history(1)
    async with xcom_world(tmp_path, table, changes=sides(target=on(web_page(), "POST", 1))) as world:
        fill(world, table)
        await world.move()
        assert world.arrived() == world.source.xcoms.values


async def test_a_source_that_fails_on_one_task_instance_holds_up_no_other(tmp_path: Path) -> None:
    """It is reported, and the next run takes it up."""
    table = history(3)
    async with xcom_world(tmp_path, table, changes=sides(on(Answer(502), "GET", 1, 2, 3))) as world:
        fill(world, table)
        await world.move(xcoms_at_once=1)
        assert len(world.arrived()) == 5
        assert len(world.rejected()) == 1
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        assert world.rejected() == []


async def test_a_list_that_is_closed_to_us_only_costs_requests(tmp_path: Path) -> None:
    """Every task instance is asked then, whether it has any or not."""
    table = history(3)
    closed = Rule(Answer(403, '{"detail": null, "status": 403}', "application/problem+json"), "GET", None)
    left, right = behaviour(faults=OnLists([closed])), behaviour()
    async with xcom_world(tmp_path, table, changes=(left, right)) as world:
        task = tasks_of(table)[0]
        world.source.xcoms.put(task, "k", b"1")
        await world.move()
        assert world.arrived() == {task: {"k": b"1"}}
        assert world.lists() == 2  # once more after a login
        assert world.reads() == 6


async def test_a_list_that_fails_for_one_run_only_costs_requests(tmp_path: Path) -> None:
    """As where a value of that run cannot be read by the server."""
    table = history(2, tasks=4)
    async with xcom_world(tmp_path, table) as world:
        tasks = tasks_of(table)
        world.source.xcoms.put(tasks[0], "bad", b"\x80\x04N.")
        world.source.xcoms.put(tasks[5], "k", b"1")
        await world.move()
        assert world.arrived() == {tasks[5]: {"k": b"1"}}
        assert world.reads() == 4 + 1


async def test_a_run_that_is_sent_anew_gets_its_xcoms_anew(tmp_path: Path) -> None:
    """What hung on the version that was removed went with it."""
    table = history(3)
    async with xcom_world(tmp_path, table) as world:
        fill(world, table)
        await world.move()
        _, run_id, *_ = tasks_of(table)[0]
        table.clear_run(DAG, run_id)
        table.move_run(DAG, run_id, start_date="2026-01-01 00:00:00+00:00", state="success")
        for row in table.children(TASK_INSTANCES, DAG, run_id):
            row.update(state="success")
        for task in tasks_of(table)[:2]:
            world.source.xcoms.put(task, "return_value", b'"anew"')
        await world.world.run()  # sees that it has changed
        await world.move()
        async with world.world.checkpoint() as checkpoint:
            await checkpoint.replace_changed([DAG])
        await world.world.run(replace=True)
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        assert world.rejected() == []


async def test_what_a_server_repeats_of_a_value_is_in_no_reason(tmp_path: Path) -> None:
    """Starship echoes the whole request in its errors."""
    table = history(1)
    canary = "canary-9c8b7a"
    body = json.dumps({"error": "Data Error", "error_message": canary, "kwargs": {"value": canary}})
    async with xcom_world(tmp_path, table, changes=sides(target=on(Answer(400, body), "POST", 1))) as world:
        fill(world, table)
        await world.move()
        (row,) = world.rejected()
        assert canary not in row.reason


class OnLists(Faults):
    """Faults on the list of XComs only."""

    def pick(self, method: str, route: str) -> object:  # type: ignore[override]  # whatever it picks
        """Return what happens to a request."""
        return super().pick(method, route) if route.endswith("xcomEntries") else None


async def test_a_dead_target_ends_the_job_and_the_next_goes_on(tmp_path: Path) -> None:
    """With the error of the side; what had arrived is not sent again."""
    table = history(6)
    async with xcom_world(tmp_path, table) as world:
        fill(world, table)
        rules = [Rule(Reset(), "POST", "xcom", nth=range(5, 10_000)), Rule(Reset(), "GET", "info", nth=range(3, 100))]
        world.target.behaviour.faults = faults = Faults(rules)
        with pytest.raises(UnavailableError):
            await world.move(xcoms_at_once=2)
        faults.rules.clear()
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        counted = await world.counted()
        assert counted["moved"] + counted.get("already", 0) == 24


async def test_a_target_that_refuses_everything_ends_the_job(tmp_path: Path) -> None:
    """A read-only database must not make a rejected row of each value."""
    table = history(40)
    body = '{"error": "Data Error", "error_message": "DataError(nobody knows)"}'
    async with xcom_world(tmp_path, table, changes=sides(target=on(Answer(400, body), "POST"))) as world:
        fill(world, table)
        with pytest.raises(UnexpectedAnswerError, match="in a row were refused"):
            await world.move()
        assert world.writes() < MOST_STRIKES + 20


async def test_a_task_instance_that_the_target_has_no_more_is_reported(tmp_path: Path) -> None:
    """Its values have no place; the reason says so."""
    table = history(2)
    async with xcom_world(tmp_path, table) as world:
        fill(world, table)
        assert isinstance(world.target.history, TableHistory)
        task = tasks_of(table)[0]
        world.target.history.remove_run(DAG, task[1])
        await world.move()
        assert len(world.rejected()) == 4
        assert {row.run_id for row in world.rejected()} == {task[1]}


async def test_a_stopped_job_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was settled is remembered within a run, too: nothing is asked for twice."""
    table = history(1, tasks=60)
    async with xcom_world(tmp_path, table) as world:
        fill(world, table)
        stop = Stop()

        async def after_twenty(exchange: Exchange) -> None:
            if (exchange.method, exchange.route) == ("GET", "xcom") and world.reads() == 20:
                stop.request()

        world.source.behaviour.on_request = after_twenty
        ending = await world.move(stop=stop, xcoms_at_once=1)
        assert ending.stopped
        assert 20 <= world.reads() < 60
        await world.move()
        assert world.reads() == 60
        assert world.writes() == 120
        assert world.arrived() == world.source.xcoms.values
        assert (await world.counted())["moved"] == 120


async def test_a_killed_job_sends_again_only_what_was_not_remembered(tmp_path: Path) -> None:
    """Everything stops at once, as after a second signal or a kill: the rest arrives later, nothing is doubled."""
    table = history(5, tasks=4)
    async with xcom_world(tmp_path, table) as world:
        fill(world, table)
        stop = Stop()

        async def die(exchange: Exchange) -> None:
            if (exchange.method, exchange.route) == ("POST", "xcom") and world.writes() == 23:
                stop.everything.cancel()

        world.target.behaviour.on_request = die
        assert (await world.move(stop=stop, xcoms_at_once=2)).stopped
        await world.move()
        assert world.arrived() == world.source.xcoms.values
        counted = await world.counted()
        assert counted["moved"] + counted.get("already", 0) == 40
        assert world.writes() <= 40 + 2 * 2  # the two task instances that were under way, at most


async def test_at_most_so_many_task_instances_are_under_way(tmp_path: Path) -> None:
    """As ``limits.xcoms_at_once`` says."""
    table = history(3, tasks=6)
    async with xcom_world(tmp_path, table) as world:
        fill(world, table)
        under_way = 0
        most = 0

        async def count(exchange: Exchange) -> None:
            nonlocal under_way, most
            if exchange.method == "GET" and exchange.route == "xcom":
                under_way += 1
                most = max(most, under_way)

        def done(exchange: Exchange) -> None:
            nonlocal under_way
            if exchange.method == "GET" and exchange.route == "xcom":
                under_way -= 1

        world.source.behaviour.on_request = count
        world.source.behaviour.on_done = done
        await world.move(xcoms_at_once=2)
        assert 1 <= most <= 2
