"""A disk that is full before the job has begun."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint
from transfer.errors import StateFullError

from .samples import JOB

Resize = Callable[[int], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Resize]]:
    """A file system of a few pages, and what makes it larger; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(*options: str) -> bool:
        command = ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(disk)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  a fixed command

    if os.geteuid() != 0 or not mount("size=16k"):
        pytest.skip("a file system can only be mounted by root")

    def resize(kib: int) -> None:
        assert mount("remount", f"size={kib}k")

    yield disk, resize
    subprocess.run(["/usr/bin/env", "umount", str(disk)], check=True)  # noqa: S603  what was mounted above


async def test_with_room_the_job_begins(small_disk: tuple[Path, Resize]) -> None:
    """Wherever the room ended, what was left behind is no checkpoint, or a whole one."""
    disk, resize = small_disk
    refused = 0
    for number, kib in enumerate(range(16, 200, 4)):
        directory = disk / str(number)
        resize(kib)
        try:
            async with Checkpoint.open(directory, JOB):
                pass
        except StateFullError:
            refused += 1
        resize(8_192)
        async with Checkpoint.open(directory, JOB) as checkpoint:
            assert await checkpoint.plan() == []
        for path in [*directory.iterdir(), directory]:
            path.unlink() if path.is_file() else path.rmdir()
    assert refused > 5
