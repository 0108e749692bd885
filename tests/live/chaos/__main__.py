"""`python -m tests.live.chaos --minutes 30`: boot a pair, let chaos loose on it, and say what became of every row.

Ends with exit code 0 if nothing was wrong, 1 if something was.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import anyio

from tests.live.environment import OFTEN
from tests.live.rig import boot

from .campaign import Campaign, Plan
from .report import Report


def main() -> int:
    """Run one campaign as the command line says."""
    arguments = _parser().parse_args()
    plan = Plan(arguments.minutes, arguments.seed, arguments.dags, arguments.runs, arguments.probability)
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="transfer-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    report = anyio.run(_run, plan, folder)
    sys.stdout.write(report.as_text() + f"\nconfiguration, state and last output: {folder}\n")
    if arguments.out:
        arguments.out.write_text(report.as_json())
    return 1 if report.wrong else 0


async def _run(plan: Plan, folder: Path) -> Report:
    with boot(OFTEN, OFTEN) as rig:
        return await Campaign(rig, plan, folder).run()


def _parser() -> argparse.ArgumentParser:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.live.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dags", type=int, default=usual.dags)
    parser.add_argument("--runs", type=int, default=usual.runs, help="of each DAG, at first and whenever all is moved")
    parser.add_argument("--probability", type=float, default=usual.probability, help="of a fault per request")
    parser.add_argument("--out", type=Path, help="write the figures to this file as JSON")
    parser.add_argument("--keep", type=Path, help="folder for configuration, state and output")
    return parser


if __name__ == "__main__":
    sys.exit(main())
