"""Asks an Airflow 3 for every page about everything in its history: REST API v2 and what its own interface reads.

The pages are those that the installed Airflow itself lists. Each is asked for with every DAG, run, task instance, map
index and try that its path or query can name, so that a value which breaks a page is found wherever it is.
"""

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

from tests.live.install import Install
from tests.live.login import fetch
from tests.live.rig import Side

from .pages import LISTS, NO_PAGES, POSTED, QUERIES, Query

Connection = psycopg.Connection[tuple[Any, ...]]
Names = Mapping[str, str]
_PLACE = re.compile(r"{(\w+)}")
_PAGE = re.compile(r"^  (/\S+):\n((?:    .*\n|\n)*)", re.MULTILINE)
EVERY = "~"
OK = 200


def pages(install: Install) -> list[str]:
    """Return the paths that this Airflow answers GET on, with names such as `{dag_id}` in them."""
    library = next((install.cache / "venv" / "lib").glob("python*")) / "site-packages"
    folder = library / "airflow" / "api_fastapi" / "core_api" / "openapi"
    files = ("_private_ui.yaml", "v2-rest-api-generated.yaml")
    found = itertools.chain.from_iterable(_PAGE.findall((folder / file).read_text()) for file in files)
    return [path for path, methods in found if "    get:" in methods and path not in NO_PAGES]


@dataclass(frozen=True, slots=True)
class History:
    """What can be named in a path: DAGs, runs, task instances and tries that are in the database."""

    levels: Sequence[tuple[frozenset[str], Sequence[Names]]]

    @classmethod
    def of(cls, conn: Connection) -> "History":
        """Read what there is."""
        tries = _read(
            conn,
            "SELECT dag_id, run_id, task_id, map_index, try_number FROM task_instance"
            " UNION SELECT dag_id, run_id, task_id, map_index, try_number FROM task_instance_history",
            ("dag_id", "run_id", "task_id", "map_index", "try_number"),
        )
        runs = _read(conn, "SELECT dag_id, run_id FROM dag_run", ("dag_id", "run_id"))
        levels = [(), ("dag_id",), ("dag_id", "run_id"), ("dag_id", "run_id", "task_id")]
        levels += [(*levels[-1], "map_index"), (*levels[-1], "map_index", "try_number")]
        return cls([(frozenset(level), _distinct(level, [*runs, *tries])) for level in levels])

    def names(self, wanted: frozenset[str]) -> Sequence[Names]:
        """Return every combination of the names in `wanted` that is in the history."""
        return next(found for names, found in self.levels if wanted <= names)


def _read(conn: Connection, query: str, names: Sequence[str]) -> list[Names]:
    rows = conn.execute(query).fetchall()
    return [dict(zip(names, map(str, row), strict=True)) for row in rows]


def _distinct(level: Sequence[str], found: Sequence[Names]) -> list[Names]:
    whole = {tuple(names[name] for name in level) for names in found if all(name in names for name in level)}
    return [dict(zip(level, values, strict=True)) for values in sorted(whole)]


_SAME = {"dag_run_id": "run_id", "task_try_number": "try_number"}
_FIXED = {"xcom_key": "return_value", "version_number": "1", "asset_id": "1"}


def requests(paths: Sequence[str], lists: Sequence[tuple[str, Query]], history: History) -> Iterator[tuple[str, str]]:
    """Give each page with each request for it; pages with names that are no history's are left out."""
    for path in paths:
        places = [_SAME.get(place, place) for place in _PLACE.findall(path) if place not in _FIXED]
        for query in QUERIES.get(path, ({},)):
            wanted = frozenset(places) | {name for name, value in query.items() if value is None}
            if wanted <= history.levels[-1][0]:
                for names in history.names(wanted):
                    yield path, _request(path, query, names)
    for path, query in lists:
        yield path, _request(path, query, {"dag_id": EVERY, "run_id": EVERY, "task_id": EVERY})


def _request(path: str, query: Mapping[str, str | None], names: Names) -> str:
    def fill(place: re.Match[str]) -> str:
        name = place[1]
        return quote(_FIXED.get(name) or names[_SAME.get(name, name)], safe=EVERY)

    filled = _PLACE.sub(fill, path)
    asked = urlencode({name: names[name] if value is None else value for name, value in query.items()})
    return f"{filled}?{asked}" if asked else filled


@dataclass(slots=True)
class Swept:
    """What was answered.

    Args:
        answers: how often each page answered with which status.
        broken: answers other than 200 and 404, as status, request and start of the answer.
        totals: how many rows a list says that there are, by page.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    totals: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def pages_with(self, status: int) -> set[str]:
        """Return the pages that answered with this status at least once."""
        return {page for page, answered in self.answers if answered == status}

    def note(self, page: str, request: str, answer: HTTPResponse, body: bytes) -> None:
        """Count one answer."""
        self.answers[page, answer.status] += 1
        if answer.status not in (200, 404):
            self.broken.append((answer.status, request, body[:300].decode(errors="replace")))


def sweep(side: Side, conn: Connection, only: Sequence[str] | None = None) -> Swept:
    """Ask for everything, or for some pages only, and return what was answered."""
    swept, headers = Swept(), side.headers() | {"Accept": "application/json", "Content-Type": "application/json"}
    asked = pages(side.install) if only is None else only
    lists = LISTS if only is None else ()
    for page, request in requests(asked, lists, History.of(conn)):
        swept.note(page, request, *fetch(side.url, request, headers=headers))
    for page, wanted in POSTED if only is None else ():
        answer, body = fetch(side.url, page, method="POST", body=json.dumps(wanted).encode(), headers=headers)
        swept.note(page, f"{page} with {wanted}", answer, body)
        swept.totals[page].add(json.loads(body)["total_entries"] if answer.status == OK else -1)
    return swept
