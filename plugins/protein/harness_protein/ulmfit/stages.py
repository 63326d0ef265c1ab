"""The stages of ULMFiT: a tokenizer, a language model of the corpora for all folds, one of the fold's own rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.data import DatasetInfo
from harness.offers import Stage, StageInput, TaskLog
from harness_protein.ulmfit.params import UlmfitParams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tokens = NDArray[np.int32]

Direction = Literal["forward", "backward"]

NAME = "protein.ulmfit"
TOKENIZER = "protein.tokenizer"
CORPUS_PART = "unlabelled:"


@dataclass(frozen=True)
class TokenizerKey:
    """What a vocabulary depends on, beside the sequences."""

    tokenizer: Literal["char", "kmer", "bpe", "unigram"]
    vocabulary: int
    kmer: int


@dataclass(frozen=True)
class LanguageKey:
    """What a language model depends on, beside its tokenizer and the sequences."""

    direction: Direction
    epochs: int
    embedding: int
    hidden: int
    layers: int
    rate: float
    batch: int
    length: int
    dropout: float


def corpus_model(direction: Direction) -> str:
    """Return the name of the stage that reads the corpora only."""
    return f"protein.corpus_model.{direction}"


def language_stage(direction: Direction) -> str:
    """Return the name of the stage that reads a fold's training sequences."""
    return f"protein.language_model.{direction}"


def directions(params: UlmfitParams) -> tuple[Direction, ...]:
    """Return which ways sequences are read."""
    return ("forward", "backward") if params.direction == "both" else (params.direction,)


def stages(params: UlmfitParams, info: DatasetInfo) -> Sequence[Stage]:
    """Return the stages of one strategy.

    With corpora the vocabulary comes from them alone, as the language model that all folds begin with reads nothing
    else; without, from the fold's training sequences.
    """
    corpora = tuple(CORPUS_PART + name for name in info.extra.get("corpora", ())) if params.corpora else ()
    found = [_tokenizer(params, corpora)]
    if not params.pretrain:
        return found
    for direction in directions(params):
        if corpora:
            found.append(_corpus_model(params, corpora, direction))
        found.append(_language_model(params, direction, bool(corpora)))
    return found


def _tokenizer(params: UlmfitParams, corpora: tuple[str, ...]) -> Stage:
    subwords = params.tokenizer in ("bpe", "unigram")
    key = TokenizerKey(
        params.tokenizer,
        params.vocabulary if params.tokenizer != "char" else 0,
        params.kmer if params.tokenizer == "kmer" else 0,
    )

    def run(given: StageInput, out: Path, log: TaskLog) -> None:
        from harness_protein.peers.shares import texts
        from harness_protein.ulmfit.tokenizers import learn_tokenizer

        sequences = [sequence for part in given.parts.values() for sequence in texts(part, NAME)]
        tokenizer = learn_tokenizer(key.tokenizer, sequences, key.vocabulary, key.kmer, given.threads)
        tokenizer.save(out)
        if subwords and tokenizer.size < key.vocabulary:
            log.note(f"the sequences give a vocabulary of {tokenizer.size} tokens, not {key.vocabulary}")

    if corpora:
        return Stage(TOKENIZER, "dataset", key, run, uses=corpora, seeded=False)
    return Stage(TOKENIZER, "fold", key, run, uses=("fold",), seeded=False)


def _key(params: UlmfitParams, direction: Direction, epochs: int) -> LanguageKey:
    return LanguageKey(
        direction,
        epochs,
        params.embedding,
        params.hidden,
        params.layers,
        params.lm_rate,
        params.lm_batch,
        params.lm_length,
        params.lm_dropout,
    )


def _corpus_model(params: UlmfitParams, corpora: tuple[str, ...], direction: Direction) -> Stage:
    def run(given: StageInput, out: Path, log: TaskLog) -> None:
        _train(given, out, log, params, direction, params.corpus_epochs, "")

    key = _key(params, direction, params.corpus_epochs)
    return Stage(corpus_model(direction), "dataset", key, run, uses=corpora, needs=(TOKENIZER,))


def _language_model(params: UlmfitParams, direction: Direction, corpora: bool) -> Stage:
    needs = (TOKENIZER, corpus_model(direction)) if corpora else (TOKENIZER,)

    def run(given: StageInput, out: Path, log: TaskLog) -> None:
        _train(given, out, log, params, direction, params.lm_epochs, corpus_model(direction) if corpora else "")

    uses = ("fold", "test") if params.test_inputs else ("fold",)
    return Stage(language_stage(direction), "fold", _key(params, direction, params.lm_epochs), run, uses, needs)


def _train(
    given: StageInput, out: Path, log: TaskLog, params: UlmfitParams, direction: Direction, epochs: int, start: str
) -> None:
    from harness_protein.peers.shares import texts
    from harness_protein.ulmfit import language_model
    from harness_protein.ulmfit.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(given.stages[TOKENIZER])
    sequences = tokenizer.encode_all(sequence for part in given.parts.values() for sequence in texts(part, NAME))
    trained = language_model.train(
        sequences,
        tokenizer.size,
        params,
        epochs,
        direction == "backward",
        language_model.load(given.stages[start]).weights if start else None,
        given.seed,
        given.threads,
        given.device,
    )
    language_model.save(trained, out)
    last = trained.history[-1]
    log.note(
        f"{direction} language model: next token {last['accuracy']:.1%} right, perplexity {last['perplexity']:.1f}"
        f" ({tokenizer.size} tokens)"
    )
