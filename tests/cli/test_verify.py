"""``transfer verify``: what it says, and every exit code."""

import signal
import stat

import pytest

from transfer.emulator import Answer, Faults, Rule, TableHistory
from transfer.emulator.rows import dag_row, run_row
from transfer.kinds import DAG_RUNS, TASK_INSTANCES

from .calling import PATIENCE, Command, ended, interrupt, process
from .deployments import TARGET_PASSWORD, Pair, behaviour, pair_of

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture
def moved(pair: Pair, transfer: Command) -> Pair:
    """Two deployments with the same history; nothing is left of how it got there."""
    assert transfer("run", "--config", pair.config(), "--state-dir", pair.folder / "of the run").code == 0
    return pair


def damage(table: TableHistory) -> None:
    """Change a run, a task instance, and remove a run."""
    runs = [run for run in table.runs("dag_0000") if run["state"] == "success"]
    runs[3]["conf"] = {"other": 1}
    table.children(TASK_INSTANCES, "dag_0000", runs[5]["run_id"])[0].update(state="removed", pid=1)
    table.remove_run("dag_0000", runs[7]["run_id"])


def test_a_moved_history_is_the_same(transfer: Command, moved: Pair) -> None:
    """Exit code 0, every row is counted, and no state of the run is needed."""
    said = transfer("verify", "--config", moved.config())
    assert said.code == 0, said.err
    assert said.out.startswith("the same\n")
    rows = [line.split() for line in said.out.splitlines()]
    assert ["all", "dag_runs", "60"] in rows
    assert ["all", "task_instances", "180"] in rows
    assert "360 rows compared" in said.out


def test_differences_are_named(transfer: Command, moved: Pair) -> None:
    """Exit code 3, with counts by verdict and the rows and columns that differ."""
    damage(moved.table)
    said = transfer("verify", "--config", moved.config())
    assert said.code == 3, said.err
    assert said.out.startswith("not the same\n")
    marks = sorted(line.strip()[0] for line in said.out.splitlines() if line.startswith("  "))
    assert marks[:2] == ["*", "*"]
    assert marks.count("+") in {2, 3}
    assert ", map_index=-1: pid, state" in said.out
    assert f"transfer verify --list --state-dir {moved.state_dir}" in said.out


def test_the_last_result_is_listed(transfer: Command, moved: Pair) -> None:
    """With --list nobody is asked anything, every difference is printed, and the exit code is the same."""
    damage(moved.table)
    config = moved.config()
    first = transfer("verify", "--config", config, "--json")
    moved.source.requests.clear()
    listed = transfer("verify", "--config", config, "--list", "--json")
    assert (listed.code, moved.source.requests) == (3, [])
    assert [{"event": "difference", **found} for found in first.result["differences"]] == listed.objects[:-1]
    assert transfer("verify", "--list", "--state-dir", moved.state_dir).out.count("* dag_runs") == 1


def test_there_is_nothing_to_list(transfer: Command, pair: Pair) -> None:
    """Exit code 1 where nothing was verified."""
    said = transfer("verify", "--config", pair.config(), "--list")
    assert (said.code, "there is no verification" in said.err) == (1, True)


def test_a_dag_that_the_target_lacks_is_a_difference(transfer: Command, folder: object) -> None:
    """Its runs are counted as missing, its children are not read, and both is said."""
    with pair_of(folder, table=TableHistory([dag_row("dag_0000")])) as pair:  # type: ignore[arg-type]  # a Path
        assert transfer("run", "--config", pair.config()).code == 0
        said = transfer("verify", "--config", pair.config(), "--json")
        assert said.code == 3
        assert said.result["dags"]["dag_0001"]["missing"]
        assert said.result["kinds"]["dag_runs"]["missing"] == 30
        assert said.result["kinds"]["task_instances"]["missing"] == 0


def test_dags_that_only_the_target_has_are_counted(transfer: Command, moved: Pair) -> None:
    """They are not looked at, which is said, and they are no difference; those without runs have no history."""
    for dag_id in ("theirs", "also theirs", "without runs"):
        moved.table._dags[dag_id] = dag_row(dag_id)
    for dag_id in ("theirs", "also theirs"):
        moved.table.add(DAG_RUNS, run_row(dag_id, 1))
    said = transfer("verify", "--config", moved.config())
    assert (said.code, "2 DAGs with runs are on the target only and were not looked at" in said.out) == (0, True)
    assert transfer("verify", "--config", moved.config(), "--json").result["target_only_dags"] == 2
    narrow = transfer("verify", "--config", moved.config(), "--dag", "dag_*", "--json")
    assert narrow.result["target_only_dags"] == 0


