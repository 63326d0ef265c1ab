"""What tuning found: the best trial beside the default, how much of it is luck, and the strategy to paste."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.adjusting import held_out
from harness.competition import Competition, Strategy
from harness.files import write_json, write_text
from harness.planning import plan_run
from harness.prepare import Prepared, prepare
from harness.results import RunResult
from harness.run import Options, run_plans
from harness.scoring import oof_meta
from harness.space import Dimension, applied
from harness.store import locked, read_stored
from harness.strategy_toml import toml_of
from harness.tuning import FOLDS, Searched, result_of

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MOST = 50
"""Trials, the best ones, among which the choice is made again for each fold."""
LEAST = 8
"""Trials below which nothing is said of the parameters' importance."""
CONFIRM = -1
"""Number of the trial that is run again on other folds."""


@dataclass(frozen=True)
class Pair:
    """Two scores of the same rows and folds.

    Attributes
    ----------
    gain : float
        Mean over folds of how much better `best` is, above 0 whatever the direction of the metric.
    stderr : float
        Its standard error, paired by fold.
    """

    default: float
    best: float
    gain: float
    stderr: float


@dataclass(frozen=True, eq=False)
class Tuned:
    """The end of ``harness tune``.

    Attributes
    ----------
    winner : RunResult or None
        The best trial as a run with a name of its own; None where none is better than the default.
    params : mapping of str to Any
        What differs from the default, ``{"model.depth": 4}``.
    selected : float
        Score of the OOF rows when each fold's rows come from the trial that was best on the other folds; NaN where most
        trials were given up: by folds that they should not have known, so that the score would be flattered too.
    again : Pair or None
        Both on other folds, where they were run again.
    valid : (float, float) or None
        Scores of the default and the winner on the labelled validation set.
    importance : mapping of str to float
        Share of the variance of the score that a parameter explains (fANOVA); empty where too few trials ended.
    table : str
        The strategy as TOML.
    """

    winner: RunResult | None
    params: Mapping[str, Any]
    oof: Pair
    selected: float
    again: Pair | None
    valid: tuple[float, float] | None
    importance: Mapping[str, float]
    table: str = ""
    file: Path | None = None


def conclude(
    prepared: Prepared,
    strategy: Strategy,
    seed: int,
    space: Sequence[Dimension],
    options: Options,
    searched: Searched,
    confirm: bool,
) -> Tuned:
    """Name the best trial, store it as a run and as TOML, and tell how honest its score is.

    Parameters
    ----------
    confirm : bool
        Whether default and winner are run again on other folds with another seed.

    Raises
    ------
    HarnessError
        If the winner cannot be stored.
    """
    metric = prepared.primary.name
    done = [trial for trial in searched.trials if trial.value is not None and trial.state.name == "COMPLETE"]
    results = [searched.default, *_results(prepared, options, done)]
    whole = 2 * sum(not trial.user_attrs.get("default") for trial in done) >= searched.tried
    selected = selected_score(prepared, results) if whole else math.nan
    importance = importances(searched)
    value = searched.default.scores[metric].oof
    best = searched.study.best_trial if done else None
    if best is None or best.user_attrs.get("default") or not prepared.primary.better(float(best.value or 0), value):
        return Tuned(None, {}, Pair(value, value, 0.0, 0.0), selected, None, None, importance)
    params = {dimension.key: dimension.rounded(best.params[dimension.key]) for dimension in space}
    name = tuned_name(prepared.competition, strategy.name)
    about = f"{strategy.name} with the best of {searched.tried} trials by out-of-fold {metric}"
    named = replace(applied(strategy, space, best.params), name=name, description=about, overrides={})
    marked = replace(prepared, marks=(*prepared.marks, f"best of {searched.tried} trials"))
    (winner,) = _run(marked, [named], seed, options, {})
    table = toml_of(named)
    folder = options.workspace.runs(prepared.competition.id) / searched.id
    file = folder / f"{name}.toml"
    write_text(file, table)
    pair = paired(prepared, searched.default, winner)
    again = _again(prepared, [strategy, named], seed, options, searched.id) if confirm else None
    valid = None
    if (own := searched.default.scores[metric].valid) is not None and (
        other := winner.scores[metric].valid
    ) is not None:
        valid = (own, other)
    tuned = Tuned(winner, params, pair, selected, again, valid, importance, table, file)
    write_json(folder / "tune.json", as_json(prepared, searched, tuned))
    return tuned


def as_json(prepared: Prepared, searched: Searched, tuned: Tuned) -> dict[str, Any]:
    """Return what ``harness tune --json`` prints."""
    states = [trial.state.name for trial in searched.trials]
    return {
        "competition": prepared.competition.id,
        "study": searched.id,
        "metric": prepared.primary.name,
        "direction": prepared.primary.direction,
        "trials": searched.tried,
        "pruned": states.count("PRUNED"),
        "default": {"run_id": searched.default.run.run_id, "oof": tuned.oof.default},
        "best": None
        if tuned.winner is None
        else {
            "name": tuned.winner.run.label,
            "run_id": tuned.winner.run.run_id,
            "oof": tuned.oof.best,
            "params": dict(tuned.params),
        },
        "gain": tuned.oof.gain,
        "gain_stderr": tuned.oof.stderr,
        "selected_on_other_folds": None if math.isnan(tuned.selected) else tuned.selected,
        "again": None if tuned.again is None else vars(tuned.again),
        "valid": None if tuned.valid is None else dict(zip(("default", "best"), tuned.valid, strict=True)),
        "importance": dict(tuned.importance),
        "strategy": tuned.table,
        "file": None if tuned.file is None else str(tuned.file),
    }


