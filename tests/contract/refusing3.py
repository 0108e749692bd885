"""What an Airflow 3 refuses, in which words, and that it stores nothing then."""

import json
from typing import Any

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

from .reading3 import is_crash, is_unforeseen
from .releases import releases
from .server import Caller, Contract, Said, one_of_each, without

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _is_conflict(said: Said, words: str) -> None:
    """Assert that ``said`` is a 409 whose message begins with ``words`` and shows the statement after them."""
    assert (said.status, said.json()["error"]) == (409, "Integrity Error (Duplicate Record?)")
    assert said.json()["error_message"].startswith(f"(psycopg2.errors.{words}")
    assert "\n\n[SQL: INSERT INTO " in said.json()["error_message"]


@releases(since=MODERN)
class ModernRefusingContract(Contract):
    """Tests of POSTs that are refused."""

    async def test_a_rival_with_the_same_logical_date(self, admin: Caller) -> None:
        """Another run with the same logical date is refused, and the whole batch with it is lost."""
        run = admin.make.run("d", 1)
        await admin.store(DAG_RUNS, run)
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 2), run | {"run_id": "x"})
        key = "Key (dag_id, logical_date)=(d, 2025-01-02 00:00:00+00) already exists.\n"
        constraint = 'unique constraint "dag_run_dag_id_logical_date_key"'
        _is_conflict(said, f"UniqueViolation) duplicate key value violates {constraint}\nDETAIL:  {key}")
        assert await self.count(admin, DAG_RUNS) == 1

    @pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
    async def test_an_id_that_another_row_has(self, admin: Caller, kind: Kind) -> None:
        """Ids are unique, whatever they are the ids of, and however they are written."""
        rows = await one_of_each(admin)
        there = rows[KINDS.index(kind)]
        name = "id" if kind is TASK_INSTANCES else "task_instance_id"
        new = there | {"task_id": "t", "try_number": 9} if kind is TASK_INSTANCE_HISTORY else there | {"task_id": "n"}
        table = kind.name.removesuffix("s")
        for written in (there[name], there[name].upper(), there[name].replace("-", "")):
            said = await admin.insert(kind, new | {name: written})
            words = f'duplicate key value violates unique constraint "{table}_pkey"\nDETAIL:  Key ({name})='
            _is_conflict(said, f"UniqueViolation) {words}({there[name]})")

    async def test_a_try_may_have_the_id_of_a_task_instance(self, admin: Caller) -> None:
        """The ids of the two tables know nothing of each other."""
        run, task, _ = await one_of_each(admin)
        await admin.store(TASK_INSTANCE_HISTORY, admin.make.tried(run, "t", try_number=5, task_instance_id=task["id"]))

    async def test_a_task_instance_without_run(self, admin: Caller) -> None:
        """A task instance whose run is missing is a conflict."""
        said = await admin.insert(TASK_INSTANCES, admin.make.task(admin.make.run("d", 9), "t"))
        words = 'insert or update on table "task_instance" violates foreign key constraint "task_instance_dag_run_fkey"'
        _is_conflict(said, f"ForeignKeyViolation) {words}")

    async def test_a_try_without_task_instance(self, admin: Caller) -> None:
        """So is a try whose task instance is missing."""
        run, _, _ = await one_of_each(admin)
        said = await admin.insert(TASK_INSTANCE_HISTORY, admin.make.tried(run, "other"))
        _is_conflict(said, 'ForeignKeyViolation) insert or update on table "task_instance_history" violates')

    @pytest.mark.parametrize("column", ["run_id", "run_type", "run_after", "clear_number", "span_status"])
    async def test_a_null_where_a_run_needs_a_value(self, admin: Caller, column: str) -> None:
        """A null is refused, also where there is a default."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, **{column: None}))
        _is_conflict(said, f'NotNullViolation) null value in column "{column}" of relation "dag_run"')

    @pytest.mark.parametrize("column", ["run_id", "run_type", "run_after"])
    async def test_a_run_without_a_value_that_it_needs(self, admin: Caller, column: str) -> None:
        """What was not sent is null where there is no default."""
        said = await admin.insert(DAG_RUNS, without(admin.make.run("d", 1), column))
        _is_conflict(said, f'NotNullViolation) null value in column "{column}" of relation "dag_run"')

    @pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)
    @pytest.mark.parametrize("column", ["id", "task_id", "map_index", "pool", "pool_slots"])
    async def test_a_null_where_a_child_needs_a_value(self, admin: Caller, kind: Kind, column: str) -> None:
        """So it is with task instances and tries, whose ids have to be sent."""
        run, _, _ = await one_of_each(admin)
        row = admin.make.task(run, "n") if kind is TASK_INSTANCES else admin.make.tried(run, "t", try_number=8)
        name = "task_instance_id" if column == "id" and kind is TASK_INSTANCE_HISTORY else column
        said = await admin.insert(kind, row | {name: None})
        _is_conflict(
            said, f'NotNullViolation) null value in column "{name}" of relation "{kind.name.removesuffix("s")}"'
        )

    async def test_the_failing_row_is_shown(self, admin: Caller) -> None:
        """The message of a missing value shows the whole row as PostgreSQL prints it, then all that was sent."""
        run, _, _ = await one_of_each(admin)
        task = without(admin.make.task(run, "n", pool=None), "executor_config")
        said = await admin.insert(TASK_INSTANCES, task)
        dates = "2025-01-03 00:00:03.25+00, 2025-01-03 00:00:04.75+00"
        shown = f"({task['id']}, n, d, {run['run_id']}, -1, {dates}, 1.5, success, 1, 0, worker-1, airflow, null, 1,"
        message = said.json()["error_message"]
        assert f"DETAIL:  Failing row contains {shown}" in message
        assert "null, null, not_started, null, null, null, null, null, n, null).\n" in message
        assert "[parameters: {" in message
        assert "'hostname_m0': 'worker-1'" in message

    async def test_what_was_sent_is_echoed_as_text(self, admin: Caller) -> None:
        """Every refusal echoes what was sent as JSON within JSON, confs and all."""
        run = admin.make.run("d", 1, conf={"secret": "s3cret"}, run_type=None)
        said = await admin.insert(DAG_RUNS, run)
        dropped = ("id", "log_template_id", "backfill_id", "created_dag_version_id")
        assert json.loads(said.json()["kwargs"]) == {"dag_runs": [without(run, *dropped)]}
        assert "s3cret" in said.json()["error_message"]

    async def test_a_later_row_that_lacks_a_key(self, admin: Caller) -> None:
        """A row that lacks a key of the first breaks the whole batch."""
        silent = without(admin.make.run("d", 2), "conf")
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1), silent)
        words = "INSERT value for column dag_run.conf is explicitly rendered as a boundparameter in the VALUES clause"
        is_crash(said, "sqlalchemy.exc.CompileError", words)
        assert await self.count(admin, DAG_RUNS) == 0

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"start_date": "not a date"}, "InvalidDatetimeFormat) invalid input syntax for type timestamp with time"),
            ({"start_date": ""}, "InvalidDatetimeFormat) invalid input syntax for type timestamp with time zone"),
            ({"run_id": "x" * 251}, "StringDataRightTruncation) value too long for type character varying(250)"),
            ({"clear_number": "x"}, "InvalidTextRepresentation) invalid input syntax for type integer"),
            ({"creating_job_id": 2**31}, "NumericValueOutOfRange) integer out of range"),
            ({"conf": {"a": "\ud800"}}, "InvalidTextRepresentation) invalid input syntax for type json"),
            ({"conf": {"a": float("nan")}}, "InvalidTextRepresentation) invalid input syntax for type json"),
            ({"conf": {"a\x00": 1}}, "UntranslatableCharacter) unsupported Unicode escape sequence"),
            ({"conf": {"a": "\x00"}}, "UntranslatableCharacter) unsupported Unicode escape sequence"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    async def test_values_that_no_column_holds(self, admin: Caller, changes: Row, words: str) -> None:
        """A value of the wrong form or size is a data error, 400."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, **changes))
        assert (said.status, said.json()["error"]) == (400, "Data Error")
        assert said.json()["error_message"].startswith(f"(psycopg2.errors.{words}")

    @pytest.mark.parametrize(("sent", "error"), [("nope", "Data Error"), (5, "SQL Error")])
    async def test_an_id_that_is_none(self, admin: Caller, sent: Any, error: str) -> None:
        """Neither is what is no UUID."""
        run, _, _ = await one_of_each(admin)
        said = await admin.insert(TASK_INSTANCES, admin.make.task(run, "n", id=sent))
        assert (said.status, said.json()["error"]) == (400, error)

    @pytest.mark.parametrize("changes", [{"state": {"a": 1}}, {"start_date": 5}, {"creating_job_id": True}])
    async def test_values_of_the_wrong_type(self, admin: Caller, changes: Row) -> None:
        """A value of a type that cannot be adapted or cast is an SQL error, 400."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, **changes))
        assert (said.status, said.json()["error"]) == (400, "SQL Error")

    async def test_a_nul_character(self, admin: Caller) -> None:
        """NUL in a text is an unknown error."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, run_id="a\x00b"))
        is_crash(said, "ValueError", "A string literal cannot contain NUL (0x00) characters.\nTraceback")

    @pytest.mark.parametrize(
        ("rows", "exception", "words"),
        [
            ([], "IndexError", "list index out of range\n"),
            ([{}], "KeyError", "'dag_id'\n"),
            ([1], "TypeError", "'int' object is not subscriptable\n"),
        ],
    )
    async def test_batches_that_are_none(self, admin: Caller, rows: Any, exception: str, words: str) -> None:
        """An empty batch of runs, and one without DAG, are unknown errors."""
        is_crash(await admin.post("dag_runs", {"dag_runs": rows}), exception, words)

    @_KINDS
    @pytest.mark.parametrize("body", ["{}", "null list", "", "{nope"])
    async def test_bodies_without_the_list_are_crashes(self, admin: Caller, kind: Kind, body: str) -> None:
        """Without the list, with null for it, with nothing at all and with what is no JSON."""
        sent = json.dumps({kind.envelope: None}) if body == "null list" else body
        is_unforeseen(await admin.post(kind.route, sent.encode()))

    @pytest.mark.parametrize(("body", "kind"), [(b"[1]", "list"), (b"null", "NoneType")])
    async def test_bodies_that_are_no_object(self, admin: Caller, body: bytes, kind: str) -> None:
        """What is JSON but no object is a crash in JSON."""
        said = await admin.post("dag_runs", body)
        error = f"Unknown Error in kwargs_fn - '{kind}' object has no attribute 'get'"
        assert (said.status, said.json()) == (500, {"error": error})
