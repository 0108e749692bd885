"""What the target has of a run, held against a version that the run had at the source."""

from transfer.emulator import TableHistory
from transfer.kinds import CHILDREN, Key, Row

from .truth import RunKey, Version


class Target:
    """What the target has, run by run."""

    def __init__(self, table: TableHistory) -> None:
        self.table = table

    def children(self, key: RunKey) -> dict[str, dict[Key, Row]]:
        """Return the rows of each kind of children of a run by key."""
        return {kind.name: {kind.key_of(row): row for row in self.table.children(kind, *key)} for kind in CHILDREN}

    def run(self, key: RunKey) -> Row | None:
        """Return a run."""
        return self.table.run(*key)


def holds_whole(target: Target, key: RunKey, version: Version) -> str | None:
    """Return what the target lacks of a version of a run, or has differently; None if it has exactly that."""
    run = target.run(key)
    if run is None:
        return "the run is not there"
    if run != version.run:
        return f"the run differs in {_columns(version.run, run)}"
    there = target.children(key)
    for kind, wanted in version.children.items():
        if there[kind] != wanted:
            return f"{kind}: {_difference(wanted, there[kind])}"
    return None


def lacks_keys(target: Target, key: RunKey, version: Version) -> str | None:
    """Return what the target lacks of a version of a run, whatever the values are; None if nothing."""
    if target.run(key) is None:
        return "the run is not there"
    there = target.children(key)
    for kind, wanted in version.children.items():
        missing = wanted.keys() - there[kind].keys()
        if missing:
            return f"{kind} lack {sorted(missing)[:3]}"
    return None


def _columns(wanted: Row, found: Row) -> list[str]:
    return sorted(name for name in wanted if wanted[name] != found.get(name))


def _difference(wanted: dict[Key, Row], found: dict[Key, Row]) -> str:
    differing = sorted(key for key in wanted.keys() & found.keys() if wanted[key] != found[key])
    return (
        f"missing {sorted(wanted.keys() - found.keys())[:3]}, extra {sorted(found.keys() - wanted.keys())[:3]}, "
        f"different {differing[:3]}"
    )


def is_part_of(target: Target, key: RunKey, run: Row, version: Version) -> bool:
    """Tell whether all that the target has of a run is of one version."""
    if run != version.run:
        return False
    return all(
        version.children[kind].get(child) == row
        for kind, rows in target.children(key).items()
        for child, row in rows.items()
    )
