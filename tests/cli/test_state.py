"""State directories that belong to somebody else, are damaged, full or not ours to write."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from transfer.checkpoint.opening import DATABASE
from transfer.emulator import compare

from .calling import Command, ended, process
from .deployments import Pair

LITTLE_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
from transfer.cli.main import invoke
sys.exit(invoke(sys.argv[1:]))
"""
"""The program where no file may grow beyond some pages."""


def test_another_source(transfer: Command, pair: Pair) -> None:
    """Exit code 2 with both URLs."""
    transfer("run", "--config", pair.config())
    said = transfer("run", "--config", pair.config(source__url="http://127.0.0.1:9"))
    assert said.code == 2
    assert "the state directory belongs to another job" in said.err
    assert f"  source: there {pair.source.url}, here http://127.0.0.1:9\n" in said.err


def test_another_selection(transfer: Command, pair: Pair) -> None:
    """Exit code 2 with both selections."""
    transfer("run", "--config", pair.config())
    said = transfer("run", "--config", pair.config(), "--dag", "dag_0001")
    assert said.code == 2
    assert 'selection: there {"dags":["*"]' in said.err
    assert 'here {"dags":["dag_0001"]' in said.err
    assert "use another state directory" in said.err


@pytest.mark.parametrize("damage", [b"", b"this is no database at all" * 400])
def test_a_damaged_checkpoint(transfer: Command, pair: Pair, damage: bytes) -> None:
    """Exit code 1 from ``run`` and ``status``, the file's name, and what to do with the directory."""
    transfer("run", "--config", pair.config())
    (pair.state_dir / DATABASE).write_bytes(damage)
    for command in ("run", "status"):
        said = transfer(command)
        assert said.code == 1
        assert f"{pair.state_dir / DATABASE} cannot be read" in said.err
        assert "move the state directory away" in said.err


def test_a_file_where_the_directory_should_be(transfer: Command, pair: Pair) -> None:
    """Exit code 1 with the path."""
    pair.state_dir.write_text("in the way", encoding="utf-8")
    said = transfer("run", "--config", pair.config())
    assert said.code == 1
    assert f"{pair.state_dir} cannot be a directory" in said.err


def test_a_directory_that_cannot_be_written(transfer: Command, pair: Pair) -> None:
    """Exit code 1 with the path and the reason."""
    said = transfer("run", "--config", pair.config(), "--state-dir", "/proc/transfer")
    assert said.code == 1
    assert "/proc/transfer/checkpoint.sqlite3 cannot be written: " in said.err
    assert "make it writable" in said.err


def test_a_directory_of_somebody_else(transfer: Command, pair: Pair) -> None:
    """A read-only directory says so, to anybody but root, who may write everywhere."""
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    pair.state_dir.mkdir(mode=0o500)
    said = transfer("run", "--config", pair.config())
    assert (said.code, "Permission denied" in said.err) == (1, True)


def test_a_file_that_may_not_grow(transfer: Command, large: Pair) -> None:
    """Exit code 1 in the middle of the job, what to do, and nothing lost once there is room."""
    config = large.config(limits__window_runs=2)
    with process("run", "--config", config, script=("-c", LITTLE_FILES)) as started:
        said = ended(started)
    assert said.code == 1, said.out
    assert f"the checkpoint {large.state_dir / DATABASE} cannot be written: " in said.err
    assert "make room" in said.err
    assert transfer("run", "--config", config).code == 0
    assert compare(large.source.history, large.table) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:  # noqa: S603  a fixed command
        pytest.skip("a file system can only be mounted by root")
    yield disk
    subprocess.run(["/usr/bin/env", "umount", str(disk)], check=True)  # noqa: S603  what was mounted above


def test_a_full_disk(transfer: Command, large: Pair, small_disk: Path) -> None:
    """Exit code 1 with what to do; with room again the same command completes the job."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 128 * 1024)
    config = large.config(limits__window_runs=2)
    said = transfer("run", "--config", config, "--state-dir", small_disk / "state")
    assert (said.code, "make room" in said.err) == (1, True), said.err
    ballast.unlink()
    subprocess.run(["/usr/bin/env", "mount", "-o", "remount,size=8m", str(small_disk)], check=True)  # noqa: S603  as above
    assert transfer("run", "--config", config, "--state-dir", small_disk / "state").code == 0
    assert compare(large.source.history, large.table) == []


def test_the_state_holds_no_row_and_no_secret(transfer: Command, pair: Pair) -> None:
    """What is kept are ids and counts; nothing of the configuration's auth, and no value of a row."""
    transfer("run", "--config", pair.config())
    content = b"".join(file.read_bytes() for file in pair.state_dir.rglob("*"))
    assert b"SOURCE_PASSWORD" not in content
    assert b"task_0000" not in content
    assert json.dumps({"dags": ["*"]}, separators=(",", ":"))[:-1].encode() in content
