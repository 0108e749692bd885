"""Variables, connections and pools between real deployments: equal afterwards, judged by SQL and both Fernet keys."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio.from_thread
import pytest

from .chaos.exchange import Exchange, Upstream
from .chaos.faults import Fault, Schedule
from .chaos.message import Message
from .chaos.proxy import Proxy
from .conftest import available
from .faults import held, wait_for_blocked
from .job import RUN_SECONDS, Job, Result
from .objects import CANARY, CONNECTIONS, fill, plant, read
from .pairs import EVERYTHING, Pairs
from .rig import Rig, Side

_PAIRS = [("2.11.2", "3.1.8"), ("2.4.3", "2.11.2"), ("3.1.8", "2.11.2"), ("2.11.2", "2.4.3")]
_MOST_RUNS = 12
_FEWEST_FAULTS = 5
_OLD = {"conn_type": "old", "host": "old.example"}
REPLACE = ("--yes", "--on-conflict", "replace")


def config(job: Job, *arguments: str) -> Result:
    """Run a command of `transfer config`."""
    done = subprocess.run(  # noqa: S603  our own program
        _line(job, *arguments), env=job._environment(), capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    _hold_silence(job, done.stdout + done.stderr)
    return Result(done.returncode, done.stdout, done.stderr)


def _line(job: Job, command: str, *arguments: str) -> list[str]:
    line = job._command("config", arguments)
    return [*line[:4], command, *line[4:]]


def _hold_silence(job: Job, said: str) -> None:
    """Hold that no piece of a secret was said, or left in any file of the job."""
    assert CANARY not in said
    files = [file for file in job.folder.rglob("*") if file.is_file()]
    assert not [file.name for file in files if CANARY.encode() in file.read_bytes()]


def assert_equal(source: Side, target: Side) -> None:
    """Check that the target has all objects of the source, in every field, sealed with a key of its own."""
    here, there = read(source), read(target)
    assert there["variables"] == here["variables"]
    assert there["connections"] == here["connections"]
    for pools in (here["pools"], there["pools"]):
        for pool in pools.values():
            pool.setdefault("include_deferred", False)
    assert there["pools"] == here["pools"]
    assert not set(there["sealed"]) & set(here["sealed"])
    assert not [value for value in there["sealed"] if CANARY in value]


def test_everything_arrives(job: Job) -> None:
    """Every field of every object is the same afterwards, under the target's own key; a second copy writes nothing."""
    fill(job.source)
    plant(job.source, pools=[{"name": "deferred", "slots": 2, "description": "d", "include_deferred": True}])
    keys = {side.environment["AIRFLOW__CORE__FERNET_KEY"] for side in (job.source, job.target)}
    assert len(keys) == 2

    result = config(job, "copy", "--yes")

    assert result.code == 0, result.err + result.out
    assert result.summary["written"] == {"variables": 6, "connections": 3, "pools": 3}
    assert_equal(job.source, job.target)
    assert config(job, "diff").code == 0
    assert config(job, "copy", "--yes").summary["written"] == {}


def test_conflicts(job: Job) -> None:
    """What differs is left by default, and replaced when that is asked for; pools stay whatever is asked for."""
    fill(job.source)
    old = [one | {"password": f"{CANARY}-old"} for one in CONNECTIONS[:1]]
    plant(job.target, variables=[{"key": "plain", "val": f"{CANARY}-old"}], connections=old)
    plant(job.target, pools=[{"name": "etl", "slots": 1, "description": "for ETL", "include_deferred": False}])
    result = config(job, "copy", "--yes")
    assert result.code == 3
    assert {one["name"] for one in result.summary["left"]} == {"plain", "full", "etl"}
    assert read(job.target)["variables"]["plain"]["val"] == f"{CANARY}-old"

    result = config(job, "copy", *REPLACE)

    assert (result.code, result.summary["replaced"]) == (3, {"variables": 1, "connections": 1})
    assert [one["name"] for one in result.summary["left"]] == ["etl"]
    here, there = read(job.source), read(job.target)
    assert (there["variables"], there["connections"]) == (here["variables"], here["connections"])
    assert (there["pools"]["etl"]["slots"], "default_pool" in there["pools"]) == (1, True)


def test_killed_in_the_middle(job: Job) -> None:
    """SIGKILL while the target still works on a removal leaves a note; the next run completes what it had begun."""
    plant(job.source, connections=CONNECTIONS)
    plant(job.target, connections=[CONNECTIONS[0] | {"host": "old.example"}])
    line = _line(job, "copy", *REPLACE, "--kind", "connections", "--name", "full")
    with (
        held(job.target, "connection"),
        subprocess.Popen(line, env=job._environment(), stdout=-1, stderr=-1, text=True) as process,  # noqa: S603
    ):
        wait_for_blocked(job.target)
        process.send_signal(signal.SIGKILL)
        _hold_silence(job, "".join(process.communicate(timeout=20)))
    result = config(job, "copy", "--yes")
    assert result.code == 0, result.out
    assert '"step":"removing"' in result.out
    assert_equal(job.source, job.target)


def test_a_key_that_does_not_fit(job: Job) -> None:
    """A variable that the source cannot decrypt is reported; a connection hides all others, and is named as a cause."""
    fill(job.source)
    with job.source.connect() as conn:
        conn.execute("UPDATE variable SET val = 'gAAAAABnope' WHERE key = 'json'")
    result = config(job, "copy", "--yes", "--kind", "variables")
    assert (result.code, [one["name"] for one in result.summary["left"]]) == (3, ["json"])
    with job.source.connect() as conn:
        conn.execute("UPDATE connection SET password = 'gAAAAABnope' WHERE conn_id = 'full'")
    result = config(job, "diff", "--kind", "connections")
    assert (result.code, "Fernet key" in result.err) == (1, True)


