"""What a server refuses, in which words, and that it stores nothing then."""

import json
import pickle
from typing import Any

import pytest

from transfer.emulator.columns import MODERN
from transfer.kinds import CHILDREN, DAG_RUNS, KINDS, TASK_INSTANCE_HISTORY, TASK_INSTANCES, Kind, Row

from .releases import releases
from .server import ECHOES_BYTES, KEEPS_TRIES, Caller, Contract, Said, one_of_each

_KINDS = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
_CHILDREN = pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.name)


def _is_conflict(said: Said, words: str) -> None:
    """Assert that ``said`` is a 409 whose message holds ``words``."""
    assert (said.status, said.json()["error"]) == (409, "Integrity Error (Duplicate Record?)")
    assert words in said.json()["error_message"]


def _is_crash(said: Said, exception: str, words: str) -> None:
    """Assert that ``said`` is a 500 in JSON that names the exception and begins with ``words``."""
    assert (said.status, said.json()["error"]) == (500, "Unknown Error")
    assert said.json()["error_type"] == f"<class '{exception}'>"
    assert said.json()["error_message"].startswith(words)


@releases(since=ECHOES_BYTES, before=MODERN)
class RefusingContract(Contract):
    """Tests of POSTs that are refused, by an Airflow that can say so."""

    async def test_a_run_that_is_there(self, admin: Caller) -> None:
        """A run twice is a conflict of the logical date, and the whole batch with it is refused."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1))
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1), admin.make.run("d", 2))
        _is_conflict(
            said,
            "IntegrityError('(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "
            '"dag_run_dag_id_execution_date_key"\\nDETAIL:  Key (dag_id, execution_date)=(d, 2025-01-02 00:00:00+00) '
            "already exists.\\n')",
        )
        assert await self.count(admin, DAG_RUNS) == 1

    async def test_a_rival_with_the_same_logical_date(self, admin: Caller) -> None:
        """Another run with the same logical date is refused like a duplicate."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1))
        rival = admin.make.run("d", 1, run_id="x")
        _is_conflict(await admin.insert(DAG_RUNS, rival), "dag_run_dag_id_execution_date_key")

    async def test_the_same_run_id_with_another_date(self, admin: Caller) -> None:
        """A run id is given once per DAG."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, run_id="x"))
        _is_conflict(await admin.insert(DAG_RUNS, admin.make.run("d", 2, run_id="x")), '"dag_run_dag_id_run_id_key"')

    async def test_another_dag_may_have_the_same_run(self, admin: Caller) -> None:
        """Run ids and logical dates are unique within a DAG only."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1), admin.make.run("e", 1))

    async def test_a_duplicate_within_the_batch(self, admin: Caller) -> None:
        """A batch that repeats a row stores none of its rows."""
        _is_conflict(await admin.insert(DAG_RUNS, admin.make.run("d", 1), admin.make.run("d", 1)), "UniqueViolation")
        assert await self.count(admin, DAG_RUNS) == 0

    @releases(since=KEEPS_TRIES)
    @_CHILDREN
    async def test_children_that_are_there(self, admin: Caller, kind: Kind) -> None:
        """A task instance or try twice is a conflict; a batch of five with one of them stores none."""
        run, *rows = await one_of_each(admin)
        there = rows[CHILDREN.index(kind)]
        news = [admin.make.task(run, f"n{number}") for number in range(4)]
        if kind is TASK_INSTANCE_HISTORY:
            await admin.store(TASK_INSTANCES, *news)
        _is_conflict(await admin.insert(kind, *news, there), "UniqueViolation")
        assert await self.count(admin, kind) == 1

    async def test_the_words_for_a_task_instance_that_is_there(self, admin: Caller) -> None:
        """The message names the primary key and its values."""
        run, task, _ = await one_of_each(admin)
        key = f"(dag_id, task_id, run_id, map_index)=(d, t, {run['run_id']}, -1)"
        _is_conflict(await admin.insert(TASK_INSTANCES, task), f'"task_instance_pkey"\\nDETAIL:  Key {key} already')

    async def test_a_task_instance_without_run(self, admin: Caller) -> None:
        """A task instance whose run is missing is a conflict as well."""
        said = await admin.insert(TASK_INSTANCES, admin.make.task(admin.make.run("d", 9), "t"))
        _is_conflict(said, 'ForeignKeyViolation) insert or update on table "task_instance" violates foreign key')
        assert '"task_instance_dag_run_fkey"' in said.json()["error_message"]
        assert 'is not present in table "dag_run"' in said.json()["error_message"]

    @releases(since=KEEPS_TRIES)
    async def test_a_try_without_task_instance(self, admin: Caller) -> None:
        """So is a try whose task instance is missing."""
        run, _, _ = await one_of_each(admin)
        said = await admin.insert(TASK_INSTANCE_HISTORY, admin.make.task(run, "other"))
        _is_conflict(said, '"task_instance_history_ti_fkey"')

    async def test_a_trigger_that_is_not_here(self, admin: Caller) -> None:
        """And a task instance that waits for a trigger of another database."""
        run, _, _ = await one_of_each(admin)
        said = await admin.insert(TASK_INSTANCES, admin.make.task(run, "other", trigger_id=77))
        _is_conflict(said, '"task_instance_trigger_id_fkey"\\nDETAIL:  Key (trigger_id)=(77) is not present')

    @releases(since=KEEPS_TRIES)
    async def test_a_try_may_name_any_trigger(self, admin: Caller) -> None:
        """The history of tries has no such foreign key."""
        run, _, _ = await one_of_each(admin)
        await admin.store(TASK_INSTANCE_HISTORY, admin.make.task(run, "t", try_number=5, trigger_id=77))

    @pytest.mark.parametrize("column", ["run_id", "execution_date", "run_type"])
    async def test_a_null_where_a_run_needs_a_value(self, admin: Caller, column: str) -> None:
        """A missing value is a conflict too, whether it is null or was not sent."""
        absent = admin.make.run("d", 1)
        del absent[column]
        for run in (admin.make.run("d", 1, **{column: None}), absent):
            _is_conflict(await admin.insert(DAG_RUNS, run), f'NotNullViolation) null value in column "{column}"')

    @releases(since=KEEPS_TRIES)
    @_CHILDREN
    @pytest.mark.parametrize("column", ["map_index", "pool", "pool_slots"])
    async def test_a_null_where_a_child_needs_a_value(self, admin: Caller, kind: Kind, column: str) -> None:
        """A null in map_index, pool or pool_slots is refused, although map_index has a default."""
        run, _, _ = await one_of_each(admin)
        said = await admin.insert(kind, admin.make.task(run, "t", try_number=3, **{column: None}))
        _is_conflict(said, f'null value in column "{column}" of relation "{kind.name.removesuffix("s")}"')

    @releases(since=KEEPS_TRIES)
    async def test_the_failing_row_is_shown(self, admin: Caller) -> None:
        """The message of a missing value shows the whole row as PostgreSQL prints it."""
        run, _, _ = await one_of_each(admin)
        said = await admin.insert(TASK_INSTANCES, admin.make.task(run, "n", pool=None))
        shown = f"Failing row contains (n, d, {run['run_id']}, -1, 2025-01-03 00:00:03.25+00, 2025-01-03 00:00:04.75+00"
        _is_conflict(said, f"{shown}, 1.5, success, 1, 0, worker-1, airflow, 7, null, 1, default, 1, PythonOperator")
        _is_conflict(said, r"4711, null, \\x80047d942e, null, null, null, null, null, null, null, n).")

    @_KINDS
    async def test_an_unknown_column(self, admin: Caller, kind: Kind) -> None:
        """A column that the table lacks is an unknown error; where there is no table it is none."""
        if kind is TASK_INSTANCE_HISTORY and admin.release < KEEPS_TRIES:
            assert (await admin.insert(kind, {"zz": 1})).status == 200
            return
        run, _, _ = await one_of_each(admin)
        row = admin.make.run("d", 2, zz=1) if kind is DAG_RUNS else admin.make.task(run, "n", zz=1)
        said = await admin.insert(kind, row)
        _is_crash(
            said, "sqlalchemy.exc.CompileError", "Unconsumed column names: zz\nTraceback (most recent call last):"
        )

    async def test_a_later_row_that_lacks_a_key(self, admin: Caller) -> None:
        """A row that lacks a key of the first breaks the whole batch."""
        silent = admin.make.run("d", 2)
        del silent["conf"]
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1), silent)
        words = "INSERT value for column dag_run.conf is explicitly rendered as a boundparameter in the VALUES clause"
        _is_crash(said, "sqlalchemy.exc.CompileError", words)
        assert await self.count(admin, DAG_RUNS) == 0

    async def test_the_unforeseen_echo_is_text(self, admin: Caller) -> None:
        """A 500 echoes what was sent as JSON within JSON, conf as the repr of its pickle."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, conf={"secret": "s3cret"}, zz=1))
        echoed = json.loads(said.json()["kwargs"])["dag_runs"][0]
        assert echoed == admin.make.run("d", 1, conf=str(pickle.dumps({"secret": "s3cret"})), zz=1)

    async def test_the_foreseen_echo_is_what_was_sent(self, admin: Caller) -> None:
        """A 409 echoes all rows, conf as the letters of its pickle."""
        run = admin.make.run("d", 1, conf={"secret": "s3cret"})
        await admin.store(DAG_RUNS, run)
        said = await admin.insert(DAG_RUNS, run)
        letters = pickle.dumps(run["conf"]).decode("latin-1")
        assert said.json()["kwargs"] == {"dag_runs": [run | {"conf": letters}]}

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"start_date": "not a date"}, "InvalidDatetimeFormat) invalid input syntax for type timestamp with time"),
            ({"run_id": "x" * 251}, "StringDataRightTruncation) value too long for type character varying(250)"),
            ({"dag_hash": "x" * 33}, "StringDataRightTruncation) value too long for type character varying(32)"),
            ({"creating_job_id": "x"}, "InvalidTextRepresentation) invalid input syntax for type integer"),
            ({"creating_job_id": 2**31}, "NumericValueOutOfRange) integer out of range"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    async def test_values_that_no_column_holds(self, admin: Caller, changes: Row, words: str) -> None:
        """A value of the wrong form or size is a data error, 400."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, **changes))
        assert (said.status, said.json()["error"]) == (400, "Data Error")
        assert said.json()["error_message"].startswith(f"DataError('(psycopg2.errors.{words}")

    async def test_text_of_the_greatest_length(self, admin: Caller) -> None:
        """250 characters fit, whatever their bytes."""
        await admin.store(DAG_RUNS, admin.make.run("d", 1, run_id="é" * 250))

    @pytest.mark.parametrize("changes", [{"state": {"a": 1}}, {"external_trigger": "maybe"}, {"start_date": 5}])
    async def test_values_of_the_wrong_type(self, admin: Caller, changes: Row) -> None:
        """A value of a type that cannot be adapted or cast is an SQL error, 400."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, **changes))
        assert (said.status, said.json()["error"]) == (400, "SQL Error")

    async def test_a_nul_character(self, admin: Caller) -> None:
        """NUL in a text is an unknown error."""
        said = await admin.insert(DAG_RUNS, admin.make.run("d", 1, run_id="a\x00b"))
        _is_crash(said, "ValueError", "A string literal cannot contain NUL (0x00) characters.\nTraceback")

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
        _is_crash(await admin.post("dag_runs", {"dag_runs": rows}), exception, words)

    @_KINDS
    @pytest.mark.parametrize("null", [True, False])
    async def test_a_body_without_the_list(self, admin: Caller, kind: Kind, *, null: bool) -> None:
        """Without the list, or with null for it, the answer is 400."""
        said = await admin.post(kind.route, {kind.envelope: None} if null else {})
        words = f'{{"error": "RuntimeError(\'Missing required key: {kind.envelope}\')"}}'
        assert (said.status, said.body) == (400, words.encode())

    async def test_a_body_of_another_type_is_not_read(self, admin: Caller) -> None:
        """Without the JSON content type the list is missing, whatever was sent."""
        headers = {"Content-Type": "application/octet-stream"}
        body = b'{"dag_runs": []}'
        said = await admin.ask("POST", "/api/starship/dag_runs", body=body, headers=headers)
        assert (said.status, said.json()["error"]) == (400, "RuntimeError('Missing required key: dag_runs')")

    @pytest.mark.parametrize(("body", "status"), [(b"{nope", 400), (b"", 400), (b"[1]", 500), (b"null", 500)])
    async def test_bodies_that_are_no_object(self, admin: Caller, body: bytes, status: int) -> None:
        """What is no JSON is a 400 page, what is no object a 500 page."""
        said = await admin.post("dag_runs", body)
        assert (said.status, said.kind) == (status, "text/html")
