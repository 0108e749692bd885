"""``transfer demo``: two emulated deployments, a history, a kill half-way, a resume, a comparison."""

import json
import logging
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from time import monotonic

import anyio

from transfer.cli.options import OutputOptions
from transfer.cli.output import say
from transfer.cli.status import show_status
from transfer.emulator import Behaviour, Emulator, Exchange, Shape, SyntheticHistory, TableHistory, User, compare
from transfer.emulator.login import LoginForm
from transfer.errors import ConfigError, ExitCode, TransferError
from transfer.kinds import DAG_RUNS, KINDS
from transfer.report import duration, table

_CONFIG = """\
state_dir = {state}

[source]
url = {source}
auth = {{ kind = "session", username = "admin", password = {{ env = "DEMO_PASSWORD" }} }}

[target]
url = {target}
auth = {{ kind = "session", username = "admin", password = {{ env = "DEMO_PASSWORD" }} }}
"""


@dataclass(slots=True)
class _World:
    """Two deployments with a login each, and the folder of the one who moves between them."""

    source: Emulator
    target: Emulator
    history: SyntheticHistory
    table: TableHistory
    folder: Path
    password: str

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "transfer", "run", "--config", str(self.folder / "demo.toml")]

    @property
    def log(self) -> Path:
        return self.folder / "client.log"

    def failure(self, code: int) -> TransferError:
        """Return the error to raise when the client ended otherwise than it should: with its own last words."""
        words = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        return TransferError("\n".join([f"`transfer run` ended with exit code {code}", *words]))

    @property
    def environment(self) -> dict[str, str]:
        """Return ours without what would point the client to the user's own job, or to a proxy."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TRANSFER_")}
        return {**ours, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "DEMO_PASSWORD": self.password}


async def show_demo(runs: int, keep: Path | None) -> int:
    """Run the demonstration with ``runs`` DAG runs per DAG; return 0 if the target ends up exactly right."""
    started = monotonic()
    # A server would print a traceback about the client that is killed while it sends.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="transfer-demo-") as temporary:
        folder = keep or Path(temporary)
        _make(folder)
        async with _world(runs, folder) as world:
            code = await _story(world)
    say()
    say(f"the whole demonstration took {duration(monotonic() - started)}")
    if keep is not None:
        say(f"its state is kept: transfer status --state-dir {keep / 'state'}")
    return code


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        used = (folder / "state").exists()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            [f"--keep: {folder} cannot be used: {error.strerror}"], hint="name a folder that can be made and written to"
        ) from error
    if used:
        raise ConfigError([f"--keep: {folder} holds the state of an earlier demonstration"], hint="name another folder")


@asynccontextmanager
async def _world(runs: int, folder: Path) -> AsyncIterator[_World]:
    shape = Shape(
        dags=3, runs=runs, tasks=8, mapped=2, retry_every=4, ties=16, queued=3, running=2, long_conf=5_000, unicode=True
    )
    history = SyntheticHistory(shape)
    copied = TableHistory(history.dags())
    password = secrets.token_urlsafe(12)
    users = (User("admin", password),)
    async with (
        Emulator(history, Behaviour(door=LoginForm(users), exact=False)) as source,
        Emulator(copied, Behaviour(door=LoginForm(users), exact=False)) as target,
    ):
        world = _World(source, target, history, copied, folder, password)
        urls = {"source": source.url, "target": target.url, "state": str(world.state_dir)}
        config = _CONFIG.format(**{key: json.dumps(value) for key, value in urls.items()})
        await anyio.Path(folder / "demo.toml").write_text(config, encoding="utf-8")
        yield world


async def _story(world: _World) -> int:
    totals = world.history.shape.totals(finished=True)
    say(f"source: {world.source.url}, an emulated Airflow 2.11")
    say(f"   it holds {_rows(totals)}, and a few runs that are not finished")
    say(f"target: {world.target.url}, the same DAGs, no history")
    say()
    say("1. transfer run ... and kill -9 when half of the runs have arrived")
    await _run_and_kill(world, at=totals[DAG_RUNS.name] // 2)
    say(f"   killed; the target holds {_rows(_counts(world.table))}")
    say()
    say("2. transfer status")
    say()
    show_status(world.state_dir, OutputOptions(), rejected=False)
    say()
    say("3. transfer run, again")
    say()
    await _run(world)
    say()
    say("4. transfer run, once more: there is nothing left to send")
    before = len(_inserts(world.target))
    await _run(world, silent=True)
    after = len(_inserts(world.target))
    say(f"   {after - before} insert requests")
    say()
    return _judge(world, totals)


async def _run_and_kill(world: _World, *, at: int) -> None:
    """Start the client and kill it when ``at`` runs have arrived at the target."""
    with world.log.open("wb") as log:
        client = await anyio.open_process(world.command, env=world.environment, stdout=log, stderr=log)

    async def watch(_exchange: Exchange) -> None:
        if sum(world.table.run_count(dag_id) for dag_id in world.table.dag_ids()) >= at:
            # Once: another look at a dead child would take its exit status away from the event loop.
            world.target.behaviour.on_request = None
            client.kill()

    world.target.behaviour.on_request = watch
    async with client:
        code = await client.wait()
    if code != -signal.SIGKILL:
        raise world.failure(code)


async def _run(world: _World, *, silent: bool = False) -> None:
    with world.log.open("wb") as log:
        result = await anyio.run_process(
            world.command, env=world.environment, stdout=log if silent else None, stderr=log, check=False
        )
    if result.returncode != ExitCode.DONE:
        raise world.failure(result.returncode)


def _judge(world: _World, totals: dict[str, int]) -> int:
    differences = compare(world.history, world.table)
    counts = _counts(world.table)
    say("5. both sides, row by row")
    say()
    rows = [(kind.name, f"{totals[kind.name]:,}", f"{counts[kind.name]:,}") for kind in KINDS]
    for line in table(("", "finished at the source", "on the target"), rows):
        say(line)
    say(f"missing, extra or different rows: {len(differences)}")
    return ExitCode.INCOMPLETE if differences else ExitCode.DONE


def _counts(history: TableHistory) -> dict[str, int]:
    return {kind.name: len(history.rows(kind)) for kind in KINDS}


def _rows(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts.items())


def _inserts(emulator: Emulator) -> list[Exchange]:
    """Return the inserts that were carried out; the probe of the database, which it must refuse, is none."""
    posts = [exchange for kind in KINDS for exchange in emulator.asked("POST", kind.route)]
    return [exchange for exchange in posts if exchange.status != HTTPStatus.CONFLICT]
