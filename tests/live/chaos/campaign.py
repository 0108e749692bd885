"""A chaos campaign from the first fault to the verdict.

    campaign
    ├── proxies            one before each side, from beginning to end
    └── chaos              cancelled when its time is over
        ├── monkey         kills, freezes, cuts off, refuses
        ├── life           the source goes on
        └── program        started again whenever it has ended

Then there is calm: nothing fails any more, every run ends, the program runs until it has nothing left to do, and both
databases are compared.
"""

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from psycopg import sql

from tests.live.login import answers
from tests.live.rig import Connection, Rig, Side

from .exchange import Upstream
from .faults import Schedule
from .history import LivingHistory
from .judge import judge, reported
from .monkey import OURS, Monkey
from .program import Ended, Program
from .proxy import Proxy
from .report import Report

READY_SECONDS = 120.0
MOST_CALM_RUNS = 4
LIFE_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Plan:
    """How much chaos.

    Args:
        minutes: how long it lasts.
        seed: of everything that is drawn.
        dags: how many DAGs the source has in the beginning.
        runs: how many runs each of them has then, and how many more it gets whenever the program is through.
        probability: of a fault per request.
    """

    minutes: float = 3.0
    seed: int = 1
    dags: int = 4
    runs: int = 150
    probability: float = 0.08


class Campaign:
    """One campaign between two sides that are empty; `folder` takes configuration, state and output."""

    def __init__(self, rig: Rig, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._sides = (rig.source, rig.target)
        self._proxies = (self._proxy(rig.source), self._proxy(rig.target))
        urls = {side.name: proxy.url for side, proxy in zip(self._sides, self._proxies, strict=True)}
        passwords = {side.name: side.admin.password for side in self._sides}
        cookies = (self._proxies[0].upstream.cookies, self._proxies[1].upstream.cookies)
        self._program = Program(folder, urls, passwords, cookies)
        self._monkey = Monkey(self._program, self._sides, self._proxies, self._random("monkey"))
        self.report = Report(plan.seed, plan.minutes)

    async def run(self) -> Report:
        """Go through all of it and return the report."""
        started = time.monotonic()
        with ExitStack() as stack:
            source, target = (stack.enter_context(_connect(side)) for side in self._sides)
            history = LivingHistory(source, target, self._random("life"), self._plan.dags)
            await anyio.to_thread.run_sync(lambda: history.grow(self._plan.runs, wide=600))
            async with self._proxies[0].serving(), self._proxies[1].serving():
                with anyio.move_on_after(self._plan.minutes * 60):
                    await self._chaos(history)
                await self._calm(history)
            await anyio.to_thread.run_sync(self._judge, history, source, target)
        self._sum_up(history, time.monotonic() - started)
        return self.report

    async def _chaos(self, history: LivingHistory) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._monkey.rage)
            group.start_soon(self._live, history)
            while True:
                ended = await self._run()
                if ended.code in {0, 3}:
                    history.due += self._plan.runs

    async def _live(self, history: LivingHistory) -> None:
        """Let things happen at the source; one thread at a time uses its connection."""
        random = self._random("pace")
        while True:
            await anyio.sleep(random.expovariate(1 / LIFE_SECONDS))
            await anyio.to_thread.run_sync(history.act)

    async def _calm(self, history: LivingHistory) -> None:
        for proxy in self._proxies:
            proxy.schedule.probability = 0
            await proxy.drained()
        for side in self._sides:
            ready = answers(side.url, "/health")
            await anyio.to_thread.run_sync(side.webserver.service.wait_until, ready, READY_SECONDS)
        await anyio.to_thread.run_sync(history.finish)
        for self.report.calm_runs in range(1, MOST_CALM_RUNS + 1):
            ended = await self._run()
            if ended.code in {0, 3}:
                self.report.kinds = ended.summary["job"]["kinds"]
                return
        self.report.wrong.append(f"not complete after {MOST_CALM_RUNS} undisturbed runs: {ended.out[-2000:]}")

    async def _run(self) -> Ended:
        ended = await self._program.run()
        self.report.wrong += [f"run {self._program.codes.total()}: {wrong}" for wrong in ended.wrong]
        self.report.failures.update(ended.reasons)
        self.report.troubles.update(ended.troubles)
        return ended

    def _judge(self, history: LivingHistory, source: Connection, target: Connection) -> None:
        verdict = judge(source, target, history, reported(self._program))
        self.report.outcome = asdict(verdict)
        self.report.wrong += self.report.outcome.pop("wrong")

    def _sum_up(self, history: LivingHistory, seconds: float) -> None:
        report, program = self.report, self._program
        for side, proxy in zip(self._sides, self._proxies, strict=True):
            report.requests[side.name], report.faults[side.name] = proxy.requests, proxy.injected
        report.seconds, report.harm, report.life = seconds, self._monkey.done, history.done
        report.signals, report.codes = program.signals, program.codes
        report.longest_soft_stop = program.longest_soft_stop

    def _proxy(self, side: Side) -> Proxy:
        parts = urlsplit(side.url)
        schedule = Schedule(f"{self._plan.seed} {side.name}", self._plan.probability)
        return Proxy(Upstream(parts.hostname or "", parts.port or 80), schedule)

    def _random(self, name: str) -> Random:
        return Random(f"{self._plan.seed} {name}")  # noqa: S311 - reproducible chaos, no secrets


def _connect(side: Side) -> Connection:
    conn = side.connect()
    conn.execute(sql.SQL("SET application_name = {}").format(OURS))
    return conn
