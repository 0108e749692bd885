"""The kept histories have what they are said to have, and nothing of the machine they were made on."""

import re

import pytest

from tests.live.versions import VERSIONS, Version

from .dump import dump_file, saved
from .features import Tables, features

KEPT = [version for version in VERSIONS if dump_file(version).exists()]
NEEDED = {"2.4.3", "2.8.4", "2.10.5", "2.11.2", "3.1.8"}
PATH = re.compile(r"/(?:tmp|home|root|work|var|Users)/")
DRESSED = re.compile(r"(?:password|secret|token|fernet)[\"']?\s*[:=]", re.IGNORECASE)
LARGEST = 200_000


def test_every_direction_has_its_history() -> None:
    """The versions that the tests move between are all there."""
    assert set(KEPT) >= NEEDED


@pytest.fixture(scope="module", params=KEPT)
def kept(request: pytest.FixtureRequest) -> tuple[Version, Tables]:
    """One history."""
    return Version.of(request.param), saved(request.param)


def test_it_has_every_feature(kept: tuple[Version, Tables]) -> None:
    """Whatever a scheduler can do to a history has been done to it."""
    version, tables = kept
    assert [name for name, has in features(version).items() if not has(tables)] == []


def test_it_says_nothing_of_the_machine(kept: tuple[Version, Tables]) -> None:
    """No path, no host name, no account and no secret got in; pickles and other bytes are looked into, too."""
    _, tables = kept
    values = [value for table in tables.values() for row in table.rows for value in row if value]
    readable = [*values, *(bytes.fromhex(value[2:]).decode(errors="replace") for value in values if value[:2] == "\\x")]

    assert [value for value in readable if PATH.search(value) or DRESSED.search(value)] == []
    records = [row for name in ("task_instance", "task_instance_history") if name in tables
               for row in tables[name].records()]  # fmt: skip
    assert {row["hostname"] for row in records} <= {"worker.example", "", None}
    assert {row["unixname"] for row in records} == {"airflow"}
    assert not {"ab_user", "connection", "variable", "session", "log", "job"} & tables.keys()


def test_it_is_small(kept: tuple[Version, Tables]) -> None:
    """It belongs to the project's files."""
    version, _ = kept
    assert dump_file(str(version)).stat().st_size < LARGEST


@pytest.mark.parametrize("name", sorted(features(Version(2, 11, 2)) | features(Version(3, 1, 8))))
def test_a_feature_can_be_missed(name: str) -> None:
    """No check holds for a history that has nothing in it."""
    check = (features(Version(2, 11, 2)) | features(Version(3, 1, 8)))[name]
    empty = {table: type(rows)(rows.columns, []) for table, rows in saved("2.11.2").items()}
    assert not check(empty)


def test_a_value_is_what_postgresql_says() -> None:
    """A file holds text and nulls, nothing that JSON would have changed."""
    plain = {type(value) for table in saved("3.1.8").values() for row in table.rows for value in row}
    assert plain == {str, type(None)}