def _results(prepared: Prepared, options: Options, done: Sequence[FrozenTrial]) -> list[RunResult]:
    """Read the best trials back, the best first."""
    sign = 1 if prepared.primary.direction == "min" else -1
    ranked = sorted(done, key=lambda trial: (sign * float(trial.value or 0), trial.number))
    own = [trial for trial in ranked if not trial.user_attrs.get("default")]
    return [result_of(options.workspace, prepared, trial) for trial in own[:MOST]]


def selected_score(prepared: Prepared, results: Sequence[RunResult]) -> float:
    """Score OOF rows that come, fold by fold, from whichever run scores best on the other folds.

    The choice among the runs then plays no part in the score of the rows; that they were suggested with a view to all
    folds still does.
    """
    metric, first, meta = prepared.primary, results[0].oof, oof_meta(prepared)

    def values_of(result: RunResult) -> Any:
        return result.oof.decisions if metric.needs == "decisions" else result.oof.predictions.values

    def score(values: Any, rows: Any) -> float:
        weights = None if first.weights is None else first.weights[rows]
        known = None if meta is None else meta[rows].reset_index(drop=True)
        return float(metric.score(first.targets[rows], values[rows], weights, known))

    width = min(values_of(result).shape[1] for result in results)
    values = [values_of(result)[:, :width] for result in results]
    mixed = values[0].copy()
    for _, own in held_out(first.folds):
        best, found = 0, math.nan
        for position, one in enumerate(values):
            value = score(one, ~own)
            if math.isnan(found) or metric.better(value, found):
                best, found = position, value
        mixed[own] = values[best][own]
    return score(mixed, first.folds == first.folds)


def paired(prepared: Prepared, default: RunResult, best: RunResult) -> Pair:
    """Compare two finished runs on the same folds."""
    import numpy as np

    metric = prepared.primary
    folds = [_fold_scores(result, metric.name) for result in (default, best)]
    gains = (folds[0] - folds[1]) * (1 if metric.direction == "min" else -1)
    gains = gains[~np.isnan(gains)]
    error = float(np.std(gains, ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else math.nan
    own, other = (result.scores[metric.name].oof for result in (default, best))
    return Pair(own, other, gain=float(np.mean(gains)) if len(gains) else math.nan, stderr=error)


def _fold_scores(result: RunResult, metric: str) -> Any:
    import numpy as np

    stored = read_stored(result.run.directory).result["fold_scores"][metric]
    return np.array([math.nan if value is None else value for value in stored], dtype=float)


def importances(searched: Searched) -> dict[str, float]:
    """Return how much of the score's variance over trials each parameter explains, the most first.

    Of every trial the folds are taken that all of them have, so that those that were given up count too.

    References
    ----------
    Hutter, Hoos, Leyton-Brown 2014, An efficient approach for assessing hyperparameter importance (fANOVA).
    """
    import statistics

    import optuna

    folds = [trial.user_attrs[FOLDS] for trial in searched.trials]
    shared = min(map(len, folds), default=0)
    values = [statistics.fmean(one[:shared]) for one in folds] if shared else []
    if len(values) < LEAST or len(set(values)) < 2 or not all(map(math.isfinite, values)):
        return {}
    study = optuna.create_study()
    for trial, value in zip(searched.trials, values, strict=True):
        known = {"params": trial.params, "distributions": trial.distributions}
        study.add_trial(optuna.trial.create_trial(value=value, **known))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}


def _again(prepared: Prepared, strategies: Sequence[Strategy], seed: int, options: Options, study: str) -> Pair:
    """Run default and winner on other folds, with another seed."""
    other = prepare(replace(prepared.setting, reseed=prepared.setting.reseed + 1))
    plain = [replace(strategy, refit=False) for strategy in strategies]
    default, best = _run(other, plain, seed + 1, options, {"study": study, "trial": CONFIRM})
    return paired(other, default, best)


def _run(
    prepared: Prepared, strategies: Sequence[Strategy], seed: int, options: Options, trial: Mapping[str, Any]
) -> list[RunResult]:
    """Run strategies without the baselines."""
    from harness.errors import StoreError

    facts = {**(options.facts or {}), **({"tune": dict(trial)} if trial else {})}
    plans = [plan_run(prepared, one, seed, options.hardware, options.workspace, facts) for one in strategies]
    with ExitStack() as locks:
        for plan in plans:
            locks.enter_context(locked(plan.run.directory))
        outcomes = {outcome.plan.run.run_id: outcome for outcome in run_plans(plans, prepared, options)}
    found = [outcomes[plan.run.run_id] for plan in plans]
    for outcome in found:
        if outcome.result is None:
            raise StoreError(f"{outcome.plan.run.label} failed: {outcome.failure}")
    return [outcome.result for outcome in found if outcome.result is not None]


def tuned_name(competition: Competition, name: str) -> str:
    """Return a name that no strategy or blend of the competition has: ``NAME-tuned``, ``NAME-tuned-2``."""
    wanted, number = f"{name}-tuned", 1
    while wanted in competition.names:
        number += 1
        wanted = f"{name}-tuned-{number}"
    return wanted
