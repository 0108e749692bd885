"""What a target has to hold for a row of the source, column by column, for every direction of change.

Written from what was measured of real servers, and without the program's own mapping: the tests' second opinion. Each
column of the target's tables has exactly one rule here, and each of the source's is carried or named as lost, so a
column that nobody thought of is an error and not a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Columns = Sequence[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """What to select on each side so that both values are equal; `t` is the row."""

    name: str
    wanted: str
    found: str


class NoRuleError(Exception):
    """A column for which nobody has said what becomes of it."""


# A pair is what to select on both sides, a single text what to select on the source.
Rules = dict[str, str | tuple[str, str]]

_LOST = "NULL"
_OWN = ""
"""In place of an expression: the target makes the value itself, and any is right."""


def _by_table(runs: Rules, tasks: Rules, tries: Rules | None = None) -> dict[str, Rules]:
    return {"dag_run": runs, "task_instance": tasks, "task_instance_history": tasks if tries is None else tries}


def _lost(names: str) -> Rules:
    return dict.fromkeys(names.split(), _LOST)


_EMPTY_CONFIG = "t.executor_config IS NULL OR length(t.executor_config) < 12"  # a pickled {}, with whatever header
_UNSEEN = _by_table(
    _lost("log_template_id updated_at") | {"id": _OWN},
    _lost("trigger_id updated_at next_method next_kwargs") | {"executor_config": ("true", _EMPTY_CONFIG)},
)
"""What Starship does not carry, whichever versions they are."""

_LATER_TASK = "custom_operator_name rendered_map_index task_display_name executor"
_UNKNOWN_TO_OLD = _by_table({"clear_number": "0"}, _lost(_LATER_TASK))
"""What the target has where the source does not know the column."""

_LEFT_OUT_OF_OLD = {
    "dag_run": {"clear_number", "updated_at"},
    "task_instance": {*_LATER_TASK.split(), "updated_at"},
    "task_instance_history": set[str](),
}
"""What an older Airflow 2 has no place for."""

_OF_THE_DAG = (
    "t.{0} = (SELECT v.id FROM dag_version v WHERE v.dag_id = t.dag_id ORDER BY v.version_number DESC LIMIT 1)"
)
_TASK_VERSION: Rules = {"dag_version_id": ("true", _OF_THE_DAG.format("dag_version_id"))}
_MADE_BY_NEW = _by_table(
    _lost("backfill_id") | {"created_dag_version_id": ("true", _OF_THE_DAG.format("created_dag_version_id"))},
    _lost("last_heartbeat_at") | _TASK_VERSION,
    _TASK_VERSION,
)
"""What an Airflow 3 makes or drops itself."""

_VERSION_7 = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
_TASK_STATE = """CASE
    WHEN lower(t.state) IN ('', 'none', 'null') THEN NULL
    WHEN lower(t.state) IN ('shutdown', 'running', 'queued', 'restarting', 'deferred', 'sensing') THEN 'failed'
    ELSE lower(t.state) END"""
_RUN_TYPE = """CASE WHEN lower(t.run_type) = 'dataset_triggered' THEN 'asset_triggered'
    WHEN lower(t.run_type) IN ('scheduled', 'manual', 'backfill', 'asset_triggered') THEN lower(t.run_type)
    WHEN starts_with(t.run_id, 'scheduled__') THEN 'scheduled' WHEN starts_with(t.run_id, 'backfill__') THEN 'backfill'
    WHEN starts_with(t.run_id, 'dataset_triggered__') THEN 'asset_triggered' ELSE 'manual' END"""
_UPGRADED_RUN: Rules = _lost(
    "creating_job_id triggered_by triggering_user_name bundle_version scheduled_by_job_id context_carrier"
) | {
    "logical_date": "t.execution_date",
    "run_after": "coalesce(t.data_interval_end, t.execution_date)",
    "run_type": _RUN_TYPE,
    "clear_number": "coalesce({clear_number}, 0)",
    "span_status": "'not_started'",
}
_UPGRADED_TASK: Rules = _lost("queued_by_job_id trigger_timeout scheduled_dttm context_carrier") | {
    "state": _TASK_STATE,
    "try_number": "coalesce(t.try_number, 0)",
    "max_tries": "coalesce(t.max_tries, -1)",
    "task_display_name": "coalesce({task_display_name}, t.task_id)",
    "span_status": "'not_started'",
}
_TASK_ID = f"t.id::text ~ '{_VERSION_7}'"
_TRY_ID = (
    f"t.task_instance_id::text ~ '{_VERSION_7}'"
    " AND NOT EXISTS (SELECT FROM task_instance i WHERE i.id = t.task_instance_id)"
)
_UPGRADED = _by_table(
    _UPGRADED_RUN, _UPGRADED_TASK | {"id": ("true", _TASK_ID)}, _UPGRADED_TASK | {"task_instance_id": ("true", _TRY_ID)}
)
"""From Airflow 2 to 3."""

_LEFT_OUT_OF_NEW = {
    "dag_run": {"execution_date", "dag_hash", "external_trigger"},
    "task_instance": {"job_id"},
    "task_instance_history": {"job_id", "id"},
}
"""What Airflow 3 has no place for, or another name."""

_SPAN: Rules = _lost("context_carrier") | {"span_status": "'not_started'"}
_SHOWN: Rules = {
    "task_display_name": "coalesce(nullif(t.task_display_name, ''), t.task_id)",
    "rendered_map_index": "coalesce(t.rendered_map_index, CASE WHEN t.map_index >= 0 THEN t.map_index::text END)",
}
"""What an Airflow 3 serves of a task instance in place of what it has not stored; of a try it serves what is stored."""

_BETWEEN_NEW = _by_table({}, _SPAN | _SHOWN, _SPAN)
"""From Airflow 3 to 3."""

_ABSENT = {"clear_number": "NULL::integer", "task_display_name": "NULL::text"}
"""What stands for a column in an expression where the source does not have it."""


def rules_of(table: str, source: Columns, target: Columns) -> list[Rule]:
    """Return the rule of every column of the target's table but those that it makes itself.

    Raises:
        NoRuleError: a column of either side has none.
    """
    special, left_out = _direction(table, source, target)
    unexplained = set(source) - set(target) - left_out
    if unexplained:
        raise NoRuleError(f"{table}: nobody says where the source's {sorted(unexplained)} go")
    made = (_rule(name, special, source) for name in target)
    return [rule for rule in made if rule is not None]


def _direction(table: str, source: Columns, target: Columns) -> tuple[Rules, set[str]]:
    """Return the columns that are not simply copied, and the source's that have no place on the target."""
    special = dict(_UNSEEN[table])
    if not _is_new(source):
        special |= {name: rule for name, rule in _UNKNOWN_TO_OLD[table].items() if name not in source}
    if not _is_new(target):
        return special | ({"id": _OWN} if "id" in target else {}), _LEFT_OUT_OF_OLD[table]
    special |= _MADE_BY_NEW[table]
    if _is_new(source):
        return special | _BETWEEN_NEW[table], set()
    return special | _UPGRADED[table], _LEFT_OUT_OF_NEW[table]


def _is_new(columns: Columns) -> bool:
    return "span_status" in columns


def _rule(name: str, special: Rules, source: Columns) -> Rule | None:
    column = f't."{name}"'
    if name not in special:
        if name not in source:
            raise NoRuleError(f"nobody says what the target has in {name}, which the source does not have")
        return Rule(name, column, column)
    rule = special[name]
    if rule == _OWN:
        return None
    wanted, found = rule if isinstance(rule, tuple) else (rule, column)
    for absent, value in _ABSENT.items():
        wanted = wanted.replace(f"{{{absent}}}", f"t.{absent}" if absent in source else value)
    return Rule(name, wanted, found)