def test_what_is_refused(job: Job) -> None:
    """Names that this Airflow does not take are refused before anything is sent, the rest is written."""
    plant(job.source, connections=[{"conn_id": "with space", "conn_type": "x"}, *CONNECTIONS])
    plant(job.source, variables=[{"key": "huge", "val": CANARY + "x" * 990_000}])
    result = config(job, "copy", "--yes")
    assert result.code == 3
    reasons = {one["name"]: one["reason"] for one in result.summary["left"]}
    assert reasons.keys() == {"with space", "huge"}
    assert "too large for the target (990," in reasons["huge"]
    assert len(read(job.target)["connections"]) == len(CONNECTIONS)


def test_the_environment(job: Job) -> None:
    """A file that was named gets what the target lacks, and the terminal gets nothing of it."""
    options = job.source.environment
    result = config(job, "env", str(job.folder / "all.json"), "--format", "json", "--all")
    assert (result.code, CANARY in result.out) == (0, False)
    text = (job.folder / "all.json").read_text(encoding="utf-8")
    assert options["AIRFLOW__CORE__FERNET_KEY"] in text
    assert options["AIRFLOW__CORE__FERNET_KEY"] not in result.out + result.err


async def _repeat_the_request(exchange: Exchange, status: int) -> None:
    said = exchange.request.body.decode("utf-8", "replace")
    document = {"error": "Integrity Error", "error_message": f"no: {said}", "kwargs": said}
    headers = (("Content-Type", "application/json"),)
    await exchange.reply(Message(f"HTTP/1.1 {status} Chaos", headers, json.dumps(document).encode()))


def _refused(status: int) -> Fault:
    """Return the fault of an error that repeats the request, in place of carrying it out."""
    return Fault(f"{status}", partial(_repeat_the_request, status=status), 1, _writes_objects)


def _covered(status: int) -> Fault:
    """Return the fault of the same error in place of the answer of a request that was carried out."""

    async def act(exchange: Exchange) -> None:
        await exchange.forward()
        await _repeat_the_request(exchange, status)

    return Fault(f"{status} after it was carried out", act, 1, _writes_objects)


def _writes_objects(request: Message) -> bool:
    return request.method != "GET" and request.route in {"variables", "connections", "pools"}


FAULTS = (_refused(409), _covered(409), _refused(500), _covered(500))


@contextmanager
def troubled(job: Job) -> Iterator[tuple[Job, Proxy]]:
    """Put a proxy before the target that answers many requests with such errors."""
    webserver = job.target.webserver
    port = int(webserver.url.rpartition(":")[2])
    with anyio.from_thread.start_blocking_portal() as portal:
        proxy = portal.call(lambda: Proxy(Upstream("127.0.0.1", port), Schedule("objects", 0.5, FAULTS)))
        with portal.wrap_async_context_manager(proxy.serving()):
            beyond = replace(job.target, webserver=replace(webserver, url=proxy.url))
            yield Job(job.source, beyond, job.folder), proxy


def test_trouble_on_the_way(job: Job) -> None:
    """With 409s and 500s that repeat all they were sent, everything stands in the end, and nothing of it came out."""
    fill(job.source)
    plant(job.target, variables=[{"key": "plain", "val": f"{CANARY}-old"}], connections=[{"conn_id": "full"} | _OLD])
    with troubled(job) as (beyond, proxy):
        codes: list[int] = []
        while 0 not in codes and len(codes) < _MOST_RUNS:
            codes.append(config(beyond, "copy", *REPLACE).code)
    assert (codes[-1], set(codes) <= {0, 1, 3}) == (0, True)
    assert sum(proxy.injected[fault.name] for fault in FAULTS) >= _FEWEST_FAULTS
    assert_equal(job.source, job.target)


@pytest.fixture(scope="module")
def pairs() -> Iterator[Pairs]:
    """The pair of versions that was asked for last."""
    with Pairs(available) as booted:
        yield booted


def _boot(pairs: Pairs, source: str, target: str, folder: Path) -> tuple[Rig, Job]:
    rig = pairs.of(source, target)
    rig.reset()
    return rig, Job(rig.source, rig.target, folder)


@pytest.mark.skipif(not EVERYTHING, reason="boots more pairs: TRANSFER_LIVE_ALL=1")
@pytest.mark.parametrize(("source", "target"), _PAIRS)
def test_other_versions(pairs: Pairs, tmp_path: Path, source: str, target: str) -> None:
    """What both versions can hold arrives, and what the target cannot is refused by name."""
    rig, job = _boot(pairs, source, target, tmp_path)
    fill(rig.source)
    if not rig.source.version.new:
        plant(rig.source, connections=[{"conn_id": "text", "conn_type": "x", "extra": f"{CANARY} is no JSON"}])
    result = config(job, "copy", "--yes")
    refused = {one["name"] for one in result.summary["left"]}
    assert refused == ({"text"} if rig.target.version.new else set()), result.out
    if refused:
        with rig.source.connect() as conn:
            conn.execute("DELETE FROM connection WHERE conn_id = 'text'")
    assert_equal(rig.source, rig.target)
    with rig.target.connect() as conn:
        conn.execute("UPDATE connection SET host = 'other'")
    assert config(job, "copy", *REPLACE).code == 0
    assert_equal(rig.source, rig.target)
