"""The flags of a cutover."""

from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Parameter
from cyclopts.validators import Number

from transfer.config.settings import Selection
from transfer.errors import ConfigError

_PLAIN: Final = Parameter(negative=(), show_default=False)
_MOST_MINUTES: Final = 10_080


@Parameter(name="*")
@dataclass(frozen=True)
class CutoverOptions:
    """What a cutover may do, and how long it waits."""

    yes: Annotated[bool, _PLAIN] = False
    """Agree beforehand to what is shown."""
    dry_run: Annotated[bool, _PLAIN] = False
    """Only show what would be done."""
    undo: Annotated[bool, _PLAIN] = False
    """Put the pause states of both sides back as they were before the cutover."""
    wait: Annotated[float, Parameter(validator=Number(gte=0, lte=_MOST_MINUTES))] = 60.0
    """Minutes to wait for runs to end on the source, and again for the target to parse its DAGs."""
    accept_rejected: Annotated[bool, _PLAIN] = False
    """Unpause the target even if it has rejected rows."""

    def check(self, selection: Selection) -> None:
        """Raise ``ConfigError`` for a selection that leaves out runs which the target's scheduler would make anew."""
        states = {"success", "failed"} - set(selection.states)
        problems = []
        if selection.until is not None:
            problems.append("selection.until: the newest runs are left out, and the target's scheduler would make them")
        if states:
            problems.append(f"selection.states: runs that are {states.pop()} are left out, and may be made anew")
        if problems:
            raise ConfigError(problems, hint="a cutover needs a job that moves all new runs of its DAGs")
