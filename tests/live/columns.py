"""The columns of Airflow 2.11's history tables."""

DAG_RUN = (
    "dag_id", "run_id", "conf", "clear_number", "creating_job_id", "dag_hash", "data_interval_end",
    "data_interval_start", "end_date", "execution_date", "external_trigger", "last_scheduling_decision", "queued_at",
    "run_type", "start_date", "state",
)  # fmt: skip
"""What Starship carries of a DAG run, the key first."""

TASK_INSTANCE = (
    "dag_id", "task_id", "run_id", "map_index", "custom_operator_name", "duration", "end_date", "executor",
    "external_executor_id", "hostname", "job_id", "max_tries", "operator", "pid", "pool", "pool_slots",
    "priority_weight", "queue", "queued_by_job_id", "queued_dttm", "rendered_map_index", "start_date", "state",
    "task_display_name", "trigger_id", "trigger_timeout", "try_number", "unixname",
)  # fmt: skip
"""What Starship carries of a task instance and of a try in its history, but for executor_config: that is lost."""

DAG_RUN_KEY = ("dag_id", "run_id")
TASK_INSTANCE_KEY = ("dag_id", "task_id", "run_id", "map_index")
TRY_KEY = (*TASK_INSTANCE_KEY, "try_number")

NOT_CARRIED = {"dag_run": ("log_template_id", "updated_at"), "task_instance": ("executor_config", "updated_at")}
"""What a seeded row has besides, so that losing it cannot be mistaken for losing a row."""
