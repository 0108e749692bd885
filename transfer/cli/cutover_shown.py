"""What is said of a cutover: what it would do, what it waits for, where it stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from transfer.checkpoint.cutover import Cutover, CutoverDag, Step
from transfer.cli.cutover_options import CutoverOptions
from transfer.cli.live import LINES_SECONDS
from transfer.cli.options import OutputOptions
from transfer.cli.output import plain, say, say_json
from transfer.engine.cutover.sides import NAMED
from transfer.report import table

_BACK: Final = "`transfer cutover` goes on, `transfer cutover --undo` puts everything back as it was"
_STANDS: Final = {
    Step.HOLD: "the target is being paused, the source works as before",
    Step.PAUSE: "the target is paused, the source's DAGs are being paused",
    Step.MOVE: "both sides are paused, and nothing runs on the source",
    Step.PARSE: "both sides are paused; what was new has been moved",
    Step.UNPAUSE: "the source is paused; DAGs are being unpaused on the target",
    Step.DONE: "the source is paused, the target works",
    Step.UNDO: "the target is paused; DAGs are being unpaused on the source",
    Step.UNDONE: "both sides are as they were before the cutover",
}


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a cutover is about: how its DAGs were before it, and how far it is; None if it has not begun."""

    dags: Mapping[str, CutoverDag]
    stored: Cutover | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def working(self) -> int:
        """Return how many DAGs are handed over: those that were unpaused at the source."""
        return sum(not dag.source_paused for dag in self.dags.values())

    @property
    def both(self) -> int:
        """Return how many DAGs were unpaused on both sides."""
        return sum(not dag.source_paused and not dag.target_paused for dag in self.dags.values())


def show_prospect(prospect: Prospect, options: CutoverOptions, output: OutputOptions) -> None:
    """Show the DAGs and the steps; ``options`` say whether they are taken back."""
    step = prospect.stored.step if prospect.stored else None
    if output.json:
        dags = {
            dag.dag_id: {"source_paused": dag.source_paused, "target_paused": dag.target_paused}
            for dag in prospect.dags.values()
        }
        what = {"undo": options.undo, "step": step and step.name.lower(), "dags": dags}
        say_json({"event": "cutover", **what, "left_out": dict(prospect.left_out)})
        return
    if step is not None:
        say(f"a cutover was begun: {_STANDS[step]}")
    rows = [
        (dag.dag_id, _word(paused=dag.source_paused), _word(paused=dag.target_paused), *_after(dag, options))
        for dag in prospect.dags.values()
    ]
    for line in table(("DAG", "source before", "target before", "source then", "target then"), rows):
        say(f"  {line}")
    for dag_id, reason in prospect.left_out.items():
        say(f"  not {dag_id}, which stays as it is: {reason}")
    for number, line in enumerate(_undoing(prospect) if options.undo else _steps(prospect, options), start=1):
        say(f"{number}. {line}")


def _word(*, paused: bool) -> str:
    return "paused" if paused else "unpaused"


def _after(dag: CutoverDag, options: CutoverOptions) -> tuple[str, str]:
    if not options.undo:
        return _word(paused=True), _word(paused=dag.source_paused)
    return _word(paused=dag.source_paused), _word(paused=dag.target_paused or not dag.source_paused)


def _steps(prospect: Prospect, options: CutoverOptions) -> list[str]:
    minutes = f"{options.wait:g} minutes"
    return [
        f"remember who is paused, then pause {len(prospect.dags):,} DAGs on the target",
        f"pause {prospect.working:,} DAGs on the source, each when no run of it is under way; {minutes} at most",
        "move what is new, as `transfer run` does",
        f"wait until the target has parsed these DAGs since; {minutes} at most",
        f"unpause {prospect.working:,} DAGs on the target",
    ]


def _undoing(prospect: Prospect) -> list[str]:
    return [
        f"pause {len(prospect.dags):,} DAGs on the target",
        f"unpause {prospect.working:,} DAGs on the source",
        "unpause on the target those that were unpaused there and paused on the source",
    ]


def show_standing(stored: Cutover | None, code: int, output: OutputOptions) -> None:
    """Say where a cutover stands when the command ends, and what goes on from there."""
    if output.json:
        say_json({"event": "cutover_ends", "exit_code": code, "step": stored and stored.step.name.lower()})
        return
    if stored is None:
        say("nothing was changed")
    elif stored.step in {Step.DONE, Step.UNDONE}:
        say(_STANDS[stored.step])
    else:
        back = "`transfer cutover --undo` goes on" if stored.step is Step.UNDO else _BACK
        say(f"{_STANDS[stored.step]}: {back}")


def tell(text: str) -> None:
    """Log what people should know."""
    structlog.get_logger().warning(plain(text))


def waits(output: OutputOptions) -> Callable[[Mapping[str, str], float], None]:
    """Return what says every now and then what is waited for."""
    every = output.every or LINES_SECONDS
    last: list[float] = []

    def show(waiting: Mapping[str, str], seconds: float) -> None:
        if last and monotonic() - last[-1] < every:
            return
        last[:] = [monotonic()]
        if output.json:
            some = dict(list(waiting.items())[:NAMED])
            say_json({"event": "waiting", "dags": len(waiting), "for": some, "seconds_left": round(seconds)})
            return
        named = "; ".join(f"{dag_id}: {what}" for dag_id, what in list(waiting.items())[:NAMED])
        structlog.get_logger().info("waiting", dags=len(waiting), what=plain(named), seconds_left=round(seconds))

    return show
