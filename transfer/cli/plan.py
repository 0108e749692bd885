"""``transfer plan``: what a run would move."""

from dataclasses import asdict

from transfer.cli.logs import set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import say, say_json
from transfer.cli.session import open_sides, read_settings
from transfer.engine.attached.forecast import AT_ONCE, TIMED, AttachedForecast, forecast_attached
from transfer.engine.attached.sample import Sample
from transfer.engine.plan import WRITE_RATE, Forecast, Plan, forecast, make_plan
from transfer.errors import ExitCode
from transfer.model import Attached
from transfer.report import duration, size, table


async def plan_job(options: JobOptions, output: OutputOptions, with_forecast: bool) -> int:  # noqa: FBT001  anyio.run passes no keywords
    """Print the plan; nothing is written on either side, nor in the state directory.

    Return 1 if there is nothing that a run could move.
    """
    settings = read_settings(options)
    set_up_logging(output)
    async with open_sides(settings, warn_of_wait) as sides:
        plan = await make_plan(sides.source, sides.target, settings.selection)
        expected, attached, sample = None, [], Sample()
        if with_forecast and plan.dags:
            expected = await forecast(sides.source, plan, sample.see)
            attached = await forecast_attached(sides.source, sides.target, plan, sample)
    if output.json:
        _as_json(plan, expected, attached)
    else:
        _as_text(plan, expected, attached)
    return ExitCode.DONE if plan.dags else ExitCode.FAILED


def _as_json(plan: Plan, expected: Forecast | None, attached: list[AttachedForecast]) -> None:
    say_json(
        {
            "dags": [asdict(dag) for dag in plan.dags],
            "left_out": plan.left_out,
            "not_carried": [asdict(loss) for loss in plan.mapping.left_behind],
            "notes": plan.notes,
            "runs": plan.run_count,
            "forecast": asdict(expected) if expected else None,
            "attached": [asdict(one) for one in attached],
        }
    )


def _as_text(plan: Plan, expected: Forecast | None, attached: list[AttachedForecast]) -> None:
    notes = {(True, True): "", (True, False): "not on the target", (False, True): "not listed by the source"}
    rows = [
        (dag.dag_id, f"{dag.run_count:,}", notes.get((dag.listed, dag.on_target), "on neither list"))
        for dag in plan.dags
    ]
    for line in table(("DAG", "runs", ""), [*rows, (f"{len(plan.dags)} DAGs", f"{plan.run_count:,}", "")]):
        say(line)
    for dag_id, reason in plan.left_out.items():
        say(f"left out: {dag_id}: {reason}")
    for note in plan.notes:
        say(f"note: {note}")
    if expected is None:
        return
    say()
    say(f"forecast from {expected.sampled_runs} runs that were read:")
    say(f"  {expected.rows:,} rows, {size(expected.size)}")
    say(f"  reading one page at a time: {duration(expected.read_seconds)}")
    say(f"  writing at {WRITE_RATE:,} rows/s, which is an assumption: {duration(expected.write_seconds)}")
    say("  unfinished runs and other dates or states than the selected ones are counted, but will not be moved")
    for one in attached:
        say(f"  {_COMMANDS[one.kind]}: {_cost(one)}")
    if any(not one.why_not for one in attached):
        say(f"  {_ASSUMED}")


def _cost(one: AttachedForecast) -> str:
    if one.why_not:
        return one.why_not
    what, beside = _PIECES[one.kind]
    return f"about {one.pieces:,} {what}, {one.requests:,} requests, {duration(one.seconds)}{beside}"


_COMMANDS = {Attached.TASK_LOGS: "task logs (transfer logs)", Attached.XCOMS: "XComs (transfer xcoms)"}
_PIECES = {
    Attached.TASK_LOGS: ("logs", " and the time that their bytes take, which nobody can ask for"),
    Attached.XCOMS: ("values", ""),
}
_ASSUMED = (
    f"assumed of these: {AT_ONCE} requests at once on each side, each as long as the quickest of {TIMED} just now,"
    " and a write as long as a read"
)
