"""What is to be done with each run."""

import math
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.config.settings import Selection
from transfer.emulator.rows import EPOCH, run_row
from transfer.engine.choose import TAKEN_UP_AGAIN, Choice, choose, fingerprint, without
from transfer.kinds import FINISHED_STATES, Row
from transfer.model import UNSETTLED, Outcome, SettledRun

ALL = Selection()
STATES = ["success", "failed", "running", "queued"]


def runs(*states: str) -> list[Row]:
    """Return a run in each of ``states``, newest first."""
    return [run_row("dag", 100 - number, state=state) for number, state in enumerate(states)]


def ids(choice: Choice) -> list[str]:
    """Return the runs to move."""
    return [row["run_id"] for row in choice.to_move]


def memory(rows: list[Row], outcome: Outcome, *, changed: bool = False) -> Mapping[str, SettledRun]:
    """Remember all ``rows`` with ``outcome``, as they are or as they were before they changed."""
    return {row["run_id"]: SettledRun(row["run_id"], fingerprint(row) ^ changed, outcome) for row in rows}


@given(
    states=st.lists(st.sampled_from(STATES), max_size=12),
    outcome=st.one_of(st.none(), st.sampled_from(list(Outcome))),
    newest=st.one_of(st.none(), st.integers(1, 6)),
    data=st.data(),
)
def test_every_run_has_one_place(
    states: list[str], outcome: Outcome | None, newest: int | None, data: st.DataObject
) -> None:
    """A run is moved, settled or changed, never two of these and never none."""
    rows = runs(*states)
    known = memory(rows, outcome, changed=data.draw(st.booleans())) if outcome else {}
    choice = choose(rows, Selection(newest=newest), known)
    places = ids(choice) + [run.run_id for run in choice.settled + choice.changed]
    assert sorted(places) == sorted(row["run_id"] for row in rows)
    assert choice.fingerprints.keys() == set(ids(choice))
    assert newest is None or outcome in TAKEN_UP_AGAIN or len(choice.to_move) <= newest


def test_only_finished_runs_move() -> None:
    """Runs that are not over are unfinished; null is no state either."""
    rows = [*runs("success", "running", "failed", "queued"), run_row("dag", 1, state=None)]
    choice = choose(rows, ALL, {})
    assert ids(choice) == [rows[0]["run_id"], rows[2]["run_id"]]
    assert {run.outcome for run in choice.settled} == {Outcome.UNFINISHED}


@pytest.mark.parametrize(("since", "until", "moved"), [(3, None, {3, 4, 5}), (None, 3, {1, 2}), (2, 4, {2, 3})])
def test_dates_choose(since: int | None, until: int | None, moved: set[int]) -> None:
    """``since`` is inclusive, ``until`` exclusive, and both look at the logical date."""
    dates = [None if day is None else EPOCH + timedelta(days=day) for day in (since, until)]
    choice = choose([run_row("dag", day) for day in range(1, 6)], Selection(since=dates[0], until=dates[1]), {})
    assert set(ids(choice)) == {run_row("dag", day)["run_id"] for day in moved}
    assert {run.outcome for run in choice.settled} == {Outcome.UNSELECTED}


def test_newest_takes_the_same_of_a_tie_in_any_order() -> None:
    """Of runs that tie at the edge the same ones are taken, however the server orders them this time."""
    rows = [row | {"start_date": None} for row in runs(*["success"] * 5)]
    taken = ids(choose(rows, Selection(newest=2), {}))
    assert taken == ids(choose(rows[3:] + rows[:3], Selection(newest=2), {}))


def test_newest_counts_over_slices() -> None:
    """Runs that earlier slices took count."""
    choice = choose(runs("success", "running", "success", "success"), Selection(newest=4), {}, already_selected=2)
    assert (len(choice.to_move), choice.selected) == (2, 4)
    assert [run.outcome for run in choice.settled] == [Outcome.UNFINISHED, Outcome.UNSELECTED]


@pytest.mark.parametrize("outcome", [Outcome.MOVED, Outcome.ALREADY])
def test_what_is_on_the_target_stays_as_it_is(outcome: Outcome) -> None:
    """A run that was moved or there already is not touched again."""
    rows = runs("success", "failed")
    choice = choose(rows, ALL, memory(rows, outcome))
    assert (choice.to_move, [run.outcome for run in choice.settled]) == ([], [outcome, outcome])


