"""What is written of a run: parameters, metrics and tags as plain mappings. No MLflow here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.results import FoldResult, Run
from harness.tracking.about import About
from harness.tracking.stored import Finished

_COLORS = (
    *("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377"),
    *("#EE7733", "#009988", "#332288", "#882255", "#0077BB", "#999933"),
)
PARTS = ("features", "model", "rebalancer", "adjuster")
BASELINE = "constant"
"""The model of baselines."""
_TAGS = ("versions", "data", "evaluation")
"""Parts of an identity that are circumstances rather than choices: tags, not parameters."""


def flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """Turn nested JSON values into dotted names and texts; a part's own name stands for the part.

    Examples
    --------
    >>> flatten({"model": {"name": "catboost", "params": {"depth": 6}}, "features": None})
    {'model': 'catboost', 'model.depth': '6', 'features': 'none'}
    >>> flatten({"adjusters": [{"use": "prior"}, "isotonic"]})
    {'adjuster': 'prior', 'adjuster2': 'isotonic'}
    """
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, item in value.items():
            own = key in ("name", "use") and prefix
            found.update(flatten(item, prefix if own or (key == "params" and prefix) else _joined(prefix, str(key))))
        return found
    if isinstance(value, list | tuple) and prefix.endswith("adjusters"):
        stem = prefix.removesuffix("s")
        named = [flatten(item, stem if n == 1 else f"{stem}{n}") for n, item in enumerate(value, 1)]
        return {key: text for part in named for key, text in part.items()} or {stem: "none"}
    return {prefix: "none" if value is None else str(value)}


def _joined(prefix: str, key: str) -> str:
    return f"{prefix}.{key}" if prefix else key


def run_params(run: Run) -> dict[str, str]:
    """Return a run's parameters: every choice that its identity holds, and a name for each part of the strategy."""
    own = flatten({key: value for key, value in run.identity.items() if key not in _TAGS})
    parts = dict.fromkeys(PARTS, "none") if "model" in own else {}
    weights = flatten({"weights": run.facts["weights"]}) if "weights" in run.facts else {}  # of a blend
    return {"strategy": run.strategy, **parts, **own, **weights, "seed": seed_of(run)}


def seed_of(run: Run) -> str:
    """Return the seed as a text, ``mean`` for the mean over seeds."""
    return "mean" if run.seed is None else str(run.seed)


def level_of(run: Run) -> str:
    """Return what an MLflow run stands for: a run, or a trial, which tables leave out."""
    return "run" if run.trial is None else "trial"


def run_tags(run: Run, about: About) -> dict[str, str]:
    """Return the tags of a run: where it came from and how it is to be compared."""
    tags = {
        "level": level_of(run),
        "harness_run": run.run_id,
        "competition": run.competition,
        "strategy": run.strategy,
        "label": run.label,
        "seed": seed_of(run),
        "primary_metric": about.primary,
        "direction": about.directions.get(about.primary, ""),
        "ranked_on": about.on,
        "data": about.data,
        "data_variant": about.variant,
        "data_digest": about.digest,
        "marks": ", ".join(_marks(run, about)),
        **flatten({part: run.identity[part] for part in ("versions", "evaluation") if part in run.identity}),
        **flatten(run.facts),
    }
    commit = next((tags[key] for key in ("git.commit", "git_commit", "commit") if tags.get(key)), "")
    known = {"mlflow.source.name": "harness", "mlflow.source.type": "LOCAL", "mlflow.source.git.commit": commit}
    known["mlflow.runColor"] = color(run.strategy, about)
    return {key: text for key, text in {**tags, **known}.items() if text and text != "none"}


def color(strategy: str, about: About) -> str:
    """Return a strategy's colour in charts, the same for all its runs; grey for baselines.

    Notes
    -----
    The twelve colours are those of Paul Tol's schemes that stay apart for colour-blind readers,
    https://personal.sron.nl/~pault/.
    """
    names = about.names
    return _COLORS[names.index(strategy) % len(_COLORS)] if strategy in names else "#999999"


def _marks(run: Run, about: About) -> list[str]:
    return [mark for mark, holds in (("fast", run.fast), ("simulated", about.simulated)) if holds]


def run_metrics(result: Finished) -> dict[str, float]:
    """Return a finished run's metrics, under names that are the same for every strategy."""
    found: dict[str, float | None] = {"seconds": result.seconds}
    for name, score in result.scores.items():
        found[f"oof_{name}"], found[f"valid_{name}"] = score.oof, score.valid
        found[f"fold_mean_{name}"], found[f"fold_stderr_{name}"] = score.mean, score.stderr
        found[f"raw_oof_{name}"] = score.raw_oof
    return _finite({**found, "peak_memory_mb": result.peak_memory / 1e6 if result.peak_memory else None})


def fold_metrics(fold: FoldResult) -> dict[str, float]:
    """Return a finished fold's metrics; its scores are those before any adjuster."""
    found: dict[str, float | None] = {
        **raw_scores(fold),
        "seconds": fold.seconds,
        "peak_memory_mb": fold.peak_memory / 1e6 if fold.peak_memory else None,
        "train_rows": fold.n_train,
        "valid_rows": fold.n_valid,
        "best_iteration": fold.best_iteration,
    }
    for when, counts in (("before", fold.counts_before), ("after", fold.counts_after)):
        found.update({f"rows_{when}/{entity(name)}": count for name, count in counts.items()})
    return _finite(found)


def raw_scores(fold: FoldResult) -> dict[str, float]:
    """Return a fold's own scores, before any adjuster, as ``raw_fold_<metric>``."""
    return _finite({f"raw_fold_{name}": score for name, score in fold.scores.items()})


def fold_series(fold_scores: Mapping[str, Sequence[float | None]]) -> list[tuple[str, int, float]]:
    """Return a run's final scores by fold as ``(fold_<metric>, fold, score)``; those a fold lacks are left out.

    Examples
    --------
    >>> fold_series({"log_loss": [0.5, None, 0.4]})
    [('fold_log_loss', 0, 0.5), ('fold_log_loss', 2, 0.4)]
    """
    series = [
        (f"fold_{name}", fold, score) for name, scores in fold_scores.items() for fold, score in enumerate(scores)
    ]
    return [(name, fold, float(score)) for name, fold, score in series if score is not None and math.isfinite(score)]


def epoch_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return what a model logged, apart from the harness's own names: ``epoch/<name>``; ``step`` is left out."""
    return _finite({f"epoch/{entity(name)}": value for name, value in metrics.items() if name != "step"})


def _finite(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}


def entity(name: str) -> str:
    """Return a name that MLflow accepts, which knows ASCII letters, digits and ``_-. /:`` only.

    Examples
    --------
    >>> entity("log loss@1")
    'log loss_1'
    """
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-. ") else "_" for c in name)
    return kept.strip(". ")[:200] or "_"


def chunks(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Cut into lists of at most `size`; MLflow refuses larger batches.

    Examples
    --------
    >>> list(chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    held = list(items)
    return [held[start : start + size] for start in range(0, len(held), size)]
