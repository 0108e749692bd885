"""``transfer config diff``: what the target lacks or has otherwise."""

from collections.abc import Mapping, Sequence

import anyio

from transfer.checkpoint.replacements import Replacement, read_replacements
from transfer.cli.config_options import KindOptions, NameOptions, SidesOptions
from transfer.cli.config_show import environment_json, show_environment, show_steps
from transfer.cli.config_sides import chosen, open_objects
from transfer.cli.logs import set_up_logging
from transfer.cli.options import OutputOptions
from transfer.cli.session import read_settings
from transfer.client.objects import OBJECT_KINDS
from transfer.config.settings import Settings
from transfer.engine.configuration.compare import Mark
from transfer.engine.configuration.copy import read_both
from transfer.engine.configuration.environ import compare_environments
from transfer.engine.configuration.plan import Choice, OnConflict, Step, make_steps
from transfer.errors import ExitCode


def show_diff(sides: SidesOptions, kinds: KindOptions, names: NameOptions, output: OutputOptions) -> int:
    """Show both sides and return the exit code; raises ``TransferError``."""
    settings, choice = read_settings(sides.job), chosen(kinds, names)
    set_up_logging(output)
    under_way = read_replacements(settings.state_dir, settings.source.url, settings.target.url)
    steps, marks = anyio.run(_look, settings, choice, under_way, not kinds.kind)
    more = {"environment": environment_json(marks)} if not kinds.kind else {}
    show_steps(steps, under_way, output, **more)
    show_environment(marks, output)
    lacking = any(step.compared.mark in {Mark.MISSING, Mark.DIFFERS} for step in steps)
    return ExitCode.INCOMPLETE if lacking or under_way else ExitCode.DONE


async def _look(
    settings: Settings,
    choice: Choice,
    under_way: Sequence[Replacement],
    environment: bool,  # noqa: FBT001  handed over by anyio.run, which takes no keywords
) -> tuple[list[Step], Mapping[str, Mark]]:
    """Return a step for each object, and how the environment variables stand to each other if they are wanted."""
    async with open_objects(settings) as sides:
        kinds = OBJECT_KINDS if under_way else choice.kinds
        both = await read_both(sides.source, sides.target, sides.capabilities, kinds)
        steps = make_steps(both, choice, OnConflict.SKIP, under_way)
        if not environment:
            return steps, {}
        marks = compare_environments(await sides.source.environment(), await sides.target.environment())
        return steps, {name: mark for name, mark in marks.items() if choice.takes(name)}
