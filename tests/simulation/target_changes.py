"""What others do to the target: one function per kind of change. A new change is a new row of ``TARGET_CHANGES``."""

from typing import Any, Final

from transfer.emulator.rows import run_row
from transfer.kinds import CHILDREN, DAG_RUNS, FINISHED_STATES, Row

from .history import add_tasks, copy_run, rival_of, young
from .living import Life
from .source_changes import Change


def _strange(life: Life, dag_id: str, **changes: Any) -> Row | None:
    """Add a run to the target that has nothing to do with the source's."""
    run = run_row(dag_id, 0, **changes)
    key = dag_id, run["run_id"]
    if life.target.has_run(*key) or rival_of(life.target, run):
        return None
    life.target.add(DAG_RUNS, run)
    add_tasks(life.target, run, 2, life.random)
    life.truth.strange[key] = run, 1 + sum(len(life.target.children(kind, *key)) for kind in CHILDREN)
    return run


def _own_run(life: Life, dag_id: str) -> Row | None:
    logical = young(-life.number())
    return _strange(life, dag_id, run_id=f"own__{logical}", execution_date=logical, start_date=life.moment())


def _rival(life: Life, dag_id: str) -> Row | None:
    """The target's own scheduler, or a user, made a run of the same logical date under another name."""
    run = life.one(dag_id)
    if run is None:
        return None
    changes = {"run_id": f"rival__{run['run_id']}", "execution_date": run["execution_date"]}
    return _strange(life, dag_id, start_date=life.moment(), **changes)


def _twin(life: Life, dag_id: str) -> Row | None:
    """The target's own scheduler ran the same interval: the same name, another run."""
    run = life.one(dag_id)
    if run is None:
        return None
    changes = {"run_id": run["run_id"], "execution_date": run["execution_date"]}
    return _strange(life, dag_id, start_date=life.moment(), **changes)


def _copy(life: Life, dag_id: str) -> Row | None:
    """Somebody else copies a run, whole or in part."""
    run = life.one(dag_id, *FINISHED_STATES)
    if run is None or life.target.has_run(dag_id, run["run_id"]):
        return None
    copy_run(life.truth, life.target, run, share=life.random.choice((0.0, 0.5, 1.0)))
    return run


TARGET_CHANGES: Final[dict[str, Change]] = {
    "own run": _own_run,
    "rival": _rival,
    "twin": _twin,
    "copy": _copy,
}
