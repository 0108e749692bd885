"""Two emulated deployments in a thread of their own, so that tests and commands may block."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import anyio
import anyio.from_thread

from transfer.emulator import (
    Behaviour,
    Emulator,
    Exchange,
    History,
    LoginForm,
    Shape,
    SyntheticHistory,
    TableHistory,
    User,
)

SOURCE_PASSWORD = "canary-source-Pa55/word"
TARGET_PASSWORD = "canary-target-Pa55+word"
VIEWER_PASSWORD = "canary-viewer-Pa55&word"
TOKEN = "canary-token-0123456789abcdef"
CANARIES = (SOURCE_PASSWORD, TARGET_PASSWORD, VIEWER_PASSWORD, TOKEN)

SECRETS = {
    "SOURCE_PASSWORD": SOURCE_PASSWORD,
    "TARGET_PASSWORD": TARGET_PASSWORD,
    "VIEWER_PASSWORD": VIEWER_PASSWORD,
    "TOKEN": TOKEN,
}
"""What the environment of every command holds."""

SMALL = Shape(dags=2, runs=30, tasks=3, retry_every=2)
LARGE = Shape(dags=2, runs=300, tasks=3, retry_every=2)
"""Enough for several windows per DAG."""

SESSION = {"kind": "session", "username": "admin", "password": {"env": "SOURCE_PASSWORD"}}
VIEWER = {"kind": "session", "username": "viewer", "password": {"env": "VIEWER_PASSWORD"}}
BEARER = {"kind": "bearer", "token": {"env": "TOKEN"}}


def door(password: str) -> LoginForm:
    """Return the login of a deployment; time runs so fast there that nobody logs in too often."""
    users = (User("admin", password), User("viewer", VIEWER_PASSWORD, "Viewer"))
    return LoginForm(users, clock=itertools.count(0, 100).__next__)


def behaviour(password: str, **changes: Any) -> Behaviour:
    """Return a deployment that answers quickly."""
    options: dict[str, Any] = {"door": door(password), "exact": False} | changes
    return Behaviour(**options)


@dataclass(slots=True)
class Gate:
    """A place where a deployment lets its client wait; both ends may be used from the test's thread."""

    _open: anyio.Event
    _portal: anyio.from_thread.BlockingPortal
    reached: Event = field(default_factory=Event)

    def open(self) -> None:
        """Let the client, and everybody after it, pass."""
        self._portal.call(self._open.set)

    async def wait(self) -> None:
        """Wait in the deployment's own thread."""
        self.reached.set()
        await self._open.wait()


@dataclass(slots=True)
class Pair:
    """Both deployments and the folder with the configuration of the job between them."""

    source: Emulator
    target: Emulator
    folder: Path
    portal: anyio.from_thread.BlockingPortal

    @property
    def state_dir(self) -> Path:
        """Where the job's checkpoint is."""
        return self.folder / "state"

    @property
    def table(self) -> TableHistory:
        """What the target holds."""
        assert isinstance(self.target.history, TableHistory)
        return self.target.history

    def config(self, **changes: Any) -> Path:
        """Write the configuration, with some keys (``source__url``) changed, and return its path."""
        values: dict[str, Any] = {
            "state_dir": str(self.state_dir),
            "source": {"url": self.source.url, "auth": SESSION},
            "target": {"url": self.target.url, "auth": SESSION | {"password": {"env": "TARGET_PASSWORD"}}},
            "limits": {"window_runs": 20},
            "retry": {"attempts": 2, "wait_initial": 0.01, "wait_max": 0.02},
        }
        for name, value in changes.items():
            section, _, key = name.partition("__")
            values[section][key] = value
        path = self.folder / "transfer.toml"
        path.write_text("\n".join(_toml(values)), encoding="utf-8")
        return path

    def gate(self, emulator: Emulator, method: str, route: str, nth: int = 1) -> Gate:
        """Let the ``nth`` and all later requests of one kind wait at a gate."""
        gate = Gate(self.portal.call(anyio.Event), self.portal)
        seen = itertools.count(1)

        async def hook(exchange: Exchange) -> None:
            if (exchange.method, exchange.route) == (method, route) and next(seen) >= nth:
                await gate.wait()

        emulator.behaviour.on_request = hook
        return gate


def _toml(values: dict[str, Any]) -> Iterator[str]:
    yield f"state_dir = {json.dumps(values['state_dir'])}"
    for section in ("source", "target", "limits", "retry"):
        yield f"[{section}]"
        for key, value in values[section].items():
            yield f"{key} = {_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


@contextmanager
def pair_of(
    folder: Path,
    shape: Shape = SMALL,
    *,
    source: Behaviour | None = None,
    target: Behaviour | None = None,
    history: History | None = None,
    table: TableHistory | None = None,
) -> Iterator[Pair]:
    """Serve a source with ``history``, or one of ``shape``, and a target that holds ``table``, or only its DAGs."""
    history = history or SyntheticHistory(shape)
    left = Emulator(history, source or behaviour(SOURCE_PASSWORD))
    right = Emulator(table or TableHistory(dict(dag) for dag in history.dags()), target or behaviour(TARGET_PASSWORD))
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(left),
        portal.wrap_async_context_manager(right),
    ):
        yield Pair(left, right, folder, portal)
