"""``harness tune``: a strategy's parameters searched by their out-of-fold score; every trial is a run.

The study lies in ``tune.db`` in the workspace. A trial's folds are stored as those of any run, so that a killed command
loses at most the folds under way, and the same command goes on: what was running is marked as failed and tried again.
What is suggested depends on the seed and on the trials before, never on how often the command was interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.competition import Strategy
from harness.errors import ConfigError, HarnessError, StoreError
from harness.planning import Plan, plan_run
from harness.plugins import describe_error
from harness.prepare import Prepared
from harness.results import RunResult
from harness.run import Options, run_all
from harness.space import Dimension, applied
from harness.store import RESULT, RUN, Workspace, digest_of, locked, read_stored
from harness.study import opened, study_id
from harness.trials import OutOfTimeError, Tried, attempt, below_median, fold_score, open_pool, worse

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

    from harness.offers import Pool

STARTUP = 10
"""Trials at random before the sampler learns from them."""
MOST_FAILURES = 5
"""Trials that fail one after the other before the command gives up."""
FOLDS, RUN_ID, ERROR = "folds", "run_id", "error"
"""What is kept of a trial beside its score."""


@dataclass(frozen=True)
class Limits:
    """When tuning ends.

    Attributes
    ----------
    trials : int or None
        Of the study as a whole, whichever command tried them, without the default.
    seconds : float or None
        Of this command.
    """

    trials: int | None
    seconds: float | None


@dataclass(frozen=True, eq=False)
class Searched:
    """A study after a command.

    Attributes
    ----------
    default : RunResult
        The strategy as it is.
    trials : tuple of FrozenTrial
        All that ended, in order; the first is the default, if the ranges hold it.
    tried : int
        How many of them are other than the default.
    """

    study: Study
    id: str
    default: RunResult
    trials: tuple[FrozenTrial, ...]
    tried: int


def search(
    prepared: Prepared,
    strategy: Strategy,
    seed: int,
    space: Sequence[Dimension],
    options: Options,
    limits: Limits,
    told: Callable[[str], None],
) -> Searched:
    """Run the default, then trials until a limit is reached.

    Parameters
    ----------
    seed : int
        Of the runs, and of what is suggested.
    told : callable
        Gets a line for each trial.

    Raises
    ------
    HarnessError
        If the default cannot be run, or too many trials fail.
    """
    deadline = math.inf if limits.seconds is None else time.monotonic() + limits.seconds
    default = _default(prepared, strategy, seed, options)
    name = study_id(prepared, strategy, seed, space, options)
    with locked(options.workspace.runs(prepared.competition.id) / name), opened(prepared, options, name) as study:
        search = _Search(prepared, strategy, seed, space, options, name, study, default, deadline, told)
        search.begin()
        if limits.seconds is not None:  # what follows the search takes its time too
            search.deadline -= min(limits.seconds / 4, 4 * default.seconds)
        with open_pool(prepared, options, limits.seconds is not None) as pool:
            search.go_on(pool, limits)
        return Searched(study, name, default, tuple(search.ended()), search.tried())


def _default(prepared: Prepared, strategy: Strategy, seed: int, options: Options) -> RunResult:
    """Run the strategy as it is, beside the baselines, as ``harness run`` does."""
    for outcome in run_all(prepared, [strategy], [seed], options):
        if not outcome.plan.strategy.baseline:
            if outcome.result is None:
                raise StoreError(f"{strategy.name} as it is fails, so nothing is tuned: {outcome.failure}")
            return outcome.result
    raise AssertionError(strategy.name)


@dataclass(eq=False)
class _Search:
    prepared: Prepared
    strategy: Strategy
    seed: int
    space: Sequence[Dimension]
    options: Options
    name: str
    study: Study
    default: RunResult
    deadline: float
    told: Callable[[str], None]
    default_folds: Sequence[float] = ()

    def ended(self) -> list[FrozenTrial]:
        """Return trials that have a score or were given up."""
        from optuna.trial import TrialState

        return list(self.study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED)))

    def tried(self) -> int:
        return sum(not trial.user_attrs.get("default") for trial in self.ended())

    def begin(self) -> None:
        """Put what a killed command left behind back, and tell the study of the default."""
        import optuna
        from optuna.trial import TrialState

        for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
            self.study.tell(trial.number, state=TrialState.FAIL)
            if len(trial.params) == len(self.space):
                self.study.enqueue_trial(trial.params, skip_if_exists=False)
        score = self.default.scores[self.prepared.primary.name].oof
        self.default_folds = [fold_score(task, self.prepared) for task in self._plan(self.strategy, {}).tasks]
        known = any(trial.user_attrs.get("default") for trial in self.ended())
        if known or not all(dimension.holds_default for dimension in self.space):
            return
        kept = {"default": True, FOLDS: self.default_folds}
        created = optuna.trial.create_trial(
            params={dimension.key: dimension.default for dimension in self.space},
            distributions={dimension.key: dimension.distribution() for dimension in self.space},
            value=score,
            user_attrs={**kept, RUN_ID: self.default.run.run_id},
        )
        self.study.add_trial(created)

    def go_on(self, pool: Pool, limits: Limits) -> None:
        """Try until a limit is reached."""
        failures = 0
        while time.monotonic() < self.deadline and (limits.trials is None or self.tried() < limits.trials):
            trial = self._ask()
            try:
                self._try(trial, pool)
                failures = 0
            except OutOfTimeError:
                self.told(f"trial {trial.number}: the time is up; the same command goes on with it")
                return  # it stays marked as running, as one that was killed
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a plugin raises fails this trial only
                failures += 1
                self._fail(trial, error)
                if failures == MOST_FAILURES:
                    raise ConfigError(
                        f"{failures} trials in a row failed, the last with: {describe_error(error)}; narrow the ranges"
                    ) from None

    def _settled(self) -> int:
        """Return how many trials ended by themselves, with a score or an error."""
        from optuna.trial import TrialState

        failed = self.study.get_trials(states=(TrialState.FAIL,))
        return len(self.ended()) + sum(ERROR in trial.user_attrs for trial in failed)

    def _ask(self) -> Trial:
        import optuna

        # a sampler of its own for each trial: what it suggests must not depend on where a command began
        seed = int(digest_of([self.seed, self._settled()])[:8], 16)
        self.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, constant_liar=False)
        return self.study.ask({dimension.key: dimension.distribution() for dimension in self.space})

    def _try(self, trial: Trial, pool: Pool) -> None:
        from optuna.trial import TrialState

        strategy = applied(self.strategy, self.space, trial.params)
        plan = self._plan(replace(strategy, refit=False), {"study": self.name, "trial": trial.number})
        trial.set_user_attr(RUN_ID, plan.run.run_id)
        others, direction = self._known_folds(), self.prepared.primary.direction

        def given_up(scores: Sequence[float]) -> bool:
            if plan.links:  # what an adjuster makes of a fold is not known before all folds are there
                return False
            return worse(scores, others[0], direction) or below_median(scores, others, direction)

        tried = attempt(plan, self.prepared, self.options, pool, self.deadline, given_up)
        trial.set_user_attr(FOLDS, list(tried.folds))
        for fold, score in enumerate(tried.folds):
            if not math.isnan(score):
                trial.report(score, fold)
        if tried.result is None:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            score = tried.result.scores[self.prepared.primary.name].oof
            if math.isnan(score):
                raise StoreError(f"its {self.prepared.primary.name} is not defined")
            self.study.tell(trial, score)
        self._tell(trial, tried)

    def _plan(self, strategy: Strategy, about: dict[str, Any]) -> Plan:
        facts = self.options.facts or {}
        plan = plan_run(self.prepared, strategy, self.seed, self.options.hardware, self.options.workspace, facts)
        # a run of one's own keeps its place on the board
        if not about or _is_own(plan):
            return plan
        return replace(plan, run=replace(plan.run, facts={**facts, "tune": about}))

    def _known_folds(self) -> list[list[float]]:
        """Return the scores by fold of the default and of all finished trials, those of the best one first."""
        sign = 1 if self.prepared.primary.direction == "min" else -1
        return [list(folds) for _, folds in sorted(self._done(), key=lambda one: sign * one[0])]

    def _done(self) -> list[tuple[float, Sequence[float]]]:
        """Return score and folds of the default, which the ranges need not hold, and of all finished trials."""
        done = [trial for trial in self.ended() if trial.state.name == "COMPLETE"]
        others = [(float(t.value or 0), t.user_attrs[FOLDS]) for t in done if not t.user_attrs.get("default")]
        return [(self.default.scores[self.prepared.primary.name].oof, self.default_folds), *others]

    def _fail(self, trial: Trial, error: BaseException) -> None:
        from optuna.trial import TrialState

        message = describe_error(error)
        trial.set_user_attr(ERROR, message)
        self.study.tell(trial, state=TrialState.FAIL)
        self.told(f"trial {trial.number}: failed: {message}")

    def _tell(self, trial: Trial, tried: Tried) -> None:
        values = ", ".join(f"{d.name} {d.rounded(trial.params[d.key])}" for d in self.space)
        metric = self.prepared.primary.name
        if tried.result is None:
            count = len(self.prepared.folds)
            outcome = f"given up after {len(tried.folds)} of {count} folds, worse than those of others"
        else:
            score, known = tried.result.scores[metric].oof, [value for value, _ in self._done()]
            best = min(known) if self.prepared.primary.direction == "min" else max(known)
            outcome = f"{metric} {score:.4f}" + (" (the best so far)" if score == best else f" (best {best:.4f})")
        self.told(f"trial {trial.number}: {outcome}; {values}")


def _is_own(plan: Plan) -> bool:
    """Whether a finished run of the user's is the same run."""
    if not (plan.run.directory / RESULT).exists() or not (plan.run.directory / RUN).exists():
        return False
    return read_stored(plan.run.directory).result.get("trial") is None


def result_of(workspace: Workspace, prepared: Prepared, trial: FrozenTrial) -> RunResult:
    """Read the run of a finished trial back.

    Raises
    ------
    HarnessError
        If it is gone.
    """
    from harness.records import read_run_result, run_of

    directory = workspace.runs(prepared.competition.id) / str(trial.user_attrs[RUN_ID])
    try:
        return read_run_result(run_of(read_stored(directory)), prepared.dataset.info, ())
    except HarnessError:
        raise StoreError(f"the run of trial {trial.number} is gone: {directory}; tune in an empty workspace") from None
