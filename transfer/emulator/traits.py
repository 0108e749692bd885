"""How Airflow 2's webserver and its Starship differ from release to release, apart from the tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from transfer.emulator.columns import release_of
from transfer.emulator.schema import Release


class Limit(Enum):
    """What happens to a body of more than 1 MiB."""

    NONE = "it is read"
    ANNOUNCED = "413 when its length is announced; in chunks it is read"
    CUT = "413 when its length is announced; in chunks it is cut; from 983,041 bytes to 1 MiB it is a 500"


@dataclass(frozen=True, slots=True)
class Traits:
    """One release's ways.

    ``opaque``: whatever is no success is the 500 page of an exception that nobody caught, since the answer cannot
    be written; so is a batch that was stored but whose echo shows bytes. ``deferrable_pools``: a pool has
    ``include_deferred``. ``strict_ids``: not every character may stand in a conn_id. ``tries``: earlier tries are
    kept. ``fields``: the stable API lets ask for some fields only. ``stranger`` is the status that it has for
    somebody without login. ``next_name`` is the parameter that tells the login page where to go on, ``quoted``
    whether all of it is percent-encoded. ``viewers_home``: who may not use Starship is sent home, not to the login
    page. ``again`` is where a wrong password leads. ``few_logins``: five in 40 s. ``headers`` are those of every
    answer.
    """

    limit: Limit
    opaque: bool
    deferrable_pools: bool
    strict_ids: bool
    tries: bool
    fields: bool
    stranger: int
    next_name: str
    quoted: bool
    viewers_home: bool
    again: str
    few_logins: bool
    headers: Mapping[str, str]


_HEADERS: Final = {"Server": "gunicorn", "X-Robots-Tag": "noindex, nofollow"}
_NO_STORE: Final = _HEADERS | {"Cache-Control": "no-store"}

_HISTORY: Final[tuple[tuple[Release, dict[str, Any]], ...]] = (
    (
        (2, 4),
        {
            "limit": Limit.NONE,
            "opaque": True,
            "deferrable_pools": False,
            "strict_ids": False,
            "tries": False,
            "fields": False,
            "stranger": 401,
            "next_name": "next",
            "quoted": True,
            "viewers_home": False,
            "again": "/login/",
            "few_logins": False,
            "headers": _HEADERS,
        },
    ),
    ((2, 6), {"opaque": False, "again": "/login/?next=%2Fhome", "few_logins": True}),
    ((2, 7), {"deferrable_pools": True}),
    (
        (2, 8),
        {
            "strict_ids": True,
            "limit": Limit.ANNOUNCED,
            "next_name": "next_url",
            "viewers_home": True,
            "again": "/login/?next_url=%2Fhome",
        },
    ),
    (
        (2, 9),
        {"fields": True, "next_name": "next", "stranger": 403, "again": "/login/?next=%2Fhome", "headers": _NO_STORE},
    ),
    ((2, 10), {"tries": True, "stranger": 401}),
    (
        (2, 11),
        {
            "limit": Limit.CUT,
            "stranger": 403,
            "quoted": False,
            "again": "/login/?next=/home",
            "headers": _NO_STORE | {"Vary": "Cookie"},
        },
    ),
)
"""What changed when, as measured on 2.4.3, 2.6.3, 2.8.4, 2.9.3, 2.10.5 and 2.11.2, logins on these only.

Of 2.5.3 and 2.7.3 the answers of Starship were measured, not the logins. That 2.8.0 has no limit yet and 2.11.0 none
that cuts was only read in Airflow's source, and is not played.
"""


@lru_cache
def traits_of(version: str) -> Traits:
    """Return the ways of a version."""
    merged: dict[str, Any] = {}
    for since, changes in _HISTORY:
        if since <= max(release_of(version), _HISTORY[0][0]):
            merged |= changes
    return Traits(**merged)