@pytest.mark.parametrize("sample", ["0", "101%", "many", "-1", "nan"])
def test_a_sample_that_is_no_share(transfer: Command, pair: Pair, sample: str) -> None:
    """Exit code 2 for a sample that is no share."""
    said = transfer("verify", "--config", pair.config(), f"--sample={sample}")
    assert (said.code, "a share is wanted" in said.err) == (2, True)


def test_a_sample_is_said_to_be_one(transfer: Command, moved: Pair) -> None:
    """All runs are compared, children of some windows, and the headline says so; the seed is said."""
    said = transfer("verify", "--config", moved.config(), "--sample", "50%", "--seed", 1, "--json")
    assert (said.code, said.result["sample"], said.result["seed"]) == (0, 0.5, 1)
    assert said.result["kinds"]["dag_runs"]["same"] == 60
    assert said.result["kinds"]["task_instances"]["same"] < 180
    assert "of a sample" in said.result["result"]


def test_the_result_is_private(transfer: Command, moved: Pair) -> None:
    """Only the owner may read what was found."""
    transfer("verify", "--config", moved.config())
    modes = [stat.S_IMODE(path.stat().st_mode) for path in [moved.state_dir, *moved.state_dir.glob("verify*")]]
    assert modes == [0o700, *[0o600] * (len(modes) - 1)]


@SIGNALS
def test_a_signal_stops_and_the_next_run_goes_on(transfer: Command, moved: Pair, number: signal.Signals) -> None:
    """Exit code 4; the same command goes on with the same verification and finds everything."""
    damage(moved.table)
    gate = moved.gate(moved.target, "GET", "task_instances", nth=2)
    with process("verify", "--config", moved.config(), "--json") as started:
        assert gate.reached.wait(PATIENCE)
        interrupt(started, number, "what was compared is kept")
        said = ended(started)
    moved.target.behaviour.on_request = None
    gate.open()
    assert (said.code, said.result["finished"]) == (4, False)
    again = transfer("verify", "--config", moved.config(), "--json")
    assert (again.code, again.result["verification"]) == (3, said.result["verification"])
    assert again.result["kinds"]["dag_runs"] == {"same": 58, "differs": 1, "missing": 1, "extra": 0, "unreadable": 0}


def test_two_verifications_at_once(transfer: Command, moved: Pair) -> None:
    """Exit code 5 for the second one."""
    gate = moved.gate(moved.target, "GET", "task_instances")
    with process("verify", "--config", moved.config()) as started:
        assert gate.reached.wait(PATIENCE)
        said = transfer("verify", "--config", moved.config())
        assert said.code == 5
        assert "another verification" in said.err
        assert "transfer status" not in said.err
        started.kill()
    gate.open()


def test_a_window_that_the_target_cannot_read(transfer: Command, moved: Pair) -> None:
    """Its runs are unreadable, the others are compared."""
    broken = Rule(Answer(500), method="GET", route="task_instances")
    moved.target.behaviour.faults = Faults([broken])
    said = transfer("verify", "--config", moved.config(), "--dag", "dag_0001", "--newest", 3, "--json")
    assert said.code == 3
    assert said.result["kinds"]["dag_runs"]["unreadable"] == 3


def test_a_run_that_only_the_target_has(transfer: Command, moved: Pair) -> None:
    """It is a difference, unless one looks one way."""
    moved.table.add(DAG_RUNS, run_row("dag_0001", 5, run_id="mine"))
    one_way = transfer("verify", "--config", moved.config(), "--one-way")
    assert (one_way.code, "only the target has were not looked for" in one_way.out) == (0, True)
    assert "- dag_runs dag_0001 mine" in transfer("verify", "--config", moved.config()).out


def test_a_target_that_is_gone_ends_it(transfer: Command, moved: Pair) -> None:
    """Exit code 1 with a message, when the target does not answer any more."""
    config = moved.config(target__url="http://127.0.0.1:9")
    said = transfer("verify", "--config", config)
    assert (said.code, "target" in said.err) == (1, True)


def test_wrong_password(transfer: Command, pair: Pair) -> None:
    """Exit code 1: neither side is trusted to be empty."""
    pair.target.behaviour.door = behaviour("another").door
    said = transfer("verify", "--config", pair.config())
    assert said.code == 1
    assert TARGET_PASSWORD not in said.err


def test_a_dag_that_the_target_does_not_list(transfer: Command, folder: object) -> None:
    """It is told from one that is there without runs, and what to do about it is said."""
    with pair_of(folder, table=TableHistory([dag_row("dag_0000")])) as pair:  # type: ignore[arg-type]  # a Path
        said = transfer("verify", "--config", pair.config())
    assert "dag_0001: the target does not have it (deploy it there" in said.out
    assert "dag_0000: the target has it, without any run" in said.out


