"""The error tree: complete, documented, and with the right instructions."""

import re
from collections.abc import Iterator

import pytest

from transfer import errors
from transfer.errors import Advice, ConfigError, ExitCode, LostAnswerError, SideError, ThrottledError, TransferError


def tree(base: type[TransferError] = TransferError) -> Iterator[type[TransferError]]:
    """Yield ``base`` and every class below it."""
    yield base
    for child in base.__subclasses__():
        yield from tree(child)


ALL = sorted({kind for kind in tree() if kind.__module__ == errors.__name__}, key=lambda kind: kind.__name__)


def drawn() -> dict[str, str | None]:
    """Return the classes of the drawn tree with the class above each."""
    above: dict[int, str] = {}
    parents: dict[str, str | None] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)(\w+Error) {2,}\S", line)
        if found:
            depth = len(found[1]) // 4
            above[depth] = found[2]
            parents[found[2]] = above.get(depth - 1)
    return parents


def test_the_drawn_tree_is_the_tree() -> None:
    """Every class stands in the drawing, below the class that it derives from, and nothing else does."""
    real = {kind.__name__: kind.__mro__[1].__name__ if kind is not TransferError else None for kind in ALL}
    assert drawn() == real


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_is_documented(kind: type[TransferError]) -> None:
    """Every class says in its docstring when it is raised."""
    assert kind.__doc__
    assert kind.__doc__.startswith(("Raised ", "Base of all errors"))


@pytest.mark.parametrize(
    ("advice", "names"),
    [
        (Advice.RETRY, {"TransientError", "ConnectError", "ThrottledError", "DriftError"}),
        (Advice.ASK, {"LostAnswerError"}),
        (
            Advice.REJECT,
            {"RefusedError", "ConflictError", "InvalidRowError", "TooLargeError", "AbsentError", "NotRemovableError"},
        ),
    ],
)
def test_advice(advice: Advice, names: set[str]) -> None:
    """What is not to be retried, asked for or rejected ends the job."""
    assert {kind.__name__ for kind in ALL if kind.advice is advice} == names


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (ExitCode.USAGE, {"ConfigError", "StateMismatchError"}),
        (ExitCode.LOCKED, {"StateLockedError"}),
        (ExitCode.DONE, set()),
        (ExitCode.INCOMPLETE, set()),
        (ExitCode.STOPPED, set()),
    ],
)
def test_exit_codes(code: int, names: set[str]) -> None:
    """Errors end a command with 1 but for these."""
    assert {kind.__name__ for kind in ALL if kind.exit_code == code} == names


def test_exit_codes_differ() -> None:
    """The documented codes are 0 to 5, each with one meaning."""
    codes = [value for name, value in vars(ExitCode).items() if name.isupper()]
    assert sorted(codes) == [0, 1, 2, 3, 4, 5]


def test_a_config_error_lists_all_problems() -> None:
    """Every problem has a line of its own."""
    error = ConfigError(["a: wrong", "b: worse"], hint="look")
    assert (str(error), error.problems, error.hint) == ("a: wrong\nb: worse", ["a: wrong", "b: worse"], "look")


def test_a_side_error_names_side_request_dag_and_status() -> None:
    """The message of an error of a deployment is complete."""
    error = SideError("target", "insert", "no", status=409, dag_id="etl")
    assert error.message == "target: insert (DAG etl): HTTP 409: no"
    assert SideError("source", "info", "no").message == "source: info: no"


def test_waits_are_those_of_the_instance() -> None:
    """Nobody is told to wait unless the server said so."""
    assert ThrottledError("source", "info", "no").retry_after is None
    assert LostAnswerError("source", "info", "no").retry_after is None
