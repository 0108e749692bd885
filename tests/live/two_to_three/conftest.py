"""A history made by a real Airflow 2 scheduler, moved by the real program into an Airflow 3."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.conftest import available
from tests.live.histories.load import load_history
from tests.live.histories.make import DAG_FILE
from tests.live.job import Job, Result
from tests.live.pairs import EVERYTHING
from tests.live.rig import Rig, boot_pair

SOURCES = ("2.11.2", "2.10.5", "2.8.4") if EVERYTHING else ("2.11.2",)
"""Airflow 3 itself upgrades databases of 2.7 and later only."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Both sides after the move, and what the program said of it."""

    rig: Rig
    result: Result


@pytest.fixture(scope="session", params=SOURCES)
def moved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """The sides, once for all tests: each leaves the history as it found it."""
    with available(boot_pair(request.param, "3.1.8")) as rig:
        yield Moved(rig, _move(rig, tmp_path_factory.mktemp("two_to_three")))


def _move(rig: Rig, folder: Path) -> Result:
    with rig.source.connect() as conn:
        load_history(conn, str(rig.source.version))
    rig.target.parse({DAG_FILE.name: DAG_FILE.read_text(encoding="utf-8")})
    return Job(rig.source, rig.target, folder).run()