def test_a_small_sample_compares_something_of_every_dag(transfer: Command, moved: Pair) -> None:
    """The real share and the number of runs are said, not what was asked for."""
    said = transfer("verify", "--config", moved.config(), "--sample", "1%", "--json")
    assert {dag["runs_with_children_compared"] for dag in said.result["dags"].values()} == {1}
    assert said.result["runs_compared"] == 60
    assert said.result["sampled_share"] == pytest.approx(2 / 60)
    assert "2 of 60 runs (3.33%)" in said.result["result"]


def test_the_result_of_another_pair_is_kept(transfer: Command, moved: Pair) -> None:
    """Exit code 2 with both URLs; --restart replaces it."""
    assert transfer("verify", "--config", moved.config()).code == 0
    url = moved.target.url.replace("127.0.0.1", "localhost")
    other = ("verify", "--config", moved.config(), "--target-url", url, "--restart")
    said = transfer(*other[:-1])
    assert said.code == 2, said.err
    assert f"target: there {moved.target.url}, here {url}" in said.err
    assert transfer("verify", "--list", "--state-dir", moved.state_dir).code == 0
    assert transfer(*other).code == 0


def test_the_state_of_another_job_is_refused(transfer: Command, moved: Pair) -> None:
    """Exit code 2 with both URLs, before anybody is asked; another selection is no other job."""
    state = ("verify", "--config", moved.config(), "--state-dir", moved.folder / "of the run")
    moved.source.requests.clear()
    said = transfer(*state, "--target-url", "http://127.0.0.1:9", "--restart")
    assert (said.code, moved.source.requests) == (2, [])
    assert f"target: there {moved.target.url}, here http://127.0.0.1:9" in said.err
    assert transfer(*state, "--dag", "dag_0001").code == 0


def test_an_unfinished_verification_is_not_dropped_in_silence(transfer: Command, moved: Pair) -> None:
    """With other options it is given up, and in what they differ is said."""
    moved.target.behaviour.faults = Faults([Rule(Answer(401), method="GET", route="task_instances")])
    assert transfer("verify", "--config", moved.config()).code == 1
    moved.target.behaviour.faults = Faults([])
    said = transfer("verify", "--config", moved.config(), "--one-way")
    assert said.code == 0, said.err
    assert "given up" in said.err
    assert "one_way: there False, here True" in said.err


def test_a_list_of_some_dags(transfer: Command, moved: Pair) -> None:
    """--dag narrows it, which the headline says; a DAG that was not compared is a mistake."""
    damage(moved.table)
    assert transfer("verify", "--config", moved.config()).code == 3
    listing = ("verify", "--list", "--state-dir", moved.state_dir)
    said = transfer(*listing, "--dag", "dag_0001", "--json")
    assert (said.code, len(said.objects), list(said.result["dags"])) == (0, 1, ["dag_0001"])
    assert said.result["result"] == "the same, without 1 DAGs that were not asked for"
    assert transfer(*listing, "--dag", "dag_0000").code == 3
    assert transfer(*listing, "--dag", "none").code == 2


@pytest.mark.parametrize("flags", [("--restart",), ("--source-url", "http://x"), ("--sample", "5%"), ("--seed", "0")])
def test_flags_that_a_list_has_no_use_for(transfer: Command, moved: Pair, flags: tuple[str, ...]) -> None:
    """Exit code 2, with the name of the flag."""
    said = transfer("verify", "--list", "--state-dir", moved.state_dir, *flags)
    assert (said.code, flags[0] in said.err) == (2, True)


def test_a_seed_without_a_sample(transfer: Command, pair: Pair) -> None:
    """Exit code 2: it would decide nothing."""
    said = transfer("verify", "--config", pair.config(), "--seed", 1)
    assert (said.code, "--seed" in said.err) == (2, True)


def test_how_many_differences_are_not_shown_is_said(transfer: Command, moved: Pair) -> None:
    """Machines get the first ones and the number of all, and all of them from the list."""
    for run in moved.table.runs("dag_0000"):
        run["conf"] = {"other": 1}
    said = transfer("verify", "--config", moved.config(), "--json").result
    shown, total = said["differences_shown"], said["differences_total"]
    assert (shown, len(said["differences"]), total > shown) == (20, 20, True)
    assert (said["source"], said["target"]) == (moved.source.url, moved.target.url)
    listed = transfer("verify", "--list", "--state-dir", moved.state_dir, "--json")
    assert len(listed.objects) - 1 == total == listed.result["differences_shown"]
