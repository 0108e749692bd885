"""One run per state directory, and readers welcome."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from transfer.checkpoint import Checkpoint, CheckpointReader, Holder
from transfer.checkpoint.lock import DirectoryLock, holder
from transfer.errors import ExitCode, StateLockedError

from .processes import killed, lines, victim
from .samples import JOB, started
from .victim import DAG
from .victim import JOB as ITS_JOB


async def _open_and_close(directory: Path) -> None:
    async with Checkpoint.open(directory, ITS_JOB):
        pass


def test_second_process_is_turned_away(tmp_path: Path) -> None:
    """Another process holds the directory: the error says which and exits with 5; killed, it holds it no longer."""
    with victim(tmp_path) as process:
        with pytest.raises(StateLockedError, match=f"process {process.pid} on {socket.gethostname()}") as caught:
            asyncio.run(_open_and_close(tmp_path))
        assert caught.value.exit_code == ExitCode.LOCKED
        assert "status" in caught.value.hint
        killed(process)
        asyncio.run(_open_and_close(tmp_path))


async def test_second_checkpoint_in_this_process_is_turned_away(tmp_path: Path) -> None:
    """The lock holds within one process too, and is free after closing."""
    async with Checkpoint.open(tmp_path, JOB):
        with pytest.raises(StateLockedError, match=f"process {os.getpid()}"):
            async with Checkpoint.open(tmp_path, JOB):
                pass
    async with Checkpoint.open(tmp_path, JOB):
        pass


def test_reading_while_another_process_writes(tmp_path: Path) -> None:
    """A reader sees what was acknowledged while a writer goes on, and who that is; it disturbs neither."""
    with victim(tmp_path) as process:
        for acknowledged in (5, 10, 15):
            lines(process, 5)
            with CheckpointReader.open(tmp_path) as reader:
                totals = reader.totals()
                assert totals.windows_done >= acknowledged
                assert totals.rows[DAG]["task_instances"].moved == totals.windows_done
                assert reader.running_pid() == Holder(process.pid, socket.gethostname())


async def test_reader_sees_one_moment(tmp_path: Path) -> None:
    """A reader that stays open sees what was settled meanwhile, for it holds no transaction between its answers."""
    async with started(tmp_path) as checkpoint:
        with CheckpointReader.open(tmp_path) as reader:
            first = await checkpoint.begin_invocation()
            await checkpoint.end_invocation(first, 3)
            await checkpoint.begin_invocation()
            assert [(one.number, one.exit_code) for one in reader.invocations()] == [(1, 3), (2, None)]
            assert reader.job() == JOB
            assert reader.plan() == await checkpoint.plan()


def test_asking_for_the_holder_takes_nothing(tmp_path: Path) -> None:
    """The holder is nobody without a file, after a release and after a crash that left its words behind."""
    path = tmp_path / "lock"
    assert holder(path) is None
    lock = DirectoryLock(path)
    assert holder(path) == Holder(os.getpid(), socket.gethostname())
    lock.release()
    assert holder(path) is None
    path.write_text("123 elsewhere\n")
    assert holder(path) is None
    DirectoryLock(path).release()
