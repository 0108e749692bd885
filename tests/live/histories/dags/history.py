# mypy: ignore-errors
# ruff: noqa: ANN001, ANN003, ANN201, ANN204
# Airflow imports this file, and Airflow, whose types these are, is not in our environment.
"""The DAGs whose runs are the histories, for every Airflow from 2.4 to 3.1.

Their ids and tasks are the same everywhere, so that a history of one version fits the DAGs of another. All schedules
have ended long ago: a scheduler that starts a run of these DAGs repeats history.
"""

from datetime import datetime, timedelta, timezone

from airflow import __version__
from airflow.exceptions import AirflowFailException

if __version__.startswith("2."):
    from airflow import DAG
    from airflow import Dataset as Asset
    from airflow.decorators import task, task_group
    from airflow.models.baseoperator import BaseOperator
    from airflow.operators.python import get_current_context
    from airflow.triggers.temporal import TimeDeltaTrigger
else:
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk import DAG, Asset, BaseOperator, get_current_context, task, task_group

MINOR = tuple(int(part) for part in __version__.split(".")[:2])
STOCK = Asset("x-history://stock")
SOON = timedelta(seconds=1)
FOREVER = timedelta(days=3650)


def since_2_9(**arguments):
    """Return the arguments that operators know from Airflow 2.9 on, or none of them."""
    return arguments if MINOR >= (2, 9) else {}


class Waiter(BaseOperator):
    """Gives its place to the triggerer and goes on when that calls back."""

    custom_operator_name = "Waiter ☃"

    def __init__(self, *, wait, **kwargs):
        super().__init__(**kwargs)
        self.wait = wait

    def execute(self, context):  # noqa: ARG002 - Airflow's interface
        """Defer."""
        self.defer(trigger=TimeDeltaTrigger(self.wait), method_name="resume")

    def resume(self, context, event=None):
        """Be done."""


@task(multiple_outputs=False)
def numbers():
    """Say over what to map."""
    return [1, 2, 3]


@task
def nothing():
    """Say that there is nothing to map over."""
    return []


@task(queue="history", **since_2_9(map_index_template="Nummer {{ my_number }} ☃"))
def double(number, ti=None):
    """Run once for each number; the second index fails at its first try."""
    get_current_context()["my_number"] = number
    if number == 2 and ti.try_number == 1:
        raise ValueError("the second one needs two tries")
    return number * 2


@task
def half(number):
    """Run once for each number, without a name for the map index."""
    return number / 2


@task(retries=2, retry_delay=SOON, **since_2_9(task_display_name="Wackelig \u2013 größer 100 %"))
def flaky(ti=None):
    """Fail once."""
    if ti.try_number == 1:
        raise ValueError("the first try fails")


@task
def done():
    """Succeed."""


@task
def fail():
    """Fail for good."""
    raise AirflowFailException("this one always fails")


@task.branch
def choose():
    """Take one of two ways."""
    return "taken"


@task.short_circuit
def gate():
    """Skip what comes after."""
    return False


@task_group
def steps():
    """Hold tasks with a dot in their ids."""
    double.override(retries=1, retry_delay=SOON)(number=5)
    double.override(task_id="mapped", retries=1, retry_delay=SOON).expand(number=numbers())


UTC = timezone.utc  # noqa: UP017 - Airflow 2.4 runs on Python 3.10
JANUARY = {"start_date": datetime(2024, 1, 1, tzinfo=UTC), "end_date": datetime(2024, 1, 3, tzinfo=UTC)}

with DAG("history_scheduled", schedule="@daily", catchup=True, max_active_runs=3, **JANUARY):
    steps() >> flaky()
    double.override(task_id="empty").expand(number=nothing())
    choose() >> [done.override(task_id="taken")(), done.override(task_id="not_taken")()]
    gate() >> done.override(task_id="behind_the_gate")()
    Waiter(task_id="waiter", wait=SOON) >> done.override(task_id="after_waiting")()

with DAG("history_failed", schedule="@daily", catchup=True, **JANUARY):
    failing = fail.override(retries=1, retry_delay=SOON)()
    failing >> [done.override(task_id="never")(), done.override(task_id="all_the_same", trigger_rule="all_done")()]

with DAG("history_größe", schedule=None, catchup=False, start_date=JANUARY["start_date"]):
    double.override(retries=1, retry_delay=SOON).expand(number=numbers())
    half.expand(number=[1, 2])

with DAG("history_producer", schedule=None, catchup=False, start_date=JANUARY["start_date"]):
    done.override(task_id="produce", outlets=[STOCK])()

with DAG("history_consumer", schedule=[STOCK], catchup=False, start_date=JANUARY["start_date"]):
    done.override(task_id="consume")()

with DAG("history_backfilled", schedule="@daily", catchup=False, **JANUARY):
    done() >> flaky()

with DAG("history_unfinished", schedule=None, catchup=False, start_date=JANUARY["start_date"]):
    done() >> Waiter(task_id="waiter", wait=FOREVER) >> done.override(task_id="never")()
