"""The rig keeps its own promises: real servers answer, the seed has what it says, the comparison sees what differs."""

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from typing import Any

import pytest

from .environment import WebOptions
from .faults import held, kill_blocked_worker, wait_for_blocked
from .login import fetch
from .rig import Rig, Side

JSON = {"Content-Type": "application/json"}


def get(side: Side, path: str, cookie: str) -> tuple[int, Any]:
    """GET a Starship route; the body is `None` where it is not JSON."""
    answer, body = fetch(side.url, f"/api/starship/{path}", headers={"Cookie": cookie})
    is_json = answer.getheader("Content-Type") == "application/json"
    return answer.status, json.loads(body) if is_json else None


def post_run(side: Side, cookie: str) -> int:
    """POST one DAG run and return the status."""
    run = {"dag_id": "a", "run_id": "r", "run_type": "manual", "execution_date": "2026-01-01 00:00:00+00:00"}
    body = json.dumps({"dag_runs": [run]}).encode()
    return fetch(side.url, "/api/starship/dag_runs", method="POST", body=body, headers=JSON | {"Cookie": cookie})[
        0
    ].status


def test_both_sides_are_the_pinned_versions(rig: Rig) -> None:
    """An administrator's cookie opens `info` on both sides."""
    expected = (200, {"airflow_version": "2.11.2", "starship_version": "2.10.1"})
    assert expected == get(rig.source, "info", rig.source.log_in())
    assert expected == get(rig.target, "info", rig.target.log_in())


def test_viewer_is_sent_away(rig: Rig) -> None:
    """A user without the right is redirected, which no client may take for an answer."""
    assert get(rig.source, "info", rig.source.log_in("viewer")) == (302, None)


def test_expired_sessions_are_sent_away(rig: Rig) -> None:
    """A cookie from before `expire_sessions` is worth nothing."""
    with rig.serve(rig.source, WebOptions(workers=1)) as side:
        cookie = side.log_in()
        assert side.expire_sessions() > 0
        assert get(side, "info", cookie) == (302, None)


def test_airflow_without_starship(rig: Rig) -> None:
    """The plugin can be hidden; logging in still works."""
    with rig.serve(rig.target, WebOptions(workers=1, starship=False)) as side:
        assert get(side, "info", side.log_in()) == (404, None)


def test_reset_keeps_the_servers_and_the_logins(rig: Rig) -> None:
    """After a reset the same cookie reads an empty list of DAGs."""
    cookie = rig.target.log_in()
    assert post_run(rig.target, cookie) == 200
    rig.reset()
    assert get(rig.target, "dag_runs?dag_id=a", cookie) == (200, {"dag_run_count": 0, "dag_runs": []})


def test_a_worker_can_be_killed_in_mid_post(rig: Rig) -> None:
    """The client loses its connection, nothing is written, and another worker takes the dead one's place."""
    with rig.serve(rig.target, WebOptions(workers=2)) as side, ThreadPoolExecutor(1) as pool:
        cookie, before = side.log_in(), side.webserver.workers()
        with held(side, "dag_run"):
            answer = pool.submit(post_run, side, cookie)
            wait_for_blocked(side)
            killed = kill_blocked_worker(side)
            with pytest.raises(RemoteDisconnected):
                answer.result()
        assert killed in before
        side.webserver.service.wait_until(lambda: len(set(side.webserver.workers()) - {killed}) == 2, deadline=30)
        assert get(side, "dag_runs?dag_id=a", cookie) == (200, {"dag_run_count": 0, "dag_runs": []})


def test_task_logs_go_to_the_sides_own_folder(rig: Rig) -> None:
    """With `task_logs` a log can be written and read back; without, Starship refuses."""
    path = "/api/starship/task_log?dag_id=a&run_id=r&task_id=t&map_index=-1&try_number=1&block_size=65536"
    with rig.serve(rig.target, WebOptions(workers=1, task_logs=True)) as side:
        cookie = {"Cookie": side.log_in()}
        (side.webserver.home / "logs/dag_id=a/run_id=r/task_id=t").mkdir(parents=True)
        written, _ = fetch(side.url, path, method="POST", body=b"a line\n", headers=cookie)
        _, body = fetch(side.url, path, headers=cookie)
    assert (written.status, body) == (204, b"a line\n")
    assert get(rig.target, path.removeprefix("/api/starship/"), rig.target.log_in())[0] == 409
