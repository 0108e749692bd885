"""Task logs between real deployments, judged by the files in their log folders."""

import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.contract.logs import LogsContract
from tests.contract.server import Caller, Server, calling

from .conftest import available
from .environment import OFTEN, WebOptions
from .job import Job
from .later import add_run
from .pairs import ALL_VARIABLE, EVERYTHING
from .real_server import RealServer
from .rig import Connection, Rig, boot_pair
from .seed import register_dags, seed_history

LOGS = WebOptions(task_logs=True, environment=OFTEN.environment)
LARGEST = 900_000
AT_ONCE = 8
"""What the configuration says by default."""

ODD = ("a+b", "x:y 1", "grün ✓", "100%", "q?x=1#y&z")
MISSING_EVERY = 9

_TRIES = """
    SELECT run_id, task_id, map_index, number FROM (
        SELECT dag_id, run_id, task_id, map_index, generate_series(1, try_number) AS number FROM task_instance
        WHERE start_date IS NOT NULL
        UNION
        SELECT dag_id, run_id, task_id, map_index, try_number FROM task_instance_history
    ) AS tries JOIN dag_run USING (dag_id, run_id)
    WHERE dag_id = %s AND dag_run.state IN ('success', 'failed') ORDER BY run_id, task_id, map_index, number
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[Rig]:
    """Two sides of 2.11, each with a log folder of its own."""
    with available(boot_pair("2.11.2", "2.11.2", LOGS, LOGS)) as running:
        yield running


def moved(rig: Rig, folder: Path, *, runs: int, tasks: int = 5, wide: int = 40) -> tuple[Job, dict[str, bytes]]:
    """Move a history, and write its logs at the source; return the job and the logs by path.

    They have 0 bytes to 900 KB, most are small, and some are missing.
    """
    rig.reset()
    for side in (rig.source, rig.target):
        shutil.rmtree(side.home / "logs")
        (side.home / "logs").mkdir()
    with rig.source.connect() as source, rig.target.connect() as target:
        seeded = seed_history(source, dags=1, runs=runs, tasks=tasks, wide=wide)
        for name in ODD:
            add_run(source, seeded.dag_ids[0], name)
        register_dags(target, seeded.dag_ids)
        logs = write_logs(source, rig.source.home / "logs", seeded.dag_ids[0])
    job = Job(rig.source, rig.target, folder)
    assert job.run().code == 0
    return job, logs


def write_logs(source: Connection, folder: Path, dag_id: str) -> dict[str, bytes]:
    """Write a log for each try that began but every ninth."""
    random, written = Random(dag_id), {}  # noqa: S311 - the same each time
    for number, (run_id, task_id, map_index, attempt) in enumerate(source.execute(_TRIES, [dag_id]).fetchall()):
        if number % MISSING_EVERY == 0:
            continue
        size = random.choice([0, 1, 300, 5_000, 20_000, 20_000, 65_536, 100_000]) if number % 50 else LARGEST
        mapped = "" if map_index < 0 else f"map_index={map_index}/"
        path = f"dag_id={dag_id}/run_id={run_id}/task_id={task_id}/{mapped}attempt={attempt}.log"
        written[path] = random.randbytes(size)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(written[path])
    return written


def stored(rig: Rig) -> dict[str, bytes]:
    """Return all logs of the target by path, and remove them."""
    folder = rig.target.home / "logs"
    found = {path: path.read_bytes() for path in folder.rglob("*.log")}
    for path in found:
        path.unlink()
    return {str(path.relative_to(folder)): content for path, content in found.items()}


def highest_memory(process: subprocess.Popen[str]) -> int:
    """Watch a process to its end and return the most memory that it had, in bytes."""
    most = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except ProcessLookupError:
            break
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        most = max(most, int(found[1]) * 1024 if found else 0)
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    return most


def test_logs_arrive_byte_by_byte_and_a_second_run_sends_none(pair: Rig, tmp_path: Path) -> None:
    """Empty ones, binary ones, 900 KB, mapped tasks, odd names; missing ones are counted."""
    job, logs = moved(pair, tmp_path, runs=600 if EVERYTHING else 25)

    result = job.run("--verify-logs", command="logs")
    again = job.run(command="logs")

    assert result.code == 0, result.err
    said = result.summary["task_logs"]
    assert (said["moved"], said["bytes"], said["rejected"]) == (len(logs), sum(map(len, logs.values())), 0)
    assert said["missing"] >= len(logs) // MISSING_EVERY
    assert again.summary["this_run"]["logs_sent"] == 0
    assert stored(pair) == logs


def test_killed_in_the_middle_it_sends_again_only_what_was_under_way(pair: Rig, tmp_path: Path) -> None:
    """What is on the target and not remembered is no more than what is under way at once."""
    job, logs = moved(pair, tmp_path, runs=25)
    folder = pair.target.home / "logs"

    def there() -> int:
        return sum(1 for _ in folder.rglob("*.log"))

    with job.started(command="logs") as process:
        pair.target.webserver.service.wait_until(lambda: there() > len(logs) // 3 or process.poll() is not None, 60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = there()
    assert before < len(logs)
    result = job.run(command="logs")

    assert result.code == 0, result.err
    sent_again = result.summary["this_run"]["logs_sent"] - (len(logs) - before)
    assert 0 <= sent_again <= 2 * AT_ONCE
    assert result.summary["task_logs"]["moved"] == len(logs)
    assert stored(pair) == logs


def test_what_2_11_cannot_take_is_refused_and_all_else_arrives(pair: Rig, tmp_path: Path) -> None:
    """A log of 1 MiB is listed with its size, and nothing of it is on the target."""
    job, logs = moved(pair, tmp_path, runs=5, wide=0)
    large = next(iter(logs))
    (pair.source.home / "logs" / large).write_bytes(bytes(2_000_000))

    result = job.run(command="logs")

    assert result.code == 3
    assert "2,000,000 bytes" in result.summary["rejected"][0]
    assert stored(pair) == {path: content for path, content in logs.items() if path != large}


def test_runs_and_logs_in_one_go(pair: Rig, tmp_path: Path) -> None:
    """`transfer run --logs` does both, and says so of both."""
    _, logs = moved(pair, tmp_path, runs=5, wide=0)
    fresh = Job(pair.source, pair.target, tmp_path / "fresh")
    fresh.folder.mkdir()
    pair.target.reset()
    with pair.target.connect() as target:
        register_dags(target, [next(iter(logs)).split("/")[0].removeprefix("dag_id=")])

    result = fresh.run("--logs")

    assert result.code == 0, result.err
    assert result.kinds["task_logs"]["moved"] == len(logs)
    assert stored(pair) == logs


@pytest.mark.skipif(not EVERYTHING, reason=f"takes a minute: {ALL_VARIABLE}=1")
def test_a_log_of_300_mb_arrives_in_constant_memory(tmp_path: Path) -> None:
    """On a target that takes it, 2.10.5; with small ones beside it."""
    with available(boot_pair("2.11.2", "2.10.5", LOGS, LOGS)) as rig:
        job, logs = moved(rig, tmp_path, runs=20, wide=0)
        with job.started(command="logs") as process:
            usual = highest_memory(process)
        assert process.returncode == 0
        assert stored(rig) == logs
        large = rig.source.home / "logs" / next(iter(logs))
        with large.open("wb") as file:
            for number in range(300):
                file.write(Random(number).randbytes(1_000_000))  # noqa: S311 - the same each time
        fresh = Job(rig.source, rig.target, tmp_path / "fresh")
        fresh.folder.mkdir()
        rig.target.reset()
        with rig.target.connect() as target:
            register_dags(target, [next(iter(logs)).split("/")[0].removeprefix("dag_id=")])
        assert fresh.run().code == 0
        with fresh.started("--verify-logs", command="logs") as process:
            most = highest_memory(process)
        assert process.returncode == 0
        arrived = rig.target.home / "logs" / next(iter(logs))
        assert subprocess.run(["/usr/bin/cmp", str(large), str(arrived)], check=False).returncode == 0  # noqa: S603
        assert most < usual + 25_000_000


@pytest.fixture(scope="module")
def cookies() -> dict[str, str]:
    """The logins so far."""
    return {}


@pytest.fixture
def server(pair: Rig, cookies: dict[str, str]) -> Server:
    """The target of the pair; its logs are left as they are."""
    return RealServer(pair.target, cookies)


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Caller]:
    """A caller with the administrator's cookie."""
    async with calling(server, server.cookie("admin")) as caller:
        yield caller


class TestLogs(LogsContract):
    """What the emulator does is what 2.11 does."""
