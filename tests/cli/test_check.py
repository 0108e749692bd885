"""``transfer check``: every finding; what is wrong with a side as a whole is in test_refusals."""

from pathlib import Path

from aiohttp import web

from transfer.emulator import LoginForm, Open, TableHistory
from transfer.emulator.rows import dag_row, run_row
from transfer.kinds import DAG_RUNS

from .calling import Command
from .deployments import SMALL, TARGET_PASSWORD, Pair, behaviour, door, pair_of


def marks(out: str) -> list[str]:
    """Return the marks of all findings."""
    return [line[:7].strip() for line in out.splitlines() if not line.startswith("    ")]


def test_all_is_well(transfer: Command, pair: Pair) -> None:
    """Exit code 0, and each thing that was looked at; notes say what no version carries."""
    for dag in pair.table.dags():
        dag["is_paused"] = True
    said = transfer("check", "--config", pair.config())
    assert (said.code, said.err) == (0, "")
    assert set(marks(said.out)) == {"ok", "note"}
    for fact in ("source: reachable: Airflow 2.11.2, Starship 2.10.1", "target: lets us write", "60 runs to move"):
        assert fact in said.out


def test_nothing_is_written(transfer: Command, pair: Pair) -> None:
    """Neither rows on the target nor a state directory."""
    transfer("check", "--config", pair.config())
    assert (pair.table.snapshot()["dag_runs"], pair.state_dir.exists()) == ([], False)


def test_findings_for_machines(transfer: Command, pair: Pair) -> None:
    """With --json every finding is an object."""
    said = transfer("check", "--config", pair.config(), "--json")
    assert {frozenset(line) for line in said.objects} == {frozenset({"level", "side", "text", "hint"})}
    assert {line["side"] for line in said.objects} == {"source", "target"}


def test_dags_that_run_on_the_target(transfer: Command, pair: Pair) -> None:
    """A DAG that is not paused is a warning, with what to do."""
    for dag in pair.table.dags():
        dag["is_paused"] = dag["dag_id"] != "dag_0001"
    said = transfer("check", "--config", pair.config())
    assert said.code == 0
    assert "WARNING  target: 1 DAGs to move are not paused: dag_0001" in said.out
    assert "pause them until the history is there" in said.out


def test_dags_that_the_target_lacks(transfer: Command, folder: Path) -> None:
    """They are named in a warning."""
    with pair_of(folder, table=TableHistory([dag_row("dag_0000")])) as pair:
        said = transfer("check", "--config", pair.config())
    assert "WARNING  target: 1 selected DAGs are left out: dag_0001" in said.out


def test_history_on_the_target(transfer: Command, pair: Pair) -> None:
    """That something is there already is worth a note."""
    pair.table.add(DAG_RUNS, run_row("dag_0000", 5))
    assert "note     target: 1 selected DAGs already have runs" in transfer("check", "--config", pair.config()).out


def test_a_deployment_that_is_open_to_all(transfer: Command, folder: Path) -> None:
    """A deployment that answers without credentials is a warning."""
    with pair_of(folder, source=behaviour("", door=Open())) as pair:
        said = transfer("check", "--config", pair.config(source__auth={"kind": "none"}))
    assert "WARNING  source: answers anybody, without credentials" in said.out


class ReadOnly(LoginForm):
    """A deployment behind a proxy that lets nobody write, or only a little."""

    most = -1

    def refuse(self, request: web.Request) -> web.Response | None:
        """Answer 403, or 413 to what is larger than ``most``."""
        if request.method != "POST" or not request.path.startswith("/api/"):
            return super().refuse(request)
        if self.most < 0:
            return web.json_response({"detail": "read only"}, status=403)
        return web.Response(status=413) if (request.content_length or 0) > self.most else super().refuse(request)


def test_a_target_that_lets_nobody_write(transfer: Command, folder: Path) -> None:
    """Exit code 1 before anything was tried."""
    refusing = ReadOnly(tuple(door(TARGET_PASSWORD)._users.values()))
    with pair_of(folder, SMALL, target=behaviour("", door=refusing)) as pair:
        said = transfer("check", "--config", pair.config())
    assert said.code == 1
    assert "FAILED   target: does not let us write: " in said.out


def test_a_target_that_takes_only_small_bodies(transfer: Command, folder: Path) -> None:
    """The size that goes through is said, and which key to set."""
    narrow = ReadOnly(tuple(door(TARGET_PASSWORD)._users.values()))
    narrow.most = 300_000
    with pair_of(folder, SMALL, target=behaviour("", door=narrow)) as pair:
        said = transfer("check", "--config", pair.config())
    assert said.code == 0
    assert "WARNING  target: takes no bodies of 983040 bytes; 245760 bytes went through" in said.out
    assert "set limits.batch_bytes = 245760" in said.out
