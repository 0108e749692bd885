"""The flags of ``transfer undo``."""

from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Parameter

_FLAG: Final = Parameter(negative=(), show_default=False)


@Parameter(name="*")
@dataclass(frozen=True)
class UndoOptions:
    """What an undo may do."""

    yes: Annotated[bool, _FLAG] = False
    """Agree beforehand to what is shown."""
    dry_run: Annotated[bool, _FLAG] = False
    """Only show what would be removed, and what would be left."""
    delete_gone: Annotated[bool, _FLAG] = False
    """Also remove runs that the source has no more, or has in another version by now."""
