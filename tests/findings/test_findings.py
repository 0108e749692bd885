"""The result store: what is stored is read, exactly once, and nobody else's file is touched."""

import os
import sqlite3
import stat
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from transfer.errors import StateCorruptError, StateError, StateLockedError
from transfer.findings import (
    DifferingRun,
    FindingsStore,
    Identity,
    Opening,
    Phase,
    Point,
    Sighting,
    Spot,
    Step,
    Tally,
    read_findings,
)
from transfer.model import Difference, Mark

WHAT = Identity("https://a.example", "https://b.example", "{}")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def opened(folder: Path, what: Identity = WHAT, seed: int | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201  a context manager
    """Open a store."""
    return FindingsStore.open(folder, Opening(what, seed), clock=lambda: NOW)


def sighting(run_id: str, start: str | None = "s", offset: int = 3, *, wanted: bool = True) -> Sighting:
    """Return a sighting."""
    return Sighting(run_id, Spot(start, offset), offset + 1, wanted)


def tally(**rows: int) -> Tally:
    """Return a tally of equal rows."""
    return Tally(Counter({(kind, Mark.SAME): count for kind, count in rows.items()}), Counter({("k", "c"): 2}), 1)


async def test_what_was_found_is_read(tmp_path: Path) -> None:
    """Differences come run by run, with the counts of each run and of the target's rows."""
    found = [
        Difference(Mark.DIFFERS, "task_instances", "d", "r2", "task_id=t", ("a", "b")),
        Difference(Mark.EXTRA, "task_instances", "d", "r2", "task_id=u"),
        Difference(Mark.MISSING, "dag_runs", "d", "r1"),
        Difference(Mark.MISSING, "task_instances", "d", "r1", rows=7),
    ]
    async with opened(tmp_path, seed=9) as store:
        await store.plan([("d", 10)])
        await store.looked("d", ["r1", "r2"], tally(dag_runs=3), found, {"r2": {"dag_runs": 1, "task_instances": 4}})
        await store.end("d")
        assert await store.finish()
    with read_findings(tmp_path) as findings:
        assert (findings.id, findings.seed, findings.identity) == (store.id, 9, WHAT)
        assert (findings.started_at, findings.ended_at, findings.finished) == (NOW, NOW, True)
        assert list(findings.differences("d")) == [*found[2:], *found[:2]]
        assert list(findings.runs("d")) == [
            DifferingRun("d", "r1", {"dag_runs": {Mark.MISSING: 1}, "task_instances": {Mark.MISSING: 7}}, {}),
            DifferingRun(
                "d",
                "r2",
                {"task_instances": {Mark.DIFFERS: 1, Mark.EXTRA: 1}},
                {"dag_runs": 1, "task_instances": 4},
            ),
        ]
        (dag,) = findings.dags()
        assert (dag.unfinished, dag.losses, dag.rows) == (1, {"k": {"c": 2}}, {"dag_runs": {Mark.SAME: 3}})
        assert (list(findings.differences("other")), list(findings.runs("other"))) == ([], [])


async def test_many_differences_are_read_in_pages(tmp_path: Path) -> None:
    """However many there are, each comes once."""
    found = [Difference(Mark.MISSING, "dag_runs", "d", f"r{number:05d}") for number in range(1_234)]
    async with opened(tmp_path) as store:
        await store.plan([("d", 10)])
        await store.looked("d", [], Tally(), found, {})
    with read_findings(tmp_path) as findings:
        assert list(findings.differences("d")) == found
        assert [run.run_id for run in findings.runs("d")] == [difference.run_id for difference in found]


async def test_halves_find_each_other(tmp_path: Path) -> None:
    """A run that each side showed at another place is one suspect; what is explained is none."""
    async with opened(tmp_path) as store:
        await store.plan([("d", 10)])
        source = [sighting("both", "x"), sighting("lacks"), sighting("unfinished", wanted=False)]
        target = [sighting("both", "y", 8), sighting("more"), sighting("unfinished"), sighting("old", wanted=False)]
        await store.advance("d", Step(Point(), source_only=source))
        await store.advance("d", Step(Point(), target_only=target))
        await store.begin_look("d", (1, 2))
        suspects = {suspect.run_id: suspect for suspect in await store.suspects("d", 10)}
        assert suspects.keys() == {"both", "lacks", "more"}
        assert (suspects["both"].source, suspects["both"].target) == (Spot("x", 3), Spot("y", 8))
        assert (suspects["lacks"].target, suspects["lacks"].target_offset) == (None, 4)
        assert (suspects["more"].source, suspects["more"].source_offset) == (None, 4)


async def test_runs_are_seen_once(tmp_path: Path) -> None:
    """A run counts once per side; one that is seen at the front only explains what the other side has."""
    async with opened(tmp_path) as store:
        await store.plan([("d", 10)])
        await store.advance("d", Step(Point(), source_ids=["a", "b"], target_ids=["a"], target_only=[sighting("c")]))
        await store.see_again("d", "source", [sighting("b", wanted=False), sighting("c", wanted=False)])
        assert (await store.seen("d", "source"), await store.seen("d", "target")) == (3, 1)
        await store.begin_look("d", (3, 1))
        assert await store.suspects("d", 10) == []


async def test_a_place_is_kept(tmp_path: Path) -> None:
    """A point is what it was after another process has opened the store."""
    point = Point(Phase.TAIL, Spot(None, 4), Spot("2026", 5), 7, ("f", None))
    async with opened(tmp_path) as store:
        await store.plan([("d", 10), ("e", 1)])
        assert await store.point("d") == Point()
        await store.advance("d", Step(point))
    async with opened(tmp_path) as store:
        assert store.resumed
        assert (await store.point("d"), await store.point("e")) == (point, Point())
        await store.restart("d", Point(missing=True))
        assert await store.point("d") == Point(missing=True)


async def test_a_restart_forgets_what_was_found(tmp_path: Path) -> None:
    """Nothing of the former walk over a DAG is left; other DAGs keep theirs."""
    found = [Difference(Mark.MISSING, "dag_runs", dag_id, "r") for dag_id in ("d", "e")]
    async with opened(tmp_path) as store:
        await store.plan([("d", 10), ("e", 1)])
        for difference in found:
            step = Step(Point(), tally(dag_runs=1), ["a"], ["a"], differences=[difference])
            await store.advance(difference.dag_id, step)
        await store.restart("d", Point())
        assert await store.seen("d", "source") == 0
    with read_findings(tmp_path) as findings:
        assert (list(findings.differences("d")), list(findings.differences("e"))) == ([], found[1:])
        assert [dag.rows for dag in findings.dags()] == [{}, {"dag_runs": {Mark.SAME: 1}}]


async def test_what_was_noted_half_way_is_dropped(tmp_path: Path) -> None:
    """Differences of runs that are still suspect go when the look at them begins again."""
    async with opened(tmp_path) as store:
        await store.plan([("d", 10)])
        await store.advance("d", Step(Point(), source_only=[sighting("a"), sighting("b")]))
        await store.note("d", [Difference(Mark.MISSING, "dag_runs", "d", name) for name in ("a", "b", "c")])
        await store.forget("d", ["a"])
        await store.forget_suspects("d")
    with read_findings(tmp_path) as findings:
        assert [difference.run_id for difference in findings.differences("d")] == ["c"]


async def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    """A verification that begins while another result is read does not pull it away."""
    async with opened(tmp_path) as store:
        await store.plan([("d", 10)])
        await store.looked("d", [], Tally(), [Difference(Mark.MISSING, "dag_runs", "d", "r")], {})
    with read_findings(tmp_path) as findings:
        async with opened(tmp_path, Identity(WHAT.source, WHAT.target, "z")):
            assert len(list(findings.differences("d"))) == 1
    with read_findings(tmp_path) as findings:
        assert (findings.identity.selection, findings.dags()) == ("z", [])


async def test_the_directories_of_a_result_are_private(tmp_path: Path) -> None:
    """What is missing above the state directory is made for the user alone, too."""
    folder = tmp_path / "above" / "state"
    mask = os.umask(0o022)
    try:
        async with opened(folder):
            pass
    finally:
        os.umask(mask)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, folder.parent)] == [0o700, 0o700]


