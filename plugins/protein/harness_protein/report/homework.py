"""What pretraining and subwords bring: ULMFiT runs of a board, paired with their twins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness_protein.report.bands import per_row, stderr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.results import RunResult

    Floats = NDArray[np.float64]
    Settings = Mapping[str, Any]

MODEL = "protein.ulmfit"
TOKENIZERS = {"char": "single residues", "kmer": "k-mers", "bpe": "BPE", "unigram": "unigram"}
"""Names for people, in the order of the table."""
LETTERS = 25
"""Tokens of single residues, those of the tokenizer's own included."""
OF_PRETRAINING = ("pretrain", "corpora", "corpus_epochs", "test_inputs", "lm_")
"""Beginnings of parameters that mean nothing without pretraining: twins may differ in them."""
OF_TOKENS = ("tokenizer", "vocabulary", "kmer")


@dataclass(frozen=True)
class Gain:
    """A paired difference of log loss; negative is better.

    Attributes
    ----------
    mean : float
        Over rows (mean over seeds within a row).
    stderr : float
        Over rows, as if they were independent; relatives are not, so it is a lower bound.
    seeds : int
        Seeds that both have.
    seeds_stderr : float
        Standard error over seeds; NaN for one.
    """

    mean: float
    stderr: float
    seeds: int
    seeds_stderr: float


@dataclass(frozen=True)
class Line:
    """One strategy of the homework, over its seeds.

    Attributes
    ----------
    vocabulary : int
        Tokens.
    log_loss, stderr : float
        Out of fold, and its standard error over rows.
    pretraining : Gain or None
        Against its twin without pretraining.
    subwords : Gain or None
        Against single residues with everything else the same.
    """

    name: str
    tokenizer: str
    vocabulary: int
    pretrain: bool
    seeds: int
    log_loss: float
    stderr: float
    pretraining: Gain | None
    subwords: Gain | None


def lines(runs: Sequence[RunResult]) -> list[Line]:
    """Read the homework from the runs of a board.

    Parameters
    ----------
    runs : sequence of RunResult
        Of one data set and split; other models and means over seeds are left aside.

    Returns
    -------
    list of Line
        By tokenizer, vocabulary, and pretrained ones first.
    """
    found: dict[str, dict[int, RunResult]] = {}
    settings: dict[str, Settings] = {}
    for run in runs:
        params = run.run.identity.get("model")
        if run.run.seed is None or not isinstance(params, Mapping) or params.get("use") != MODEL:
            continue
        key = json.dumps([params, _beside(run)], sort_keys=True)
        settings[key] = params
        found.setdefault(key, {})[run.run.seed] = run
    losses = {key: {seed: _losses(run) for seed, run in seeds.items()} for key, seeds in found.items()}
    made = [_line(key, found, settings, losses) for key in found]
    return sorted(made, key=lambda line: (list(TOKENIZERS).index(line.tokenizer), line.vocabulary, not line.pretrain))


def _line(
    key: str,
    found: Mapping[str, Mapping[int, RunResult]],
    settings: Mapping[str, Settings],
    losses: Mapping[str, Mapping[int, Mapping[str, float]]],
) -> Line:
    params = settings[key]
    first = next(iter(found[key].values()))
    rows = _over_seeds(losses[key], list(losses[key][first.run.seed or 0]))

    def gain(wanted: Settings, aside: tuple[str, ...]) -> Gain | None:
        for other, theirs in settings.items():
            alike = _without(theirs, aside) == _without(params, aside) and _beside(_one(found[other])) == _beside(first)
            if other != key and alike and all(theirs.get(name) == value for name, value in wanted.items()):
                return paired(losses[key], losses[other])
        return None

    pretrain = bool(params["pretrain"])
    return Line(
        name=first.run.label,
        tokenizer=str(params["tokenizer"]),
        vocabulary=vocabulary_of(params),
        pretrain=pretrain,
        seeds=len(found[key]),
        log_loss=float(rows.mean()),
        stderr=stderr(rows),
        pretraining=gain({"pretrain": False} | _tokens(params), OF_PRETRAINING) if pretrain else None,
        subwords=None if params["tokenizer"] == "char" else gain({"tokenizer": "char"}, OF_TOKENS),
    )


def paired(mine: Mapping[int, Mapping[str, float]], theirs: Mapping[int, Mapping[str, float]]) -> Gain | None:
    """Compare log losses row by row over the seeds that both have.

    Parameters
    ----------
    mine, theirs : mapping of seed to mapping of id to log loss

    Returns
    -------
    Gain or None
        None where they share no seed or no row.
    """
    seeds = sorted(mine.keys() & theirs.keys())
    ids = sorted(set.intersection(*(mine[s].keys() & theirs[s].keys() for s in seeds))) if seeds else []
    if not ids:
        return None
    differences = np.array([[mine[s][row] - theirs[s][row] for row in ids] for s in seeds])
    rows, means = differences.mean(axis=0), differences.mean(axis=1)
    return Gain(float(rows.mean()), stderr(rows), len(seeds), stderr(means))


def vocabulary_of(params: Settings) -> int:
    """Return how many tokens a tokenizer has: what was asked for, or what its letters allow.

    Examples
    --------
    >>> [vocabulary_of({"tokenizer": kind, "vocabulary": 1000, "kmer": 3}) for kind in ("char", "kmer", "bpe")]
    [25, 8000, 1000]
    """
    if params["tokenizer"] == "char":
        return LETTERS
    return int(20 ** params["kmer"]) if params["tokenizer"] == "kmer" else int(params["vocabulary"])


def _one(seeds: Mapping[int, RunResult]) -> RunResult:
    return next(iter(seeds.values()))


def _beside(run: RunResult) -> list[Any]:
    return [run.run.identity.get(name) for name in ("features", "rebalancer", "adjusters")]


def _tokens(params: Settings) -> dict[str, Any]:
    return {name: params[name] for name in OF_TOKENS}


def _without(params: Settings, aside: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if not name.startswith(aside)}


def _losses(run: RunResult) -> dict[str, float]:
    return dict(zip(run.oof.predictions.ids.tolist(), per_row(run.oof)[1].tolist(), strict=True))


def _over_seeds(seeds: Mapping[int, Mapping[str, float]], ids: Sequence[str]) -> Floats:
    means: Floats = np.array([[losses[row] for row in ids] for losses in seeds.values()]).mean(axis=0)
    return means


def series(found: Sequence[Line]) -> Iterator[tuple[str, bool, list[Line]]]:
    """Yield what is drawn as one line: tokenizer, whether pretrained, and its points by vocabulary."""
    for tokenizer in TOKENIZERS:
        for pretrain in (True, False):
            points = [line for line in found if (line.tokenizer, line.pretrain) == (tokenizer, pretrain)]
            if points:
                yield tokenizer, pretrain, sorted(points, key=lambda line: line.vocabulary)
