"""Damages a moved history by SQL, one row at a time, and keeps account of what `transfer verify` must find."""

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from .columns import DAG_RUN, DAG_RUN_KEY, TASK_INSTANCE, TASK_INSTANCE_KEY, TRY_KEY

Connection = psycopg.Connection[tuple[Any, ...]]
Found: TypeAlias = tuple[str, str, str, str, str, tuple[str, ...], int]
"""A difference: mark, kind, DAG, run, key below the run, columns, rows."""

_KINDS = {
    "dag_runs": ("dag_run", DAG_RUN_KEY, DAG_RUN),
    "task_instances": ("task_instance", TASK_INSTANCE_KEY, TASK_INSTANCE),
    "task_instance_history": ("task_instance_history", TRY_KEY, TASK_INSTANCE),
}
_CHILDREN = ("task_instances", "task_instance_history")
_SPARED = {"trigger_id", "start_date"}
"""A trigger has to exist; another start of a run is a deed of its own."""

_CHANGED = {
    "character varying": "left(coalesce({0}, ''), 18) || 'x'",
    "integer": "coalesce({0}, 0) + 1",
    "boolean": "NOT coalesce({0}, false)",
    "double precision": "coalesce({0}, 0) + 0.125",
    "timestamp with time zone": "coalesce({0}, '2024-02-29T12:00:00Z') + interval '1 microsecond'",
    "timestamp without time zone": "coalesce({0}, '2024-02-29T12:00:00') + interval '1 microsecond'",
}


