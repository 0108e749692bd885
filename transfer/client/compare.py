"""Compare two rounds of answers: what more requests at once have brought, and whether the server has changed."""

from math import log
from typing import Final

from transfer.client.meter import Round

PAYS: Final = 0.5
"""Of twice as many requests under way the speed must grow at least by this power of it: 1.41 times."""

USED_MORE: Final = 1.2
"""Times as many that must really be under way, for a comparison to say something."""

QUEUES: Final = 1.35
"""Times as slow as an idle server."""

SEEMS: Final = 1.2
"""The same at a glance: then it is worth a closer look."""

SLOWED: Final = 1.6
"""Times as slow as before: then the server has other troubles than us."""

NO_FASTER: Final = 0.8
"""Of the speed before, at most: with more under way than before, being slower is no wonder."""

OTHERS: Final = 1.4
"""Times as costly as before, or as cheap: then other requests are asked for, and what was learnt of steps is old."""


def pays(here: Round, there: Round) -> bool:
    """Tell whether the speed has grown by a good share of what is under way."""
    grown = there.used / here.used
    return grown >= USED_MORE and log(there.speed / here.speed) >= PAYS * log(grown)


def queues(idle: Round, here: Round, slowness: float = QUEUES) -> bool:
    """Tell whether requests wait for each other: then the speed is that of as many as really work at once."""
    return here.slowness > slowness * idle.slowness


def slowed(before: Round, here: Round) -> bool:
    """Tell whether the server is slower for another reason than that it is asked for other things."""
    slower = here.slowness > SLOWED * before.slowness and here.speed < NO_FASTER * before.speed
    return slower and not others(before, here)


def others(before: Round, here: Round) -> bool:
    """Tell whether these are other requests than before, of which less is known."""
    return not 1 / OTHERS < here.cost / before.cost < OTHERS


def room(here: Round, there: Round, above: float) -> float:
    """Return how many times as many as ``here`` are enough, after twice as many did not pay."""
    if there.used / here.used < USED_MORE:
        return 1.0
    return above * min(max(there.speed / here.speed, 1.0), 2.0)
