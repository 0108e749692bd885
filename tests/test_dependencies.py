"""What is installed with us: declared, with floors above known faults, and nothing else is imported."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = re.compile(r"[A-Za-z0-9_.-]+")
PARTS = {"pydantic_core": "pydantic", "_pytest": "pytest", "multidict": "aiohttp", "yarl": "aiohttp"}
"""Modules that come with a package of another name."""

OURS = {"transfer", "tests", "benchmarks"}
SUPPLIED = {"airflow", "astronomer_starship", "sqlalchemy", "flask"}
"""What code that the live tests run inside of a real Airflow finds there."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest version that may be installed, and what is wrong with older ones."""

    version: str
    reason: str
    below: str = ""
    """The first version that is not known to work, where there is an upper limit."""


FLOORS = {
    "aiohttp": Floor("3.14.3", "older ones read beyond the heap in the C response parser (GHSA-cq5v-8q36-5273)", "4"),
    "aiolimiter": Floor("1.2.1", "the oldest that was tried", "2"),
    "anyio": Floor("4.9", "what Airflow 3.0 pins; the oldest that was tried", "5"),
    "cyclopts": Floor("5.4", "results as exit codes", "6"),
    "orjson": Floor("3.10.18", "what Airflow 3.0 pins; the oldest that was tried"),
    "pydantic": Floor("2.11", "what Airflow 3.0 pins; the oldest that was tried", "3"),
    "rich": Floor("13.9", "Airflow 2's Flask-Limiter wants rich below 14; the oldest that was tried", "16"),
    "stamina": Floor("25.2", "custom waits from the hook"),
    "structlog": Floor("25.3", "what Airflow 3.0 pins; the oldest that was tried"),
}
"""No vulnerability data is at hand without a network: this table is what was looked up when the floors were chosen."""


def declared(requirements: Iterable[str]) -> dict[str, str]:
    """Return requirements as name and versions."""
    names = {requirement: NAME.match(requirement) for requirement in requirements}
    return {name[0].lower(): requirement[name.end() :] for requirement, name in names.items() if name}


def number(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared."""
    return tuple(int(part) for part in version.split("."))


def imported(folder: Path) -> Iterator[str]:
    """Yield the packages that the modules below ``folder`` import, wherever in them."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            yield from (PARTS.get(top, top) for name in names if (top := name.partition(".")[0]))


@pytest.mark.parametrize("package", FLOORS)
def test_floors_are_above_known_faults(package: str) -> None:
    """What is declared lets nobody install a version that is known to be wrong, nor one that nobody has tried."""
    versions = declared(PROJECT["dependencies"])[package]
    floor = re.search(r">=([0-9.]+)", versions)
    assert floor, FLOORS[package].reason
    assert number(floor[1]) >= number(FLOORS[package].version), FLOORS[package].reason
    assert not FLOORS[package].below or f"<{FLOORS[package].below}" in versions


def test_every_dependency_has_its_floor() -> None:
    """A new dependency has to be looked up before it is declared."""
    assert declared(PROJECT["dependencies"]).keys() == FLOORS.keys()


def test_the_program_imports_what_it_declares() -> None:
    """It imports nothing that only happens to be installed, and declares nothing that it does not need."""
    packages = set(imported(ROOT / "transfer")) - OURS - sys.stdlib_module_names
    assert packages == FLOORS.keys()


def test_tests_import_what_is_declared() -> None:
    """The tests and benchmarks, too, find all they need after one installation."""
    extras = declared(PROJECT["optional-dependencies"]["test"]).keys() | FLOORS.keys()
    packages = {*imported(ROOT / "tests"), *imported(ROOT / "benchmarks")} - OURS - SUPPLIED - sys.stdlib_module_names
    assert packages - {name.replace("-", "_") for name in extras} == set()
