"""The comparison asks for no more than Starship can carry: a naive move through the API passes it."""

import json
from typing import Any
from urllib.parse import quote

from .compare import compare
from .login import fetch
from .rig import Connection, Rig, Side
from .seed import register_dags, seed_history

BATCH = 200
KINDS = (
    ("dag_runs", "dag_runs"),
    ("task_instances", "task_instances"),
    ("task_instance_history", "task_instances"),
)


def read_all(side: Side, cookie: str, route: str, key: str, dag_id: str) -> list[dict[str, Any]]:
    """GET everything of one DAG in one page, which is sound only while nobody writes."""
    path = f"/api/starship/{route}?dag_id={quote(dag_id)}&limit=100000"
    answer, body = fetch(side.url, path, headers={"Cookie": cookie})
    assert answer.status == 200
    rows: list[dict[str, Any]] = json.loads(body)[key]
    return rows


def write_all(side: Side, cookie: str, route: str, key: str, rows: list[dict[str, Any]]) -> None:
    """POST rows in batches of a fixed number."""
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    for start in range(0, len(rows), BATCH):
        body = json.dumps({key: rows[start : start + BATCH]}).encode()
        answer, text = fetch(side.url, f"/api/starship/{route}", method="POST", body=body, headers=headers)
        assert answer.status == 200, text[:500]


def test_a_naive_move_through_the_api_has_no_difference(rig: Rig, source: Connection, target: Connection) -> None:
    """Every carried column of every seeded row survives GET and POST, but for the trigger's id."""
    seeded = seed_history(source, dags=3, runs=110, tasks=4, wide=300)
    register_dags(target, seeded.dag_ids)
    reader, writer = rig.source.log_in(), rig.target.log_in()
    for dag_id in seeded.dag_ids:
        runs = read_all(rig.source, reader, "dag_runs", "dag_runs", dag_id)
        finished = {run["run_id"] for run in runs if run["state"] in ("success", "failed")}
        for route, key in KINDS:
            rows = read_all(rig.source, reader, route, key, dag_id)
            moving = [row | {"trigger_id": None} if "task_id" in row else row for row in rows]
            write_all(rig.target, writer, route, key, [row for row in moving if row["run_id"] in finished])
    assert compare(source, target) == []
