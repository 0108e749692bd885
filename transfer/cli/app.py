"""The commands: what they are called and what they take.

Everything heavy is imported inside the commands: ``--help`` must not wait for an HTTP client.
"""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from transfer import __version__
from transfer.cli.config_app import config
from transfer.cli.cutover_options import CutoverOptions
from transfer.cli.options import JobOptions, LogOptions, OutputOptions, RepairOptions, VerifyOptions, XComOptions
from transfer.cli.undo_options import UndoOptions

_HELP = """
Move the whole history of one Airflow deployment into another, over HTTP.

The history is DAG runs, task instances and their tries. Both sides need the Starship plugin and an account that may
use it; nobody needs a database. It usually goes `transfer init`, `check`, `plan`, `run`. Variables, connections and
pools go with `transfer config`.
"""

_EPILOGUE = """
Exit codes of every command:

- 0: done, and complete
- 1: failed, or cannot work
- 2: wrong usage or configuration
- 3: finished, with rejected rows or differences
- 4: stopped by a signal or the stop file; run again to go on
- 5: another run holds the state directory
"""

app = App(
    name="transfer",
    version=__version__,
    help=_HELP,
    help_epilogue=_EPILOGUE,
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)

_FLAG = Parameter(negative=(), show_default=False)
_OPTIONS = JobOptions()
_OUTPUT = OutputOptions()
_VERIFY = VerifyOptions()
_REPAIR = RepairOptions()
_UNDO = UndoOptions()
_LOGS = LogOptions()
_CUTOVER = CutoverOptions()
_XCOMS = XComOptions()

app.command(config)

_FEWEST_RUNS = 30
"""So that the demonstration has something to kill half-way."""


@app.command
def init(path: Path = Path("transfer.toml"), *, force: Annotated[bool, _FLAG] = False) -> int:
    """Write a commented configuration to start from.

    It explains every key and holds no secret: passwords and tokens are named there (an environment variable, a file or
    a command), not written.

    Args:
        path: Where to write it.
        force: Replace a file that is there.
    """
    from transfer.cli.init import write_configuration  # noqa: PLC0415  see above

    return write_configuration(path, force=force)


