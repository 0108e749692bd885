"""Planted bugs: each changes the real code in one spot, as a tired programmer might; the simulator must find them.

A bug is a context manager that puts a worse function in place of a good one.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, Final
from unittest import mock

from transfer import redact as redaction
from transfer.checkpoint import Checkpoint, ResumePoint, database, opening, passes, plan
from transfer.client import http, page, retry, starship, status
from transfer.engine import deliver, lane, load, run, scan, tally, write
from transfer.errors import LostAnswerError, TransientError, UnexpectedAnswerError
from transfer.model import Batch

Bug = Callable[[], AbstractContextManager[Any]]


def _put(where: Any, name: str, value: Any) -> AbstractContextManager[Any]:
    return mock.patch.object(where, name, value)


def skip_reconcile() -> AbstractContextManager[Any]:
    """After a lost answer the rows are taken for stored."""

    async def after_loss(self: deliver.Courier, batch: Batch, _lost: int, _error: LostAnswerError) -> None:
        self.delivery.sent.update(map(batch.kind.key_of, batch.rows))

    return _put(deliver.Courier, "_after_loss", after_loss)


def mark_before_acknowledge() -> AbstractContextManager[Any]:
    """The window is settled, then written."""

    async def write_(job: run.Job, writer: write.Writer, parcel: lane.Parcel) -> None:
        settlement = tally.Tally(parcel.loaded).settlement()
        await job.checkpoint.cut(parcel.loaded.window, parcel.loaded.claims(set()))
        await job.checkpoint.settle(settlement)
        await writer.write(parcel.loaded, set())
        job.progress.settled(settlement)

    return _put(run, "_write", write_)


def ignore_ties() -> AbstractContextManager[Any]:
    """Slices are cut anywhere."""
    good = scan.Scanner._judge

    def judge(self: scan.Scanner, places: list[Any], *, at_start: bool, at_end: bool) -> Any:
        verdict = good(self, places, at_start=at_start, at_end=at_end)
        return (verdict[0], len(places)) if isinstance(verdict, tuple) else verdict

    return _put(scan.Scanner, "_judge", judge)


def resend_on_timeout() -> AbstractContextManager[Any]:
    """A write whose answer was lost is sent again like any other request."""
    good = retry.RetrySender._try

    async def try_(self: retry.RetrySender, request: Any, number: int, round_: Any) -> Any:
        try:
            return await good(self, request, number, round_)
        except LostAnswerError as error:
            raise TransientError(error.side, error.what, error.detail, status=error.status) from error

    return _put(retry.RetrySender, "_try", try_)


def split_run_from_children() -> AbstractContextManager[Any]:
    """The children of a slice are read without looking whether it still holds the same runs."""

    async def unchanged(self: scan.Scanner, part: scan.Slice, *, deletions: bool = True) -> set[str]:
        del self, deletions
        return {row["run_id"] for row in part.rows}

    def no_check(_loaded: Any, _rows: Any) -> None:
        return None

    return _both(_put(scan.Scanner, "unchanged", unchanged), _put(write, "_check_runs", no_check))


def forget_the_history() -> AbstractContextManager[Any]:
    """A failing batch of tries is skipped."""
    good = write.Writer._write_children

    async def write_children(self: Any, loaded: Any, page_: Any, account: Any) -> None:
        if page_.kind.name == "task_instance_history" and len(loaded.rows) > 1:
            return
        await good(self, loaded, page_, account)

    return _put(write.Writer, "_write_children", write_children)


def trust_a_200_page() -> AbstractContextManager[Any]:
    """Any answer with status 200 counts."""
    good = status.judge

    def judge(side: Any, request: Any, reply: Any) -> Any:
        return None if reply.status == 200 else good(side, request, reply)

    async def post(self: starship.Starship, kind: Any, request: Any) -> None:
        request = replace(request, path=starship.PREFIX + kind.route, writes=True)
        (await self._sender.send(request)).body.close()

    return _both(
        _put(http, "judge", judge),
        _put(http, "_complete", lambda _reply: True),
        _put(starship.Starship, "_post", post),
    )


def fsync_off() -> AbstractContextManager[Any]:
    """The checkpoint does not wait for the disk."""
    good = database.prepare

    def prepare(connection: sqlite3.Connection) -> None:
        good(connection)
        connection.execute("PRAGMA synchronous = OFF")

    return _put(opening, "prepare", prepare)


def forget_the_claim() -> AbstractContextManager[Any]:
    """A window is not stored before it is sent."""

    async def cut(*_args: Any) -> bool:
        return True

    return _put(Checkpoint, "cut", cut)


def count_a_truncated_page() -> AbstractContextManager[Any]:
    """A page that stops in the middle counts as far as it came."""
    good = page.StarshipPage._last_rows

    def last_rows(self: page.StarshipPage, held: Any) -> Any:
        try:
            return good(self, held)
        except UnexpectedAnswerError:
            text = bytes(held)
            ends = [place.end() for place in re.finditer(rb"\}", text)]
            return next((rows for end in reversed(ends) if (rows := page.parsed_list(text[:end])) is not None), [])

    return _both(_put(http, "_complete", lambda _reply: True), _put(page.StarshipPage, "_last_rows", last_rows))


def move_the_living() -> AbstractContextManager[Any]:
    """Runs whose tasks are not over are moved as they are."""

    async def live_runs(_tasks: Any, _run_ids: Any) -> set[str]:
        return set()

    return _put(load, "live_runs", live_runs)


def store_the_servers_words() -> AbstractContextManager[Any]:
    """What the server says is kept as it is."""
    return _both(
        _put(status, "redact", lambda text, _limit=0: text), _put(redaction, "redact", lambda text, _l=0: text)
    )


def own_nothing_late() -> AbstractContextManager[Any]:
    """Rows of a request that is carried out late count as somebody else's."""
    good = deliver.Courier._note

    def note(self: deliver.Courier, there: set[Any], *, ours: bool = False) -> None:
        self._late.clear()
        good(self, there, ours=ours)

    return _put(deliver.Courier, "_note", note)


