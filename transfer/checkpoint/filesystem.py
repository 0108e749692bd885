"""The state directory: nobody else's, and on a local disk.

Locks and shared memory of SQLite's write-ahead log do not work across machines, so network file systems are refused.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from transfer.errors import StateError

_NETWORK: Final = frozenset(
    {
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)
_MOUNTS: Final = Path("/proc/self/mountinfo")


def make_private(directory: Path) -> None:
    """Make ``directory`` and what is missing above it, for the user alone whatever the umask; raises OSError."""
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    if not directory.is_dir():
        directory.mkdir()


def refuse_network(directory: Path, mounts: Path = _MOUNTS) -> None:
    """Raise ``StateError`` if ``directory`` (which exists) lies on a network file system; never where none can tell."""
    if not mounts.exists():
        return
    kind = _kind_of(directory.resolve(), mounts.read_text(encoding="utf-8", errors="replace").splitlines())
    if kind in _NETWORK:
        raise StateError(
            f"the state directory {directory} lies on a network file system ({kind})",
            hint="use a directory on a local disk or block volume: the checkpoint needs locks that hold",
        )


def _kind_of(directory: Path, mounts: Iterable[str]) -> str:
    found = [(len(point.parts), kind) for point, kind in map(_mount, mounts) if directory.is_relative_to(point)]
    # Of mounts on the same point the last one covers the others: max keeps the first of equals, hence reversed.
    return max(reversed(found), key=lambda one: one[0], default=(0, ""))[1]


def _mount(line: str) -> tuple[Path, str]:
    fields, _, rest = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields.split(" ")[4])
    return Path(point), rest.split(" ")[0]
