"""The part about XComs: its servers do what a real pair does, and what it says is made of what they saw."""

import argparse
import json
from pathlib import Path
from urllib.request import Request, urlopen

from benchmarks.canned_rows import DAG
from benchmarks.part import Settings
from benchmarks.xcom_servers import HOLDING, Servers, xcom_servers
from benchmarks.xcoms import LOAD, OURS, PART, bars


def ask(url: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request."""
    with urlopen(Request(f"{url}{path}", data=body)) as answer:  # noqa: S310  our own server
        return answer.status, answer.read()


def about(servers: Servers, task: str) -> list[dict[str, str]]:
    """Return the XComs of a task instance."""
    _, said = ask(servers.source, f"/api/starship/xcom?dag_id={DAG}&run_id=r&task_id={task}&map_index=-1")
    rows: list[dict[str, str]] = json.loads(said)
    return rows


def test_every_second_task_instance_has_one() -> None:
    """The list of a run says which, the list of the DAG how many there are in all."""
    with xcom_servers(3) as servers:
        lists = f"/api/v1/dags/{DAG}/dagRuns/{{}}/taskInstances/~/xcomEntries?limit=100"
        of_run = json.loads(ask(servers.source, lists.format("r"))[1])
        of_dag = json.loads(ask(servers.source, lists.format("~"))[1])
        assert len(of_run["xcom_entries"]) == of_run["total_entries"] == len(HOLDING)
        assert of_dag["total_entries"] == 3 * len(HOLDING)
        assert [len(about(servers, f"transform_step_{slot}")) for slot in range(4)] == [1, 0, 1, 0]
        assert ask(servers.target, "/api/starship/xcom", b"{}") == (204, b"")
        source, target = servers.seen()
        assert (source.requests, target.requests, target.values) == (6, 1, 1)
        assert servers.seen()[0].requests == 0


def test_bars_hold_our_rate_against_the_load() -> None:
    """Medians of one run of the program."""
    runs = [
        {"candidate": LOAD, "requests_per_second": 200.0, "peak_mib": 900},
        {"candidate": OURS, "requests_per_second": 150.0, "peak_mib": 60},
    ]
    ratio, memory = bars({"runs": runs})
    assert (ratio.value, ratio.held) == (0.75, False)
    assert (memory.value, memory.held) == (60, True)


def test_a_quick_run_says_all_there_is(tmp_path: Path) -> None:
    """Every value arrives, and the table names both."""
    options = argparse.Namespace(xcoms_runs=1)
    document = PART.run(Settings(quick=True, repeat=1, folder=tmp_path, options=options))
    assert [one["candidate"] for one in document["runs"]] == [LOAD, OURS]
    assert document["runs"][1]["values"] == 60 * len(HOLDING)
    assert len(PART.table(document)) == 4
