"""The architecture, held by machine: who may import whom, and what stands where."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import transfer

ROOT = Path(transfer.__file__).parent
LAYERS = (
    ("errors",),
    ("kinds",),
    ("model",),
    ("secrets_registry",),
    ("redact",),
    ("config", "log"),
    ("losses", "shapes"),
    ("capabilities",),
    ("mapping",),
    ("client",),
    ("checkpoint",),
    ("findings",),
    ("progress",),
    ("report",),
    ("engine",),
    ("emulator",),
    ("cli",),
    ("__main__",),
)
"""Lowest first; parts in one layer do not import each other."""

RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
FORBIDDEN = {"emulator": {"engine", "checkpoint", "client"}}
DRIVERS = {"sqlite3": {"checkpoint", "findings"}, "aiohttp": {"client", "emulator", "cli"}}
LONGEST = 400

Edge = tuple[str, str]


def name_of(file: Path, root: Path) -> str:
    """Return the dotted name of a module below ``root``, which itself is ``transfer``."""
    parts = ["transfer", *file.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """Return the first name below ``transfer``, empty for the package itself."""
    return module.split(".")[1] if "." in module else ""


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports, anywhere in it: of ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(root: Path = ROOT) -> dict[str, ast.Module]:
    """Return every module below ``root``, parsed."""
    return {name_of(file, root): ast.parse(file.read_text("utf-8")) for file in sorted(root.rglob("*.py"))}


def edges(modules: dict[str, ast.Module]) -> set[Edge]:
    """Return who imports whom within ``transfer``; a name in a package stands for the package."""
    found = {(module, name) for module, tree in modules.items() for name in imported(tree)}
    return {(module, name) for module, name in found if name in modules and name not in {module, "transfer"}}


def upward(found: set[Edge]) -> list[str]:
    """Return the imports that do not go down."""
    parts = {(part_of(module), part_of(name), f"{module} imports {name}") for module, name in found}
    return sorted(text for low, high, text in parts if low != high and not allowed(low, high))


def allowed(importer: str, name: str) -> bool:
    """Tell whether one part may import another."""
    return RANKS.get(name, 99) < RANKS.get(importer, -1) and name not in FORBIDDEN.get(importer, set())


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    """All modules of the package."""
    return sources()


def test_every_part_has_a_layer(modules: dict[str, ast.Module]) -> None:
    """A new file or package at the top must be given its place in the order."""
    assert {part_of(module) for module in modules} - {""} <= set(RANKS)


def test_imports_go_down(modules: dict[str, ast.Module]) -> None:
    """No part imports one beside or above it, not even inside a function."""
    assert upward(edges(modules)) == []


def test_imports_have_no_cycle(modules: dict[str, ast.Module]) -> None:
    """Within a package, too, imports form no circle."""
    graph: dict[str, set[str]] = {}
    for module, name in edges(modules):
        if not module.startswith(f"{name}."):
            graph.setdefault(module, set()).add(name)
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("importer", "name", "good"),
    [("engine", "client", True), ("client", "engine", False), ("emulator", "client", False), ("log", "config", False)],
)
def test_the_order_is_checked(importer: str, name: str, *, good: bool) -> None:
    """The check itself tells right from wrong."""
    assert (upward({(f"transfer.{importer}.a", f"transfer.{name}.b")}) == []) is good


def test_only_the_cli_prints(modules: dict[str, ast.Module]) -> None:
    """Below the command line nothing writes to the terminal by itself."""
    calls = [(name, node) for name, tree in modules.items() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    printing = {name for name, call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"}
    assert {name for name in printing if part_of(name) != "cli"} == set()


def test_drivers_stay_in_their_parts(modules: dict[str, ast.Module]) -> None:
    """SQL is known to the checkpoint alone, HTTP to the client and the emulator."""
    found = {(name.split(".")[0], part_of(module)) for module, tree in modules.items() for name in imported(tree)}
    assert {(driver, part) for driver, part in found if part not in DRIVERS.get(driver, {part})} == set()


def test_no_file_is_a_drawer(modules: dict[str, ast.Module]) -> None:
    """No module has a name that anything fits under."""
    names = {part for module in modules for part in module.split(".")}
    assert names & {"utils", "util", "common", "helpers", "helper", "misc"} == set()


def test_files_stay_short() -> None:
    """A source file that reaches the ceiling is to be split."""
    lengths = {file.name: len(file.read_text("utf-8").splitlines()) for file in ROOT.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
