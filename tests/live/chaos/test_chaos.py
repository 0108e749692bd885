"""The short campaign: minutes of chaos on the real pair, and then every row is where it belongs."""

import os
import sys
from pathlib import Path

import pytest

from tests.live.rig import Rig

from .campaign import Campaign, Plan

MINUTES = float(os.environ.get("TRANSFER_LIVE_CHAOS_MINUTES", "3"))
SEED = int(os.environ.get("TRANSFER_LIVE_CHAOS_SEED", "20261120"))
CALM_SECONDS = 1200


@pytest.mark.timeout(MINUTES * 60 + CALM_SECONDS)  # the calm after it has all that is left to move
async def test_chaos_loses_doubles_and_changes_no_row(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever fails on the way and whoever is killed, the target ends with exactly the source's rows."""
    report = await Campaign(rig, Plan(MINUTES, SEED), tmp_path).run()
    with capsys.disabled():
        sys.stdout.write(f"\n{report.as_text()}\n")

    assert report.wrong == []
    assert report.outcome["rows"]["dag_run"] > 0
    assert report.faults_injected > 10 * MINUTES
    assert report.signals["SIGKILL"] > 0
