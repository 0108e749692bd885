"""A deployment of one DAG that answers over a bare socket, honestly or with whatever bytes a script says."""

import json
import socketserver
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from transfer.emulator.rows import run_row, task_row
from transfer.kinds import Row

DAG = "etl"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; ``route`` is the last part of the path."""

    method: str
    path: str
    params: dict[str, str]
    head: bytes
    body: bytes

    @property
    def route(self) -> str:
        """Return the name of what was asked for."""
        return self.path.rstrip("/").rpartition("/")[2]


Reply: TypeAlias = bytes | Iterable[bytes]
"""All that goes over the wire after a request, status line included."""

Script: TypeAlias = Callable[[Asked, Any], Reply | None]
"""What to answer to a request, whose honest answer is the second argument; None for that."""


def answer(body: bytes, status: str = "200 OK", content_type: str = "application/json", *more: str) -> bytes:
    """Return a well-formed answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


def as_json(document: Any) -> bytes:
    """Return a document as an answer, written as Python's web servers write it."""
    return answer(json.dumps(document).encode())


@dataclass
class Deployment:
    """What a deployment holds, what it was asked, and the script that it follows."""

    script: Script = field(default=lambda _asked, _honest: None)
    dag_id: str = DAG
    runs: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @classmethod
    def of(cls, runs: int, dag_id: str = DAG) -> "Deployment":
        """Return one that holds ``runs`` runs with a task each."""
        rows = [run_row(dag_id, number) for number in reversed(range(runs))]
        return cls(dag_id=dag_id, runs=rows, tasks=[task_row(row, "load") for row in rows])

    def reply(self, asked: Asked) -> Reply:
        """Return what goes back."""
        self.asked.append(asked)
        honest = self._stored(asked) if asked.method == "POST" else self._honest(asked)
        scripted = self.script(asked, honest)
        if scripted is None and honest is None and asked.method == "POST":
            return answer(b'{"error": "Integrity Error", "error_message": "NotNullViolation"}', "409 CONFLICT")
        return as_json(honest) if scripted is None else scripted

    def _honest(self, asked: Asked) -> Any:
        start = int(asked.params.get("offset", 0))
        runs = self.runs[start : start + int(asked.params.get("limit", 0))]
        ids = {row["run_id"] for row in runs}
        tasks = [row for row in self.tasks if row["run_id"] in ids]
        count = {"dag_run_count": len(self.runs)}
        documents: dict[str, Any] = {
            "info": {"airflow_version": "2.11.2", "starship_version": "2.10.1"},
            "dags": [{"dag_id": self.dag_id, "is_paused": True, **count}],
            "dag_runs": {"dag_runs": runs, **count},
            "task_instances": {"task_instances": tasks, **count},
            "task_instance_history": {"task_instances": [], **count},
        }
        return documents.get(asked.route)

    def _stored(self, asked: Asked) -> Any:
        try:
            document = json.loads(asked.body)
        except ValueError:
            return None
        if any(row.get("run_id") is None for row in document.get("dag_runs", [])):
            return None  # a probe, which no database can store
        self.runs += document.get("dag_runs", [])
        self.runs.sort(key=lambda row: str(row["start_date"]), reverse=True)
        self.tasks += document.get("task_instances", [])
        return document


class _Connection(socketserver.StreamRequestHandler):
    """One request, one answer, for as long as the client listens."""

    def handle(self) -> None:
        """Serve the connection."""
        with suppress(OSError):
            asked = self._read()
            if asked is None:
                return
            server = self.server
            assert isinstance(server, _Server)
            reply = server.deployment.reply(asked)
            for piece in [reply] if isinstance(reply, bytes) else reply:
                self.wfile.write(piece)

    def _read(self) -> Asked | None:
        lines = []
        while (line := self.rfile.readline(65_536)) not in (b"\r\n", b""):
            lines.append(line)
        if not lines:
            return None
        lengths = [line.partition(b":")[2] for line in lines if line.lower().startswith(b"content-length:")]
        body = self.rfile.read(int(lengths[0]) if lengths else 0)
        method, target = lines[0].decode("latin-1").split()[:2]
        parts = urlsplit(target)
        return Asked(method, parts.path, dict(parse_qsl(parts.query)), b"".join(lines), body)


class _Server(socketserver.ThreadingTCPServer):
    """A thread per connection; those that still write when the test is over are left alone."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.deployment = deployment


@contextmanager
def served(deployment: Deployment, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve ``deployment``, with TLS if there is a ``context``; yields its URL."""
    with _Server(deployment) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
