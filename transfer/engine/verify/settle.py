"""Say what became of suspects that both sides were asked for a second time.

source      target      verdict
not over    any         unfinished
restless    any         unfinished
at rest     restless    changed
at rest     there       compared row by row
at rest     not there   missing
not there   there       surplus, if the selection takes it
not there   not there   changed

A run that stood on a side at first and is not found there any more was looked for where runs move to.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing

from transfer.engine.verify.fold import RunFold, canonical, differing_columns, fitted, fold_children
from transfer.engine.verify.found import Found
from transfer.engine.verify.judge import outcomes_of, selected_ids
from transfer.engine.verify.looking import Looked
from transfer.engine.verify.rows import Children, Pair, differing_rows
from transfer.engine.verify.side import Deployment, moved
from transfer.engine.verify.walk import Comparing
from transfer.findings import Suspect
from transfer.kinds import CHILDREN, DAG_RUNS, Kind
from transfer.model import Difference, Mark, Outcome


class Settling:
    """Settles one group of suspects; ``found`` takes the verdicts."""

    def __init__(self, comparing: Comparing, source: Looked, target: Looked, found: Found) -> None:
        self._comparing = comparing
        self._source = source
        self._target = target
        self._found = found
        self._left: Mapping[str, RunFold] = {}
        self._right: Mapping[str, RunFold] = {}
        self._outcomes: Mapping[str, Outcome] = {}
        self._differing: set[str] = set()

    async def settle(self, group: Sequence[Suspect]) -> None:
        """Settle ``group``.

        Raises ``UnexpectedAnswerError`` for a page that is not what it should be, ``DriftError`` for one that belongs
        to other runs.
        """
        self._left = await self._folded(self._comparing.source, self._source)
        self._right = await self._folded(self._comparing.target, self._target)
        self._outcomes = outcomes_of(self._source.rows.values(), self._comparing.unbounded)
        pairs = [suspect.run_id for suspect in group if await self._is_pair(suspect)]
        for run_id in pairs:
            await self._run(run_id)
        for kind in CHILDREN:
            await self._children(kind, pairs)
        self._hold()

    async def _is_pair(self, suspect: Suspect) -> bool:
        """Tell whether the run is to be compared; otherwise it is settled."""
        run_id = suspect.run_id
        here, there = run_id in self._source.rows, run_id in self._target.rows
        if run_id in self._outcomes:
            self._found.tally.unfinished += self._outcomes[run_id] is Outcome.UNFINISHED
        elif run_id in self._source.restless:
            self._found.tally.unfinished += 1
        elif here and there and run_id not in self._target.restless:
            return True
        elif here and not there:
            await self._whole(Mark.MISSING, run_id, self._left[run_id])
        elif there and not here and self._is_surplus(suspect):
            await self._whole(Mark.EXTRA, run_id, self._right[run_id])
        else:
            self._found.tally.changed += 1
        return False

    def _is_surplus(self, suspect: Suspect) -> bool:
        """Tell whether a run that the target alone has is a difference; of one that the source had, only now."""
        if suspect.source is None:
            return True
        row = self._target.rows[suspect.run_id]
        return not self._comparing.one_way and bool(selected_ids([row], self._comparing.unbounded))

    async def _whole(self, mark: Mark, run_id: str, fold: RunFold) -> None:
        """Settle a run that one side alone has, with all its rows."""
        rows = {DAG_RUNS.name: 1} | {kind: children.rows for kind, children in fold.kinds.items() if children.rows}
        for kind, count in rows.items():
            await self._add(Difference(mark, kind, self._found.dag_id, run_id, rows=count))

    async def _run(self, run_id: str) -> None:
        self._found.tally.with_children += 1
        self._found.tally.losses.update(self._left[run_id].losses)
        mine, lost = fitted(self._comparing.source.fit, self._source.rows[run_id])
        theirs, _ = fitted(self._comparing.target.fit, self._target.rows[run_id])
        self._found.tally.losses.update((DAG_RUNS.name, column) for column in lost)
        if canonical(mine) == canonical(theirs):
            self._found.same(DAG_RUNS.name, 1)
            return
        columns = differing_columns(mine, theirs)
        await self._add(Difference(Mark.DIFFERS, DAG_RUNS.name, self._found.dag_id, run_id, columns=columns))

    async def _children(self, kind: Kind, pairs: Sequence[str]) -> None:
        left = {run_id: self._left[run_id].kinds[kind.name] for run_id in pairs}
        right = {run_id: self._right[run_id].kinds[kind.name] for run_id in pairs}
        differing = {run_id for run_id in pairs if left[run_id] != right[run_id]}
        same = sum(fold.rows for fold in left.values())
        if differing:
            same -= await self._rows(self._pair(kind, differing))
        self._found.same(kind.name, same)

    async def _rows(self, pair: Pair) -> int:
        """Take in the rows that differ; return how many of them the source has."""
        of_source = 0
        async with aclosing(differing_rows(pair)) as differences:
            async for found in differences:
                of_source += found.mark is not Mark.EXTRA
                if found.mark is not Mark.EXTRA or not self._comparing.one_way:
                    await self._add(found)
        return of_source

    def _pair(self, kind: Kind, runs: set[str]) -> Pair:
        source, target = self._comparing.source, self._comparing.target
        left = Children(source.name, self._source.pages, source.fit)
        right = Children(target.name, self._target.pages, target.fit)
        return Pair(self._found.dag_id, kind, left, right, runs)

    async def _add(self, difference: Difference) -> None:
        self._differing.add(difference.run_id)
        await self._found.add(difference)

    def _hold(self) -> None:
        """Note how many rows the target has of the runs with differences."""
        for run_id in self._differing & self._right.keys():
            rows = {kind: fold.rows for kind, fold in self._right[run_id].kinds.items() if fold.rows}
            self._found.held[run_id] = {DAG_RUNS.name: 1} | rows

    async def _folded(self, deployment: Deployment, looked: Looked) -> Mapping[str, RunFold]:
        folds = await fold_children(deployment.name, looked.pages, looked.rows, deployment.fit)
        if looked.shifted:  # a run that came before the page was read, and went before it was confirmed
            raise moved(deployment.name, self._found.dag_id)
        return folds
