"""Read what hangs on a slice of runs, and make sure that it belongs together."""

from dataclasses import dataclass

from transfer.client.base import Source
from transfer.engine.ahead import Begun
from transfer.engine.children import Pages, read_children
from transfer.engine.choose import Choice, outcomes_before, without
from transfer.engine.live import live_runs, recent_runs
from transfer.engine.scan import Scanner, Slice
from transfer.engine.size import WindowSize
from transfer.engine.window import LoadedWindow
from transfer.model import SettledRun, Window


@dataclass(frozen=True, slots=True)
class Seen:
    """A slice of runs, what is to be done with them, and what was remembered of them then."""

    part: Slice
    choice: Choice
    known: dict[str, SettledRun]


class Loader:
    """Loads windows of one DAG, several at once; ``size`` and ``skim`` learn from them how large the next should be.

    ``skim`` is for slices of which nothing is to be moved.
    """

    def __init__(self, source: Source, dag_id: str, scanner: Scanner, size: WindowSize, skim: WindowSize) -> None:
        self._source = source
        self._dag_id = dag_id
        self._scanner = scanner
        self._size = size
        self._skim = skim

    async def load(self, seen: Seen, window: Window, begun: Begun) -> LoadedWindow | None:
        """Return the window of a slice; None if it has to be read again (moved, or too large), or is not wanted."""
        if not seen.choice.to_move:
            self._skim.learn(len(seen.part.rows), seen.part.size, 0)
            return LoadedWindow(window, seen.choice, set(), seen.part.run_count, {}, recalled=seen.known)
        narrow = seen.part.narrowed({row["run_id"] for row in seen.choice.to_move})
        pages = await read_children(self._source, self._dag_id, narrow)
        if pages is None:
            self._size.shrink(len(narrow.rows))
            return None
        if not begun.is_wanted:
            pages.close()
            return None
        try:
            return await self._confirmed(seen, window, narrow, pages)
        except BaseException:  # whatever ends this, also a cancellation, must free the pages
            pages.close()
            raise

    async def _confirmed(self, seen: Seen, window: Window, narrow: Slice, pages: Pages) -> LoadedWindow | None:
        same = await self._scanner.unchanged(narrow)
        if same is None:
            pages.close()
            return None
        same -= await live_runs(pages.tasks, recent_runs(seen.choice.to_move))
        self._size.learn(len(narrow.rows), narrow.size + pages.size, pages.seconds)
        restless = [row["run_id"] for row in seen.choice.to_move if row["run_id"] not in same]
        run_ids = {row["run_id"] for row in narrow.rows}
        before = outcomes_before(seen.known, seen.choice.fingerprints)
        return LoadedWindow(
            window,
            without(seen.choice, restless, seen.known),
            run_ids,
            narrow.run_count,
            before,
            pages.pages,
            seen.known,
        )
