"""``transfer check``: what would not work, and what to do about it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from transfer.cli.logs import set_up_logging
from transfer.cli.options import JobOptions, OutputOptions
from transfer.cli.output import say, say_json
from transfer.cli.session import Sides, open_sides, read_settings
from transfer.client.base import Target
from transfer.client.stack import open_side
from transfer.config.load import secret_warnings
from transfer.config.schedule import check_files
from transfer.config.settings import Endpoint, NoAuth, Settings
from transfer.engine.check import Finding, Level, check_dags, check_database, check_direction, check_side, check_writing
from transfer.engine.logs.check import check_task_logs
from transfer.engine.xcoms.check import check_both
from transfer.errors import ExitCode
from transfer.model import SideName

ANSWER_SECONDS = 20.0
"""How long a check waits for one answer."""

_MARKS = {Level.GOOD: "ok     ", Level.NOTE: "note   ", Level.WARNING: "WARNING", Level.FAILURE: "FAILED "}
_SIDES = ("source", "target")


async def check_job(options: JobOptions, output: OutputOptions) -> int:
    """Print every finding as it comes; return 1 if the job cannot work, else 0."""
    settings = read_settings(options)
    check_files(settings.schedule, settings.state_dir)
    set_up_logging(output)
    failed = False
    async for finding in _findings(settings):
        failed = failed or finding.level is Level.FAILURE
        _show(finding, output)
    return ExitCode.FAILED if failed else ExitCode.DONE


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    for line in secret_warnings(settings):
        yield Finding(Level.WARNING, "target" if line.startswith("target") else "source", line)
    quick = _impatient(settings)
    async with open_sides(quick) as sides:
        stages = (
            _accesses(sides, quick),
            check_direction(sides.source, sides.target),
            check_dags(sides.source, sides.target, quick.selection),
            check_database(sides.target),
            check_writing(sides.target, quick.limits),
            check_task_logs(sides.source, sides.target, quick.limits),
            check_both(sides.source, sides.target),
        )
        usable = True
        for stage in stages:
            async for finding in stage:
                usable = usable and finding.level is not Level.FAILURE
                yield finding
            if not usable:
                return


def _impatient(settings: Settings) -> Settings:
    """Return the settings of somebody who wants to know in seconds."""
    sides = {
        name: side.model_copy(update={"read_timeout": min(side.read_timeout, ANSWER_SECONDS)})
        for name, side in (("source", settings.source), ("target", settings.target))
    }
    return settings.model_copy(update={**sides, "retry": settings.retry.model_copy(update={"attempts": 2})})


async def _accesses(sides: Sides, settings: Settings) -> AsyncIterator[Finding]:
    async for finding in check_side("source", sides.source, _stranger("source", settings.source, settings)):
        yield finding
    async for finding in check_side("target", sides.target, _stranger("target", settings.target, settings)):
        yield finding


def _stranger(name: SideName, endpoint: Endpoint, settings: Settings) -> AbstractAsyncContextManager[Target]:
    """Return the same deployment as somebody without credentials sees it."""
    anonymous = endpoint.model_copy(update={"auth": NoAuth(kind="none"), "headers": {}})
    return open_side(name, anonymous, settings.retry, settings.limits)


def _show(finding: Finding, output: OutputOptions) -> None:
    if output.json:
        say_json({"level": finding.level, "side": finding.side, "text": finding.text, "hint": finding.hint})
        return
    named = finding.text.startswith(_SIDES)  # the text of an error names its side itself
    say(f"{_MARKS[finding.level]}  {finding.text if named else f'{finding.side}: {finding.text}'}")
    if finding.hint:
        say(f"         {finding.hint}")
