"""``transfer run --replace-changed``: an ordinary run, and then another one for what has changed since it was moved."""

from dataclasses import dataclass

import anyio

from transfer.checkpoint import Checkpoint, CheckpointReader, PlannedDag
from transfer.cli.confirm import REMOVES, check_can_ask, confirm
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import say, say_json
from transfer.cli.run import carry_out, run_job
from transfer.cli.session import Sides, read_settings, rereading
from transfer.engine.repair import check_removal
from transfer.errors import ExitCode
from transfer.report import table


def move_and_replace(options: JobOptions, output: OutputOptions, *, yes: bool) -> int:
    """Move what is selected, replace the runs that changed since they were moved, and return the exit code.

    Raises ``NotConfirmedError`` before anything is moved if nobody could be asked, or ``TransferError`` if the job had
    to end early.
    """
    check_can_ask(output, REMOVES, yes=yes)
    code = anyio.run(run_job, options, output)
    if code not in {ExitCode.DONE, ExitCode.INCOMPLETE}:
        return code
    settings = read_settings(options)
    with CheckpointReader.open(settings.state_dir) as reader:
        changed, foreign = reader.changed_runs(), reader.changed_not_ours()
    if not changed:
        return code
    _show(changed, foreign, output)
    if not confirm(f"Remove {sum(changed.values()):,} runs from the target and send them anew?", yes=yes):
        say("nothing was replaced")
        return code
    marking = _Marking(frozenset(changed))
    return anyio.run(carry_out, settings, output, marking, (), rereading(options))


@dataclass(frozen=True, slots=True)
class _Marking:
    """Marks what has changed in some DAGs."""

    dag_ids: frozenset[str]

    async def __call__(self, sides: Sides, checkpoint: Checkpoint, dags: list[PlannedDag]) -> list[PlannedDag]:
        chosen = [dag for dag in dags if dag.dag_id in self.dag_ids]
        await check_removal(sides.target, [dag.dag_id for dag in chosen])
        await checkpoint.replace_changed([dag.dag_id for dag in chosen])
        return chosen


def _show(changed: dict[str, int], foreign: int, output: OutputOptions) -> None:
    if output.json:
        say_json({"event": "changed", "runs": changed, "not_by_this_job": foreign})
        return
    say()
    say("runs that the target has in another version, which are to be removed there and sent anew:")
    for line in table(("DAG", "runs"), [(dag_id, f"{count:,}") for dag_id, count in changed.items()]):
        say(f"  {line}")
    if foreign:
        say(f"of these, {foreign:,} are not known to have been written by this job")
