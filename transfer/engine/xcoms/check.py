"""Whether XComs can be moved between two deployments at all, and why not."""

from collections.abc import AsyncIterator
from typing import Final

from transfer.capabilities import Capabilities, capabilities
from transfer.client.xcoms import TaskName
from transfer.engine.check import Finding, Level
from transfer.engine.xcoms.holders import Holders
from transfer.engine.xcoms.side import XComSide
from transfer.errors import SideError, UnsupportedError

_WHY: Final = {
    True: "Starship does not know XComs there, and what Airflow's own API stores, tasks read back as text",
    False: "Starship serves and takes them from Airflow 2.8 on",
}
NOBODYS: Final = TaskName("transfer_probe", "probe", "probe", -1)
"""A task instance that nobody has."""

CLOSED: Final = "Airflow's stable REST API does not list XComs to us: every task instance has to be asked for its own"
LET_IN: Final = (
    'to move XComs with fewer requests give the account "can read on XComs", and let [api] auth_backends take the login'
)
_HINT: Final = "move the history without them; tasks that read the XComs of earlier runs have to be run again"


def check_versions(source: Capabilities, target: Capabilities) -> None:
    """Raise ``UnsupportedError`` if XComs cannot be moved on one of the two."""
    for side in (source, target):
        if not side.moves_logs:
            said = f"XComs cannot be moved with {side.name}: {_WHY[side.is_airflow_3]}"
            raise UnsupportedError(side.side, said, hint=_HINT)


async def check_xcoms(source: XComSide, target: XComSide) -> Capabilities:
    """Return what the target can do; raises as ``check_versions``, or another ``SideError``."""
    pair = capabilities("source", await source.info()), capabilities("target", await target.info())
    check_versions(*pair)
    return pair[1]


async def check_both(source: XComSide, target: XComSide) -> AsyncIterator[Finding]:
    """Yield whether XComs can be moved, and what makes that slow; nothing is stored.

    That they cannot is no more than a NOTE: they are moved only on request.
    """
    try:
        await check_xcoms(source, target)
        left, right = await source.xcoms(), await target.xcoms()
        for side in (left, right):
            (await side.read(NOBODYS)).close()
        holders = Holders(left, source.info)
        await holders.count(NOBODYS.dag_id)
    except (UnsupportedError, SideError) as error:
        yield Finding(Level.NOTE, "source" if error.side == "source" else "target", error.message, error.hint)
        return
    yield Finding(Level.GOOD, "target", "takes XComs")
    if holders.closed:
        yield Finding(Level.NOTE, "source", CLOSED, LET_IN)
