"""The DAGs of a seeded history as a file that any version can parse."""

from collections.abc import Iterable

from .seed_tasks import task_name

_FILE = """\
from datetime import datetime

from airflow import DAG

try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:
    from airflow.operators.empty import EmptyOperator

for dag_id in {dag_ids!r}:
    with DAG(dag_id, start_date=datetime(2024, 1, 1), schedule="@hourly", catchup=False) as dag:
        for task_id in {task_ids!r}:
            EmptyOperator(task_id=task_id)
    globals()[dag_id] = dag
"""


def dag_file(dag_ids: Iterable[str], tasks: int = 10) -> dict[str, str]:
    """Return name and text of the file with these DAGs of so many tasks each, as `Side.parse` takes it."""
    task_ids = [task_name(number) for number in range(tasks)]
    return {"seeded.py": _FILE.format(dag_ids=list(dag_ids), task_ids=task_ids)}
