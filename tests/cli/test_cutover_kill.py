"""``transfer cutover`` is killed before a side is looked at, which is before and after each switch, and goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from transfer.emulator import Emulator, SyntheticHistory, TableHistory
from transfer.engine.cutover import switch

from .calling import Command, process
from .deployments import SMALL, Pair, pair_of

PATIENCE = 15.0


@pytest.fixture
def pair(folder: Path) -> Iterator[Pair]:
    """A source whose DAGs work, and a target that works on one of them, too."""
    table = TableHistory.copy_of(SyntheticHistory(SMALL))
    target = TableHistory(dict(dag) for dag in table.dags())
    with pair_of(folder, history=table, table=target) as pair:
        for number, dag in enumerate(target.dags()):
            table.set_paused(dag["dag_id"], paused=False)
            target.set_paused(dag["dag_id"], paused=number > 0)
        yield pair


def unpaused(emulator: Emulator) -> list[str]:
    """Return the DAGs that work."""
    return [dag["dag_id"] for dag in emulator.history.dags() if not dag["is_paused"]]


@pytest.mark.parametrize("nth", [4, 5, 6])
@pytest.mark.parametrize("side", ["source", "target"])
def test_killed_before_it_looks_at_a_side(
    pair: Pair, transfer: Command, monkeypatch: pytest.MonkeyPatch, side: str, nth: int
) -> None:
    """Never does a DAG work on both sides because of us; called again it ends well, and undone all is as it was."""
    monkeypatch.setattr(switch, "LATE_SECONDS", 0.0)  # nothing comes late here
    config = pair.config()
    assert transfer("run", "--config", config).code == 0
    asked = len(getattr(pair, side).asked("GET", "dags"))
    before = set(unpaused(pair.source)), set(unpaused(pair.target))
    gate = pair.gate(getattr(pair, side), "GET", "dags", nth)
    with process("cutover", "--yes", "--config", config) as killed:
        assert gate.reached.wait(PATIENCE), len(getattr(pair, side).asked("GET", "dags")) - asked
        killed.kill()
        killed.wait()
    gate.open()
    assert set(unpaused(pair.source)) & set(unpaused(pair.target)) <= before[0] & before[1]

    said = transfer("cutover", "--yes", "--config", config)
    assert said.code == 0, said.err
    assert (unpaused(pair.source), set(unpaused(pair.target))) == ([], before[0])
    assert transfer("cutover", "--undo", "--yes", "--config", config).code == 0
    assert set(unpaused(pair.source)) == before[0]
    assert unpaused(pair.target) == []