def begin_behind_the_gap() -> AbstractContextManager[Any]:
    """After a restart reading goes on behind the last window that was done, and what it passes over is not missed."""
    statement = passes._DONE.replace("ORDER BY number", "ORDER BY number DESC LIMIT 1")
    good = passes.resume_point

    def resume_point(connection: sqlite3.Connection, dag_id: str) -> Any:
        dag = plan.key_of(connection, dag_id)
        newest, finished = plan.passes_of(connection, dag)
        found = connection.execute(statement, (dag, newest)).fetchone() if newest != finished else None
        if found is None:
            return good(connection, dag_id)
        connection.execute("DELETE FROM window WHERE dag = ? AND state = 'cut'", (dag,))
        return ResumePoint(newest, found[0] + 1, found[1], found[2], fresh=False)

    async def shortfall(*_args: Any) -> None:
        return None

    async def carry(self: lane.Lane, dag: Any) -> str | None:
        point = await self._start(dag)
        problem = await self._pass(dag, point)
        if problem is None:
            await self._reading.checkpoint.finish_pass(dag.dag_id, point.pass_number)
        return problem

    return _both(
        _put(passes, "resume_point", resume_point),
        _put(lane.Lane, "_shortfall", shortfall),
        _put(lane.Lane, "carry", carry),
    )


def _both(*patches: AbstractContextManager[Any]) -> AbstractContextManager[Any]:
    stack = ExitStack()
    for patch in patches:
        stack.enter_context(patch)
    return stack


BUGS: Final[Mapping[str, Bug]] = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        skip_reconcile,
        mark_before_acknowledge,
        ignore_ties,
        resend_on_timeout,
        split_run_from_children,
        forget_the_history,
        trust_a_200_page,
        fsync_off,
        forget_the_claim,
        count_a_truncated_page,
        move_the_living,
        store_the_servers_words,
        own_nothing_late,
        begin_behind_the_gap,
    )
}


@contextmanager
def planted(bug: str | None) -> Iterator[None]:
    """Plant a bug by its name; none for None."""
    with BUGS[bug]() if bug else nullcontext():
        yield
