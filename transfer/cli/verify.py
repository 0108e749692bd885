"""``transfer verify``: compare both sides, say what differs."""

from dataclasses import dataclass

import structlog

from transfer.checkpoint import CheckpointReader
from transfer.checkpoint.opening import has_checkpoint
from transfer.cli.control import Control
from transfer.cli.live import show_until_cancelled
from transfer.cli.logs import has_live_view, set_up_logging, warn_of_wait
from transfer.cli.options import JobOptions, OutputOptions, VerifyOptions
from transfer.cli.output import plain
from transfer.cli.session import Sides, open_sides, read_settings, rereading, selection_text
from transfer.cli.signals import until_done
from transfer.cli.status import find_state_dir
from transfer.cli.summary import show_nothing_done
from transfer.cli.verdict import Verdict, exit_code
from transfer.cli.verdict_json import say_as_json
from transfer.cli.verdict_text import say_as_text
from transfer.cli.waiting import check_secrets, meanwhile
from transfer.client.retry import RetryEvent
from transfer.config.load import secret_warnings
from transfer.config.settings import Selection, Settings
from transfer.engine.ending import Ending
from transfer.engine.plan import Plan, is_selected, make_comparable, make_plan
from transfer.engine.verify.run import Job, verify
from transfer.errors import ConfigError, ExitCode, StateError, StateMismatchError, TransferError
from transfer.findings import FindingsStore, Identity, Opening, read_findings
from transfer.progress import Progress


async def verify_job(comparison: VerifyOptions, options: JobOptions, output: OutputOptions) -> int:
    """Compare what is selected and return the exit code; raises ``TransferError`` if it had to end early."""
    comparison.check(options)
    if comparison.listed:
        return _list(options, output)
    settings = read_settings(options)
    set_up_logging(output, beside_table=has_live_view(output))
    for line in secret_warnings(settings):
        structlog.get_logger().warning("configuration", warning=line)
    control = Control(settings, Progress(differences=0), rereading(options))
    invocation = _Invocation(settings, comparison, output, control)
    return await until_done(invocation.run, control, "what was compared is kept")


def _list(options: JobOptions, output: OutputOptions) -> int:
    """Print the last verification, of the DAGs that are asked for; nobody is asked anything."""
    state_dir = find_state_dir(options.state_dir, options.config)
    wanted = Selection(dags=options.dag or ("*",), exclude_dags=options.exclude_dag)
    with read_findings(state_dir) as findings:
        everything = findings.dags()
        dags = [dag for dag in everything if is_selected(dag.dag_id, wanted)]
        if everything and not dags:
            raise ConfigError(["--dag, --exclude-dag: the last verification compared none of these DAGs"])
        passed_over = len(everything) - len(dags)
        verdict = Verdict(exit_code(findings, dags), findings, dags, state_dir, passed_over=passed_over)
        _show(verdict, output, everything=True)
    return verdict.exit_code


def _check_job(settings: Settings) -> None:
    """Refuse the state directory of a job between other deployments; a checkpoint that is broken does not matter."""
    if not has_checkpoint(settings.state_dir):
        return
    try:
        with CheckpointReader.open(settings.state_dir) as reader:
            reader.check_sides(settings.source.url, settings.target.url)
    except StateMismatchError:
        raise
    except StateError as error:
        structlog.get_logger().warning("checkpoint not read: whose job it is remains unknown", reason=error.told)


def _show(verdict: Verdict, output: OutputOptions, *, everything: bool) -> None:
    if output.json:
        say_as_json(verdict, everything=everything)
    else:
        say_as_text(verdict, everything=everything)


@dataclass(slots=True)
class _Invocation:
    """One run of the program."""

    settings: Settings
    comparison: VerifyOptions
    output: OutputOptions
    control: Control

    async def run(self) -> int:
        """Plan first: what cannot be compared must not replace the result of an earlier verification."""
        what = self.settings.selection
        share = self.comparison.share
        identity = Identity(
            self.settings.source.url, self.settings.target.url, selection_text(what), share, self.comparison.one_way
        )
        opening = Opening(identity, self.comparison.seed, self.comparison.restart)
        _check_job(self.settings)
        async with open_sides(self.settings, self._on_retry, self.control.limiting.sides) as sides:
            plan: Plan | None = None
            async with meanwhile(show_until_cancelled, self.control.progress, self.output):
                plan = await self._plan(sides)
            if plan is None:
                show_nothing_done(self.output)
                return ExitCode.STOPPED
            async with FindingsStore.open(self.settings.state_dir, opening) as store:
                ending = await self._watched(sides, store, plan)
        return self._sum_up(ending, plan)

    async def _plan(self, sides: Sides) -> Plan | None:
        """Return the DAGs to compare, those that the target lacks as well; None if a signal came first."""
        selection = self.settings.selection.model_copy(update={"allow_missing_dags": True})
        with self.control.stop.planning:
            if self.control.pace.reason is not None:
                await check_secrets(self.settings)
            await self.control.pace.open()
            plan = await make_plan(sides.source, sides.target, selection, writing=False)
            if not plan.dags:
                reasons = [f"{dag_id}: {reason}" for dag_id, reason in plan.left_out.items()]
                raise TransferError("\n".join(["there is nothing to compare:", *reasons]))
            return await make_comparable(plan, sides.target)
        return None

    async def _watched(self, sides: Sides, store: FindingsStore, plan: Plan) -> Ending:
        """Compare, and show how it goes meanwhile."""
        log = structlog.get_logger()
        if store.given_up:
            log.warning("unfinished verification given up, it was another one", differing="; ".join(store.given_up))
        log.info("resumed" if store.resumed else "begun", verification=str(store.id), dags=len(plan.dags))
        if self.comparison.share is not None:
            log.info("sample", share=self.comparison.share, seed=store.seed)
        for dag_id, reason in plan.left_out.items():
            log.warning("DAG left out", dag=plain(dag_id), reason=reason)
        job = self._job(sides, store, plan)
        ending = Ending()
        async with meanwhile(show_until_cancelled, job.progress, self.output):
            with job.stop.everything:
                ending = await verify(job, [(dag.dag_id, dag.run_count) for dag in plan.dags])
        ending.stopped = job.stop.requested
        return ending

    def _job(self, sides: Sides, store: FindingsStore, plan: Plan) -> Job:
        control = self.control
        return Job(
            self.settings,
            sides.source,
            sides.target,
            store,
            control.progress,
            control.stop,
            self.comparison.share,
            self.comparison.one_way,
            frozenset(dag.dag_id for dag in plan.dags if not dag.on_target),
            control.pace,
            mapping=plan.mapping,
        )

    def _sum_up(self, ending: Ending, plan: Plan) -> int:
        with read_findings(self.settings.state_dir) as findings:
            dags = findings.dags()
            code = ExitCode.STOPPED if ending.stopped else exit_code(findings, dags)
            snapshot = self.control.progress.snapshot()
            verdict = Verdict(code, findings, dags, self.settings.state_dir, snapshot, plan.left_out, plan.target_only)
            _show(verdict, self.output, everything=False)
        return code

    def _on_retry(self, event: RetryEvent) -> None:
        self.control.progress.retries += 1
        self.control.progress.wait(event.side, event.seconds, event.reason)
        warn_of_wait(event)
