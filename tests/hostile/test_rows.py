"""Rows that are hard to compare, encode or address are moved all the same, or refused one by one."""

import json
from pathlib import Path
from typing import Any

import pytest

from .deployment import Asked, Deployment, Reply, answer
from .running import between, ending_of

CONFS = {
    "NaN": '{"x": NaN}',
    "infinity": '{"x": [Infinity, -Infinity, 1e999]}',
    "an integer of 4,000 digits": "9" * 4_000,
    "2**64": str(2**64),
    "minus zero": '{"x": [-0, -0.0]}',
    "a lone surrogate": '"\\ud800"',
    "a NUL": '"a\\u0000b"',
    "100 nested lists": "[" * 100 + "]" * 100,
    "a million braces": json.dumps("},{" * 300_000),
}


def source_of(conf: str) -> Deployment:
    """Return a source of three runs, the last of which has this text as its conf."""
    source = Deployment.of(3)
    source.runs[-1]["conf"] = "@@"

    def script(asked: Asked, honest: Any) -> Reply | None:
        if asked.route != "dag_runs":
            return None
        return answer(json.dumps(honest).replace('"@@"', conf).encode())

    source.script = script
    return source


@pytest.mark.parametrize("conf", CONFS.values(), ids=CONFS)
def test_odd_confs_are_moved(tmp_path: Path, conf: str) -> None:
    """What the source can say of a conf arrives at the target as it was said."""
    target = Deployment.of(0)
    with between(tmp_path, source_of(conf), target, seconds=5) as config:
        assert ending_of(config) == "fine"
    assert repr([row["conf"] for row in target.runs]) == repr([{}, {}, json.loads(conf)])


@pytest.mark.parametrize("conf", ["[" * 300 + "]" * 300, "9" * 5_000], ids=["300 nested lists", "5,000 digits"])
def test_what_cannot_be_written_again_is_refused(tmp_path: Path, conf: str) -> None:
    """What no codec is sure to write is refused as it comes in, before anything is sent."""
    target = Deployment.of(0)
    with between(tmp_path, source_of(conf), target, seconds=5) as config:
        assert ending_of(config) == "UnexpectedAnswerError"
    assert target.runs == []