@app.command
def check(*, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Find out in seconds what would not work: access, versions, rights, sizes, missing or running DAGs.

    Reads on both sides and sends the target requests that store nothing. Ends with exit code 1 if the job cannot work;
    a WARNING does not stop it.

    Example: `transfer check --config prod.toml`
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.check import check_job  # noqa: PLC0415  see above

    return anyio.run(check_job, options, output)


@app.command
def plan(
    *,
    forecast: Annotated[bool, Parameter(negative="--no-forecast")] = True,
    options: JobOptions = _OPTIONS,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Show what a run would move: DAGs, runs, and a forecast from a few runs that are really read.

    Writes nothing, on neither side nor in the state directory. Ends with exit code 1 if there is nothing to move.

    Example: `transfer plan --dag 'etl_*' --since 2026-01-01`

    Args:
        forecast: Read a sample and say how many rows, bytes and hours to expect.
        options: The job.
        output: How to speak.
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.plan import plan_job  # noqa: PLC0415  see above

    return anyio.run(plan_job, options, output, forecast)


@app.command
def run(
    *,
    replace_changed: Annotated[bool, _FLAG] = False,
    yes: Annotated[bool, _FLAG] = False,
    logs: Annotated[bool, _FLAG] = False,
    xcoms: Annotated[bool, _FLAG] = False,
    options: JobOptions = _OPTIONS,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Move all finished runs with their task instances and their tries.

    May be stopped or killed at any moment and run again: it goes on where it stopped, and once it is complete another
    run moves only what is new. The first SIGINT or SIGTERM lets what is under way be written (at most 10 seconds), the
    second stops at once. While a file `pause` is in the state directory, and outside of `schedule.hours`, nothing new
    is begun; a file `stop` there stops the job, and keeps it from starting. SIGHUP reads
    [source.limits], [target.limits] and [schedule] of the configuration again, other changes wait for the next run; a
    file `limits.toml` in the state directory changes the limits of the sides, too.

    The state directory remembers the job and belongs to it: another source, target or selection needs another one.

    Progress goes to standard error (a table on a terminal, else a line every 10 seconds, or `--every`), the result to
    standard output. With `--json` both are JSON objects on standard output, and log lines are JSON on standard error.

    Example: `transfer run --config prod.toml --state-dir /var/lib/transfer/prod`

    Args:
        replace_changed: Afterwards remove the runs from the target that have changed at the source since they were
            moved (cleared, run again), and send them anew. Shows them and asks first.
        yes: Agree to that beforehand.
        logs: Afterwards move their task logs, as `transfer logs` does.
        xcoms: Afterwards move their XComs, as `transfer xcoms` does.
        options: The job.
        output: How to speak.
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.following import follow, preflight  # noqa: PLC0415  see above
    from transfer.cli.replace import move_and_replace  # noqa: PLC0415  see above
    from transfer.cli.run import run_job  # noqa: PLC0415  see above

    if replace_changed:
        code = move_and_replace(options, output, yes=yes)
    else:
        code = anyio.run(run_job, options, output, preflight(logs=logs, xcoms=xcoms))
    return follow(code, options, output, logs=logs, xcoms=xcoms)


@app.command
def logs(*, logs: LogOptions = _LOGS, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Move the task logs of all runs that the job has moved, byte by byte, every try.

    Airflow 2.8 to 2.11 on both sides, on Astronomer, where Starship serves and takes logs: `transfer check` says
    whether it does. Airflow 2.11 takes no log of 1 MiB or more: those are listed as rejected, with their size, unless
    its allowed_payload_size was raised and `limits.log_bytes` says so. What the target has of such a run is
    overwritten. A log that the source does not have is counted, and no error.

    May be stopped or killed at any moment and run again: it goes on where it stopped, and sends again at most the logs
    that were under way. Takes the configuration and the state directory of the job; pauses, limits and signals hold as
    in `run`.

    Example: `transfer logs --config prod.toml --verify-logs`
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.logs_command import logs_job  # noqa: PLC0415  see above

    return anyio.run(logs_job, logs, options, output)


@app.command
def xcoms(*, xcoms: XComOptions = _XCOMS, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Move the XComs of all runs that the job has moved.

    Airflow 2.8 to 2.11 on both sides. Each value is a request; `transfer plan` says how many and how long that takes.
    A value is never replaced: what the target has stays. Values that Starship cannot serve as they are (of a Python
    type, such as a tuple or a date; pickled ones) are not sent unless `--doubtful` is given, nor are those that are too
    large for the target: they are listed as rejected rows with the reason, and exit code 3. The time at which a value
    was written is not carried.

    May be stopped or killed at any moment and run again: it goes on where it stopped, and what is done is not asked for
    again. Takes the configuration and the state directory of the job; pauses, limits and signals hold as in `run`.

    Example: `transfer xcoms --config prod.toml`
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.xcoms_command import xcoms_job  # noqa: PLC0415  see above

    return anyio.run(xcoms_job, xcoms, options, output)


@app.command
def verify(
    *, comparison: VerifyOptions = _VERIFY, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT
) -> int:
    """Compare both sides row by row, whoever moved the history; writes nothing on either side.

    Takes the same configuration as `run`, and none of its state (but refuses the directory of another job). Every
    finished run of the selection is compared with all its rows: = the same, * differs, + missing on the target, - only
    on the target, ! unreadable. What Airflow's plugin cannot carry is counted, and no difference. Runs that are not
    over are left out.

    May be stopped or killed at any moment and run again: it goes on where it stopped. Ends with exit code 3 if anything
    differs; the differences stay in the state directory, for `transfer verify --list`.

    Example: `transfer verify --config prod.toml --sample 5%`
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.verify import verify_job  # noqa: PLC0415  see above

    return anyio.run(verify_job, comparison, options, output)


@app.command
def repair(*, repair: RepairOptions = _REPAIR, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Do something about what the last `transfer verify` found: send what lacks, replace what differs.

    A run that the target lacks is sent, one of which it lacks rows is completed. One that has other rows there, or
    more, is removed from the target, with everything that hangs on it, and sent anew. Runs that only the target has
    stay unless `--delete-extra` is given, unreadable ones always. Shows what it will do and asks first.

    May be stopped or killed at any moment and run again: it goes on where it stopped. `--dag` and `--exclude-dag`
    narrow down what was found; the selection is the job's. Needs the right to delete DAG runs on the target.

    Example: `transfer repair --config prod.toml --dry-run`
    """
    from transfer.cli.repair import repair_job  # noqa: PLC0415  see above

    return repair_job(repair, options, output)


@app.command
def undo(*, undo: UndoOptions = _UNDO, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Remove from the target what the job has written there: its runs, with all that hangs on them.

    Looks first, on both sides: a run is removed if the target still shows what the source's run becomes there. Left,
    and named, is one that somebody has cleared or changed on the target since, and one that the source has no more or
    in another version, unless `--delete-gone` is given. What the target had before the job is never touched. Shows the
    count of each DAG and asks.

    May be stopped or killed at any moment and run again: it goes on where it stopped. `--dag` and `--exclude-dag`
    narrow it down. Needs the right to delete DAG runs on the target. Ends with exit code 3 if anything had to be left,
    or if nobody agreed. Afterwards `transfer run` would move everything again.

    Example: `transfer undo --config prod.toml --dry-run`
    """
    from transfer.cli.undo import undo_job  # noqa: PLC0415  see above

    return undo_job(undo, options, output)


@app.command
def cutover(
    *, cutover: CutoverOptions = _CUTOVER, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT
) -> int:
    """Hand the DAGs over: pause them on the source, move what is new, unpause them on the target.

    Needs a job that has moved the history. Each DAG is paused on the source when none of its runs is under way. The
    target stays paused until its history is complete and it has parsed the DAGs since; then exactly those are unpaused
    that were unpaused at the source. At no moment are both sides unpaused by this. Shows what it will do and asks
    first.

    May be stopped or killed at any moment and run again: it goes on where it stopped. `--undo` puts the pause states of
    both sides back as they were, also in the middle and afterwards. `run`'s configuration, state directory and
    selection hold.

    Example: `transfer cutover --config prod.toml --dry-run`
    """
    from transfer.cli.cutover import cutover_job  # noqa: PLC0415  see above

    return cutover_job(cutover, options, output)


@app.command
def status(
    state_dir: Annotated[Path | None, Parameter(name=["--state-dir", "-s"])] = None,
    *,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    rejected: Annotated[bool, _FLAG] = False,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Say how far a job is, whether it runs at the moment or not.

    Only reads the state directory; asks neither deployment. Ends with exit code 0 whatever the job's state is, and with
    1 if there is no job.

    Example: `transfer status /var/lib/transfer/prod --rejected`

    Args:
        state_dir: The job's state directory. Default: the configuration's, else transfer-state.
        config: Configuration file that names the state directory. Default: transfer.toml if it exists.
        rejected: List every rejected row with the reason.
        output: How to speak.
    """
    from transfer.cli.status import find_schedule, find_state_dir, show_status  # noqa: PLC0415  see above

    found, schedule = find_state_dir(state_dir, config), find_schedule(state_dir, config)
    return show_status(found, output, rejected=rejected, schedule=schedule)


@app.command
def demo(*, runs: Annotated[int, Parameter(validator=Number(gte=_FEWEST_RUNS))] = 400, keep: Path | None = None) -> int:
    """See it work: two emulated deployments, a history, a kill half-way, a resume, a comparison.

    Needs no Airflow and nothing to be configured. Takes a few seconds.

    Args:
        runs: DAG runs of each of the three DAGs; 30 or more.
        keep: Leave the configuration and the state directory in this folder instead of removing them.
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.demo import show_demo  # noqa: PLC0415  see above

    return anyio.run(show_demo, runs, keep)