class Vandal:
    """Does one deed to each run that it takes; `found` is what has to be found."""

    def __init__(self, target: Connection, seed: int) -> None:
        self._target = target
        self._random = Random(seed)  # noqa: S311  the same damage at every run
        self._types: dict[str, str] = dict(
            target.execute("SELECT table_name || '.' || column_name, data_type FROM information_schema.columns")
        )
        self.found: list[Found] = []
        self.done: Counter[str] = Counter()

    def strike(self, deeds: int) -> None:
        """Do `deeds` deeds, each to another run that has task instances."""
        runs = self._target.execute(
            "SELECT dag_id, run_id FROM dag_run r WHERE EXISTS (SELECT FROM task_instance t WHERE t.dag_id = r.dag_id"
            " AND t.run_id = r.run_id) ORDER BY 1, 2"
        ).fetchall()
        kinds = self._deeds()
        for number, (dag_id, run_id) in enumerate(self._random.sample(runs, deeds)):
            name, deed = kinds[number % len(kinds)]
            deed(dag_id, run_id)
            self.done[name] += 1

    def _deeds(self) -> list[tuple[str, Callable[[str, str], None]]]:
        children = [
            (f"{name} {kind}", lambda dag, run, kind=kind, deed=deed: deed(kind, dag, run))
            for kind in _CHILDREN
            for name, deed in (("change", self._change), ("remove", self._remove), ("add", self._add))
        ]
        return [
            *children,
            ("change run", lambda dag, run: self._change("dag_runs", dag, run)),
            ("change run's conf", self._change_conf),
            ("move run", self._move),
            ("unstart run", self._unstart),
            ("remove run", self._remove_run),
            ("add run", self._add_run),
        ]

    def _change(self, kind: str, dag_id: str, run_id: str) -> None:
        """Change one column of one row, whatever its type."""
        table, key, columns = _KINDS[kind]
        values = self._pick(kind, dag_id, run_id)
        if values is None:
            return self._change("dag_runs", dag_id, run_id)
        name = self._random.choice([name for name in columns if name not in {*key, *_SPARED, "conf"}])
        kind_of = _CHANGED[self._types[f"{table}.{name}"]]
        change = sql.SQL(kind_of).format(sql.Identifier(name))
        self._target.execute(
            sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
                sql.Identifier(table), sql.Identifier(name), change, _where(key)
            ),
            values,
        )
        self._note("*", kind, values, (name,))
        return None

    def _remove(self, kind: str, dag_id: str, run_id: str) -> None:
        """Delete one row; the tries of a task instance go with it."""
        table, key, _ = _KINDS[kind]
        values = self._pick(kind, dag_id, run_id)
        if values is None:
            return self._remove_run(dag_id, run_id)
        if kind == "task_instances":
            for tried in self._target.execute(
                sql.SQL("SELECT {} FROM task_instance_history WHERE {}").format(_names(TRY_KEY), _where(key)), values
            ).fetchall():
                self._note("+", "task_instance_history", tried)
        self._target.execute(sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(table), _where(key)), values)
        self._note("+", kind, values)
        return None

    def _add(self, kind: str, dag_id: str, run_id: str) -> None:
        """Add a row like another one of the run, under another key."""
        table, key, columns = _KINDS[kind]
        values = self._pick("task_instances", dag_id, run_id)
        assert values is not None
        new = dict(zip(TASK_INSTANCE_KEY, values, strict=True))
        if kind == "task_instances":
            new["map_index"] = 77_777
        new["try_number"] = 99
        rest = [name for name in columns if name not in new]
        self._target.execute(
            sql.SQL("INSERT INTO {} ({}, {}) SELECT {}, {} FROM task_instance WHERE {}").format(
                sql.Identifier(table),
                _names(tuple(new)),
                _names(tuple(rest)),
                sql.SQL(", ").join(sql.Literal(value) for value in new.values()),
                _names(tuple(rest)),
                sql.SQL(" AND ").join(
                    sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
                    for name, value in zip(TASK_INSTANCE_KEY, values, strict=True)
                ),
            )
        )
        self._note("-", kind, tuple(new[name] for name in key))

    def _change_conf(self, dag_id: str, run_id: str) -> None:
        self._update_run(dag_id, run_id, "conf", pickle.dumps({"somebody": ["changed", 2**65, None]}))

    def _move(self, dag_id: str, run_id: str) -> None:
        """Let a run start when another one does: it stands elsewhere, in a tie."""
        (start,) = self._target.execute(
            "SELECT start_date FROM dag_run WHERE dag_id = %s AND start_date IS NOT NULL AND start_date <> coalesce("
            "(SELECT start_date FROM dag_run WHERE dag_id = %s AND run_id = %s), now()) ORDER BY md5(run_id || %s)"
            " LIMIT 1",
            [dag_id, dag_id, run_id, run_id],
        ).fetchone() or (None,)
        self._update_run(dag_id, run_id, "start_date", start)

    def _unstart(self, dag_id: str, run_id: str) -> None:
        (start,) = self._target.execute(
            "SELECT start_date FROM dag_run WHERE dag_id = %s AND run_id = %s", [dag_id, run_id]
        ).fetchone() or (None,)
        if start is None:
            self._change_conf(dag_id, run_id)
        else:
            self._update_run(dag_id, run_id, "start_date", None)

    def _update_run(self, dag_id: str, run_id: str, name: str, value: object) -> None:
        statement = sql.SQL("UPDATE dag_run SET {} = %s WHERE dag_id = %s AND run_id = %s")
        self._target.execute(statement.format(sql.Identifier(name)), [value, dag_id, run_id])
        self._note("*", "dag_runs", (dag_id, run_id), (name,))

    def _remove_run(self, dag_id: str, run_id: str) -> None:
        for kind, rows in self._rows(dag_id, run_id):
            self.found.append(("+", kind, dag_id, run_id, "", (), rows))
        self._target.execute("DELETE FROM dag_run WHERE dag_id = %s AND run_id = %s", [dag_id, run_id])

    def _add_run(self, dag_id: str, run_id: str) -> None:
        """Add a run that starts when another one does, with copies of its task instances."""
        new = f"copy of {run_id}"[:250]
        self._target.execute(
            "INSERT INTO dag_run (dag_id, run_id, execution_date, start_date, end_date, state, run_type,"
            " external_trigger, log_template_id) SELECT dag_id, %s, execution_date + interval '7 microseconds',"
            " start_date, end_date, 'success', 'manual', true, 1 FROM dag_run WHERE dag_id = %s AND run_id = %s",
            [new, dag_id, run_id],
        )
        rest = _names(tuple(name for name in TASK_INSTANCE if name != "run_id"))
        self._target.execute(
            sql.SQL(
                "INSERT INTO task_instance (run_id, {}) SELECT %s, {} FROM task_instance WHERE dag_id = %s"
                " AND run_id = %s"
            ).format(rest, rest),
            [new, dag_id, run_id],
        )
        for kind, rows in self._rows(dag_id, new):
            self.found.append(("-", kind, dag_id, new, "", (), rows))

    def _rows(self, dag_id: str, run_id: str) -> Iterator[tuple[str, int]]:
        for kind, (table, _, _) in _KINDS.items():
            (rows,) = self._target.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE dag_id = %s AND run_id = %s").format(sql.Identifier(table)),
                [dag_id, run_id],
            ).fetchone() or (0,)
            if rows:
                yield kind, rows

    def _pick(self, kind: str, dag_id: str, run_id: str) -> tuple[Any, ...] | None:
        """Return the key of some row of the run, None if it has none of that kind."""
        table, key, _ = _KINDS[kind]
        rows = self._target.execute(
            sql.SQL("SELECT {} FROM {} WHERE dag_id = %s AND run_id = %s ORDER BY {}").format(
                _names(key), sql.Identifier(table), _names(key)
            ),
            [dag_id, run_id],
        ).fetchall()
        return self._random.choice(rows) if rows else None

    def _note(self, mark: str, kind: str, values: tuple[Any, ...], columns: tuple[str, ...] = ()) -> None:
        named = dict(zip(_KINDS[kind][1], values, strict=True))
        names = [name for name in ("task_id", "map_index", "try_number") if name in named]
        key = ", ".join(f"{name}={named[name]}" for name in names)
        self.found.append((mark, kind, named["dag_id"], named["run_id"], key, columns, 1))


def _names(names: tuple[str, ...]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _where(key: tuple[str, ...]) -> sql.Composable:
    return sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in key)
