"""Runs inside the source's own Airflow: one execution of Starship's ``StarshipDagHistoryMigrationOperator``.

The operator reads the newest ``limit`` runs from its own database and writes them to the target, runs and task
instances in one request each; it has no offset, so a second execution begins with the same runs again.

Reads ``{"url", "cookie", "dag_id", "limit"}`` as JSON from standard input; an order without ``limit`` leaves the
operator's default. The last line of standard output is ``{"seconds", "error"}``, the time of ``execute`` alone:
Airflow's own start-up, about three seconds, would drown the few rows.
"""

import json
import os
import sys
from time import perf_counter
from typing import Any

CONNECTION = "starship_target"


def main() -> None:
    """Execute the operator once and say how long it took and how it ended."""
    order = json.load(sys.stdin)
    connection = {"conn_type": "http", "host": order["url"], "extra": {"Cookie": order["cookie"]}}
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps(connection)
    operator = built(order)
    started = perf_counter()
    error = executed(operator)
    print(json.dumps({"seconds": perf_counter() - started, "error": error}))


def built(order: dict[str, Any]) -> Any:
    """Return the operator as a DAG's author would make it."""
    from astronomer_starship.providers.starship.operators.starship import (  # type: ignore[import-not-found] # noqa: PLC0415  not in our venv; needs the connection first
        StarshipDagHistoryMigrationOperator,
    )

    limit = {"dag_run_limit": order["limit"]} if "limit" in order else {}
    return StarshipDagHistoryMigrationOperator(
        task_id="migrate", target_dag_id=order["dag_id"], target_http_conn_id=CONNECTION, **limit
    )


def executed(operator: Any) -> str | None:
    """Execute the operator; return what it died of, ``None`` when it did not."""
    try:
        operator.execute({})
    except Exception as error:  # noqa: BLE001  whatever it is, it is the finding
        return f"{type(error).__name__}: {error}"[:200]
    return None


if __name__ == "__main__":
    main()
