"""The commands: what they are called, what they take, and which exit code an error becomes.

Everything heavy is imported inside the commands: ``--help`` must not wait for an HTTP client.
"""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from transfer import __version__
from transfer.cli.options import JobOptions, OutputOptions
from transfer.errors import ExitCode, TransferError

_EPILOGUE = """
Exit codes: 0 done and complete; 1 failed; 2 usage or configuration; 3 finished, with rejected rows or differences;
4 stopped by a signal, run again to go on; 5 another run holds the state directory.
"""

app = App(
    name="transfer",
    version=__version__,
    help="Move the whole history of one Airflow deployment into another, over HTTP.",
    help_epilogue=_EPILOGUE,
    help_format="plaintext",
)

_FLAG = Parameter(negative=())
_OPTIONS = JobOptions()
_OUTPUT = OutputOptions()


@app.command
def init(path: Path = Path("transfer.toml"), *, force: Annotated[bool, _FLAG] = False) -> int:
    """Write a commented configuration to start from.

    Args:
        path: Where to write it.
        force: Replace a file that is there.
    """
    from transfer.cli.init import write_configuration  # noqa: PLC0415  see above

    return write_configuration(path, force=force)


@app.command
def check(*, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Find out in seconds what would not work: access, versions, rights, sizes, missing or running DAGs.

    Reads on both sides and sends the target requests that store nothing. Exit code 1 if the job cannot work.
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
    """Show what a run would move: DAGs, runs, and a forecast from a few runs that are really read. Writes nothing.

    Args:
        forecast: Read a sample and say how many rows, bytes and hours to expect.
        options: The job.
        output: How to speak.
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.plan import plan_job  # noqa: PLC0415  see above

    return anyio.run(plan_job, options, output, forecast)


@app.command
def run(*, options: JobOptions = _OPTIONS, output: OutputOptions = _OUTPUT) -> int:
    """Move all finished runs with their task instances and task instance history.

    May be stopped or killed at any moment and run again: it goes on where it stopped, and once it is complete another
    run moves only what is new. The first SIGINT or SIGTERM lets what is under way be written, the second stops at once.
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.run import run_job  # noqa: PLC0415  see above

    return anyio.run(run_job, options, output)


@app.command
def status(
    state_dir: Annotated[Path, Parameter(name=["--state-dir", "-s"])] = Path("transfer-state"),
    *,
    rejected: Annotated[bool, _FLAG] = False,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Say how far a job is, whether it runs at the moment or not.

    Args:
        state_dir: The job's state directory.
        rejected: List every rejected row with the reason.
        output: How to speak.
    """
    from transfer.cli.status import show_status  # noqa: PLC0415  see above

    return show_status(state_dir, output, rejected=rejected)


@app.command
def demo(*, runs: int = 400, keep: Path | None = None) -> int:
    """See it work: two emulated deployments, a history, a kill half-way, a resume, a comparison. Takes under a minute.

    Args:
        runs: DAG runs of each of the three DAGs.
        keep: Leave the state directory here instead of removing it.
    """
    import anyio  # noqa: PLC0415  see above

    from transfer.cli.demo import show_demo  # noqa: PLC0415  see above

    return anyio.run(show_demo, runs, keep)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors are said on standard error, never as a traceback."""
    try:
        code = app(arguments, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return ExitCode.USAGE
    except TransferError as error:
        return _said(error)
    except KeyboardInterrupt:
        return ExitCode.STOPPED
    except BrokenPipeError:
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001  a defect of ours must not print a traceback with values in it
        return _said(_defect(error))
    return code if isinstance(code, int) else ExitCode.DONE


def _said(error: TransferError) -> int:
    from transfer.cli.output import say_error  # noqa: PLC0415  see above

    say_error(error)
    return error.exit_code


def _defect(error: Exception) -> TransferError:
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    where = f"{Path(frames.tb_frame.f_code.co_filename).name}:{frames.tb_lineno}" if frames is not None else "?"
    return TransferError(
        f"unexpected {type(error).__name__} at {where}",
        hint="this is a defect of transfer, please report it; the state is safe: run again to go on",
    )