@pytest.mark.parametrize("state", STATES)
def test_what_changed_after_it_was_moved_is_changed(state: str) -> None:
    """A moved run whose row is another one now has changed; when it is over, the target is tried again."""
    rows = runs(state)
    choice = choose(rows, ALL, memory(rows, Outcome.MOVED, changed=True))
    assert [run.outcome for run in choice.changed] == [Outcome.CHANGED]
    again = choose(rows, ALL, memory(rows, Outcome.CHANGED))
    over = state in FINISHED_STATES
    assert (len(again.to_move), [run.outcome for run in again.changed]) == (over, [] if over else [Outcome.CHANGED])


@pytest.mark.parametrize(
    "outcome", [Outcome.IN_FLIGHT, Outcome.FILLING, Outcome.REJECTED, Outcome.PARTIAL, Outcome.UNFINISHED]
)
def test_what_was_not_completed_is_tried_again(outcome: Outcome) -> None:
    """Runs that are not whole on the target are to be moved."""
    rows = runs("success")
    assert ids(choose(rows, ALL, memory(rows, outcome))) == [rows[0]["run_id"]]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("changed", [False, True])
def test_runs_are_replaced_only_if_told(state: str, *, changed: bool) -> None:
    """A marked run waits, as changed, until a run of the program is to replace it and it is over at the source."""
    rows = runs(state)
    known = memory(rows, Outcome.TO_REPLACE, changed=changed)
    for told in (False, True):
        choice = choose(rows, Selection(newest=1, states=("failed",)), known, already_selected=1, replace=told)
        taken = told and state in FINISHED_STATES
        assert len(choice.to_move) == taken
        assert [run.outcome for run in choice.changed] == ([] if taken else [Outcome.TO_REPLACE])


@pytest.mark.parametrize("state", STATES)
def test_what_is_begun_is_finished_untold(state: str) -> None:
    """A run that is being replaced is on the target in no version or in part: it is taken as soon as it is over."""
    rows = runs(state)
    choice = choose(rows, ALL, memory(rows, Outcome.REPLACING, changed=True))
    over = state in FINISHED_STATES
    assert (len(choice.to_move), len(choice.settled)) == (over, not over)


@pytest.mark.parametrize("outcome", [Outcome.MENDING, Outcome.MENDING_FOUND])
def test_only_the_same_version_is_mended(outcome: Outcome) -> None:
    """A run that lacks rows and is another one by now is changed: what lacks of it would not fit the rest."""
    rows = runs("success")
    assert len(choose(rows, ALL, memory(rows, outcome)).to_move) == 1
    changed = choose(rows, ALL, memory(rows, outcome, changed=True)).changed
    assert [run.outcome for run in changed] == [Outcome.CHANGED]


@pytest.mark.parametrize("column", sorted(run_row("dag", 1)))
def test_a_fingerprint_changes_with_every_column(column: str) -> None:
    """Another value anywhere is another fingerprint."""
    row = run_row("dag", 1)
    assert fingerprint(row) != fingerprint(row | {column: "another"})


def test_a_fingerprint_is_stable() -> None:
    """The order of columns does not count, odd values have one, and it fits into 64 bits."""
    row = run_row("dag", 1, conf={"nan": math.nan, "big": 2**90, "half": "\ud83d", "ü": 1})
    assert fingerprint(row) == fingerprint(dict(reversed(row.items())))
    assert 0 <= fingerprint(row) < 2**64


@pytest.mark.parametrize("outcome", [Outcome.IN_FLIGHT, Outcome.FILLING, Outcome.PARTIAL])
def test_half_written_runs_are_completed(outcome: Outcome) -> None:
    """A run that may be there in part is moved whatever the selection says, and remembered while it is not over."""
    rows = runs("success", "success", "running")
    choice = choose(rows, Selection(newest=1, states=("failed",)), memory(rows, outcome, changed=False))
    assert ids(choice) == [row["run_id"] for row in rows[:2]]
    assert [run.outcome for run in choice.settled] == [outcome]


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_restless_runs_keep_what_is_known_of_them(outcome: Outcome | None) -> None:
    """A run that has to wait stays half-written or changed in memory, and else is unfinished."""
    rows = runs("success", "success")
    known = memory(rows, outcome) if outcome else {}
    choice = choose(rows, ALL, known)
    left = without(choice, ids(choice)[:1], known)
    waiting = [run.outcome for run in left.settled + left.changed][-1:] if choice.to_move else []
    kept = UNSETTLED | {Outcome.PARTIAL, Outcome.CHANGED}
    assert waiting == ([outcome if outcome in kept else Outcome.UNFINISHED] if choice.to_move else [])
    assert len(left.to_move) == max(len(choice.to_move) - 1, 0)
