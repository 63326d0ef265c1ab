"""Parameters of ULMFiT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.params import param


@dataclass(frozen=True)
class UlmfitParams:
    """Parameters of ``protein.ulmfit``; those of the language model are part of what its stages are stored under."""

    tokenizer: Literal["char", "kmer", "bpe", "unigram"] = param("bpe", "single residues, k-mers or subwords")
    vocabulary: int = param(1000, "tokens of k-mers or subwords, at most", low=24, high=64_000, log=True)
    kmer: int = param(3, "residues of a k-mer", low=1, high=4)

    pretrain: bool = param(True, "train a language model first; else the encoder begins with random weights")
    direction: Literal["forward", "backward", "both"] = param(
        "forward", "which way sequences are read; both: two models, whose probabilities are averaged"
    )
    corpora: bool = param(
        True, "begin with a language model of the declared unlabelled corpora, shared by all folds, where there are any"
    )
    test_inputs: bool = param(False, "let the language model read the test sequences too; shown beside the score")

    embedding: int = param(64, "size of a token's vector, and of what the encoder returns", low=8, high=2000)
    hidden: int = param(128, "units of the LSTM layers between", low=8, high=4000)
    layers: int = param(2, "LSTM layers", low=1, high=6)

    lm_epochs: int = param(10, "passes of the language model over the fold's sequences", low=1, high=1000)
    corpus_epochs: int = param(3, "passes over the corpora", low=1, high=1000)
    lm_rate: float = param(1e-2, "highest learning rate of the language model", low=1e-6, high=1.0, log=True)
    lm_batch: int = param(16, "streams of text in a batch of the language model", low=1, high=1024)
    lm_length: int = param(72, "tokens of a stream between updates", low=8, high=512)
    lm_dropout: float = param(0.3, "factor of AWD-LSTM's dropouts in the language model", low=0.0, high=2.0)

    epochs: int = param(12, "passes of the classifier, those of gradual unfreezing included", low=1, high=1000)
    gradual: bool = param(True, "unfreeze a layer group at a time, with lower rates for earlier groups")
    rate: float = param(2e-2, "highest learning rate of the classifier's head", low=1e-6, high=1.0, log=True)
    rate_factor: float = param(2.6, "by how much each earlier group of layers is slower", low=1.0, high=10.0)
    dropout: float = param(0.3, "factor of AWD-LSTM's dropouts in the classifier", low=0.0, high=2.0)
    smoothing: float = param(0.0, "label smoothing", low=0.0, high=0.5)
    class_weights: bool = param(False, "weight classes by the inverse of their share; changes the probabilities")
    weight_decay: float = param(0.01, "weight decay", low=0.0, high=1.0)
    batch: int = param(32, "sequences in a batch of the average length; batches hold so many tokens", low=1, high=1024)
    max_tokens: int = param(1024, "longest window; of a longer sequence head and tail are read", low=16, high=8192)
    find_rate: bool = param(False, "run the learning-rate finder first and draw its curve; the rate stays as set")