async def test_one_verification_at_a_time(tmp_path: Path) -> None:
    """The second one is turned away."""
    async with opened(tmp_path):
        with pytest.raises(StateLockedError):
            async with opened(tmp_path):
                pass


def test_nothing_was_verified(tmp_path: Path) -> None:
    """Without a verification there is nothing to read, and nothing is made."""
    with pytest.raises(StateError, match="there is no verification"), read_findings(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


async def test_somebody_elses_file_is_left_alone(tmp_path: Path) -> None:
    """A database that this program did not write is neither read nor replaced."""
    path = tmp_path / "verify.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    with pytest.raises(StateCorruptError, match="not written by this program"):
        async with opened(tmp_path):
            pass
    with pytest.raises(StateCorruptError), read_findings(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one" * 100])
async def test_damage(tmp_path: Path, content: bytes) -> None:
    """An empty file is begun anew; one that is no database is refused with what to do."""
    (tmp_path / "verify.sqlite").write_bytes(content)
    if content:
        with pytest.raises(StateCorruptError) as refused:
            async with opened(tmp_path):
                pass
        assert refused.value.hint
        return
    async with opened(tmp_path) as store:
        assert not store.resumed


async def test_an_empty_file_is_no_result(tmp_path: Path) -> None:
    """What a process leaves that died while it made the file is not taken for a result."""
    (tmp_path / "verify.sqlite").touch()
    with pytest.raises(StateError), read_findings(tmp_path):
        pass


async def test_any_name_can_be_stored(tmp_path: Path) -> None:
    """Names with half of a surrogate pair, zero bytes or line ends are stored in some readable form."""
    name = "a\ud83d\x00\n'é"
    async with opened(tmp_path) as store:
        await store.plan([(name, 1)])
        found = [Difference(Mark.DIFFERS, "dag_runs", name, name, name, (name,))]
        await store.looked(name, [name], Tally(losses=Counter({("k", name): 1})), found, {name: {"dag_runs": 1}})
        await store.end(name)
        assert await store.finish()
    with read_findings(tmp_path) as findings:
        (dag,) = findings.dags()
        (difference,) = findings.differences(dag.dag_id)
        assert difference.run_id == "a\\ud83d\x00\n'é"
