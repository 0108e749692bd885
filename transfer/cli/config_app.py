"""``transfer config``: the commands for variables, connections, pools and environment variables."""

from pathlib import Path

from cyclopts import App

from transfer.cli.config_options import CopyOptions, FileOptions, KindOptions, NameOptions, SidesOptions
from transfer.cli.options import OutputOptions

config = App(
    name="config",
    help="Compare and copy variables, connections and pools; write environment variables into a file.",
    help_format="markdown",
)

_SIDES = SidesOptions()
_NAMES = NameOptions()
_KINDS = KindOptions()
_COPY = CopyOptions()
_FILE = FileOptions()
_OUTPUT = OutputOptions()


@config.command
def diff(
    *,
    sides: SidesOptions = _SIDES,
    kinds: KindOptions = _KINDS,
    names: NameOptions = _NAMES,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Show what the target lacks or has otherwise; writes nothing.

    Of each object the name is shown and, where it differs, the names of the fields, never a value of a variable or a
    connection: + missing on the target, * differs, - only on the target. Environment variables are compared by name,
    without those that belong to a machine or a deployment itself, unless `--kind` is given.

    Ends with exit code 3 if the target lacks an object, or has one otherwise; environment variables, and what only the
    target has, do not matter for that.

    Example: `transfer config diff --kind connections --name 'snowflake_*'`
    """
    from transfer.cli.config_diff import show_diff  # noqa: PLC0415  see app

    return show_diff(sides, kinds, names, output)


@config.command
def copy(
    *,
    copying: CopyOptions = _COPY,
    sides: SidesOptions = _SIDES,
    kinds: KindOptions = _KINDS,
    names: NameOptions = _NAMES,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Write to the target which variables, connections and pools it lacks, after showing them and asking.

    Values go from one side to the other through memory only, encrypted there with the target's own key. What the target
    has otherwise stays as it is, or is replaced with `--on-conflict replace`: removed and written anew; should that
    fail, the old one is put back, and should the program die in between, the next `transfer config copy` completes it.
    A pool that differs is never touched: the command that changes it is shown.

    May be stopped at any moment and run again. Ends with exit code 3 if anything was refused, or is left otherwise.

    Example: `transfer config copy --dry-run`
    """
    from transfer.cli.config_copy import copy_objects  # noqa: PLC0415  see app

    return copy_objects(copying, sides, kinds, names, output)


@config.command
def env(
    file: Path,
    *,
    wanted: FileOptions = _FILE,
    sides: SidesOptions = _SIDES,
    names: NameOptions = _NAMES,
    output: OutputOptions = _OUTPUT,
) -> int:
    """Write the source's environment variables that the target lacks, or has otherwise, into a file of yours.

    Nobody can set them from outside: give the file to whatever starts the target. It holds secrets in clear text, is
    readable for you alone (mode 0600) and is never shown. Left out is what belongs to a machine, a process or a
    deployment itself (PATH, the Fernet key, the database), unless it is asked for by its full name.

    Example: `transfer config env target.env --name 'AIRFLOW_VAR_*'`

    Args:
        file: Where to write them; must not exist.
        wanted: What the file is like.
        sides: The deployments.
        names: Which variables.
        output: How to speak.
    """
    from transfer.cli.config_env import write_environment  # noqa: PLC0415  see app

    return write_environment(file, wanted, sides, names, output)
