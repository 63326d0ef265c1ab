"""ULMFiT's two trainings against plain fastai scripts with the same networks on the same sequences, paired.

The language model: tokens a second of an epoch, against fastai's `LMDataLoader` and `language_model_learner`'s parts
with their defaults. The classifier: sequences a second of an epoch, against fastai's classifier (`pad_input_chunk`,
`SentenceEncoder` in chunks of 72 tokens) on batches dealt at random, and on those of its `SortedDL`, which sorts by
length too; the batch is of the same number of sequences on average.
Sequences are random, with lengths like those of whole enzymes (mean 440, standard deviation 250, 30 to 1,022).

    python benchmarks/ulmfit.py [cpu|cuda]
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

import numpy as np
import torch

from harness.neural import learner as neural

# isort: split
# fastai warns unless it is imported as above
from fastai.callback.rnn import rnn_cbs
from fastai.data.core import TfmdDL
from fastai.losses import CrossEntropyLossFlat
from fastai.text.data import LMDataLoader, SortedDL, pad_input_chunk
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config, awd_lstm_clas_split
from fastai.text.models.core import get_text_classifier
from harness_protein.ulmfit.batches import Buckets, windowed
from harness_protein.ulmfit.language_model import flat_cross_entropy
from harness_protein.ulmfit.network import Classifier, language_model
from harness_protein.ulmfit.params import UlmfitParams
from harness_protein.ulmfit.streams import Streams
from harness_protein.ulmfit.tokenizers import PAD, SPECIAL

ROUNDS, CLASSES, VOCABULARY, BATCH = 5, 7, 1000, 32
SEQUENCES = {"language model": 160, "classifier": 320}


def sequences(count: int) -> list[np.ndarray]:
    """Return random token sequences of about half as many tokens as enzymes have residues."""
    rng = np.random.default_rng(0)
    shape, scale = (440 / 250) ** 2, 250**2 / 440
    lengths = np.clip(rng.gamma(shape, scale, count), 30, 1022).astype(int) // 2
    return [rng.integers(SPECIAL, VOCABULARY, length).astype(np.int32) for length in lengths]


def language_learner(kind: str, device: torch.device) -> neural.Learner:
    """Return a Learner over a fresh language model."""
    torch.manual_seed(0)
    params, texts = UlmfitParams(lm_batch=BATCH), sequences(SEQUENCES["language model"])
    net = language_model(VOCABULARY, params)
    if kind == "ours":
        loader = Streams(texts, BATCH, params.lm_length, 0, backward=False)
        adam = partial(neural.OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))
        options = {"loss_func": flat_cross_entropy, "opt_func": adam}
    else:
        tensors = [(torch.from_numpy(text.astype(np.int64)),) for text in texts]
        loader = LMDataLoader(tensors, lens=[len(text) for text in texts], bs=BATCH, seq_len=72, shuffle=True)
        options = {"loss_func": CrossEntropyLossFlat()}
    loaders = neural.DataLoaders(loader, loader, device=device)
    return neural.Learner(loaders, net, cbs=[*rnn_cbs(2.0, 1.0), neural.NoValidation()], **options)


def longest_first(samples: list) -> list:
    """Order a batch as fastai's encoder must have it."""
    return sorted(samples, key=lambda sample: -len(sample[0]))


class Labelled(Buckets):
    """Batches with a class each."""

    def __iter__(self):
        return ((tokens, rows % CLASSES) for tokens, rows in super().__iter__())


def classifier_learner(kind: str, device: torch.device) -> neural.Learner:
    """Return a Learner over a fresh classifier of the same sizes."""
    torch.manual_seed(0)
    params, texts = UlmfitParams(batch=BATCH), sequences(SEQUENCES["classifier"])
    if kind == "ours":
        loader = Labelled([windowed(text, params.max_tokens, backward=False) for text in texts], BATCH, 0, least=2)
        net, splitter = Classifier(VOCABULARY, CLASSES, params), Classifier.groups
        options = {"opt_func": partial(neural.OptimWrapper, opt=partial(torch.optim.AdamW, fused=True))}
        options["loss_func"] = torch.nn.functional.cross_entropy
    else:
        items = [(torch.from_numpy(text.astype(np.int64)), row % CLASSES) for row, text in enumerate(texts)]
        pad = partial(pad_input_chunk, pad_idx=PAD, seq_len=72)
        if kind == "fastai, sorted":
            loader = SortedDL(items, bs=BATCH, shuffle=True, before_batch=pad, res=[len(text) for text in texts])
        else:
            loader = TfmdDL(items, bs=BATCH, shuffle=True, before_batch=[longest_first, pad])
        sizes = {"emb_sz": params.embedding, "n_hid": params.hidden, "n_layers": params.layers}
        net = get_text_classifier(
            AWD_LSTM, VOCABULARY, CLASSES, config={**awd_lstm_clas_config, **sizes}, drop_mult=params.dropout
        )
        splitter, options = awd_lstm_clas_split, {"loss_func": CrossEntropyLossFlat()}
    loaders = neural.DataLoaders(loader, loader, device=device)
    callbacks = [*rnn_cbs(2.0, 1.0), neural.NoValidation()]
    return neural.Learner(loaders, net, splitter=splitter, cbs=callbacks, **options)


def seconds(learn: neural.Learner) -> float:
    """Return the time of one epoch."""
    with learn.no_bar(), learn.no_logging():
        started = time.perf_counter()
        learn.fit(1)
        if learn.dls.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started


def compare(name: str, make, kinds: list[str], work: float, unit: str, device: torch.device) -> None:
    """Print the speed of each kind, and how many times as fast ours is."""
    learners = [make(kind, device) for kind in [*kinds, "ours"]]
    for learn in learners:
        seconds(learn)  # the first epoch pays for memory
    rounds = [[seconds(learn) for learn in learners] for _ in range(ROUNDS)]
    *others, ours = (work / statistics.median(column) for column in zip(*rounds, strict=True))
    for place, (kind, speed) in enumerate(zip(kinds, others, strict=True)):
        ratio = statistics.median(times[place] / times[-1] for times in rounds)
        print(f"{name:16}{kind:20}{speed:8,.0f} {unit}/s   ours {ours:8,.0f}   ratio {ratio:.2f}", flush=True)


def main(device: str) -> None:
    """Compare both trainings."""
    print(f"{device}, {torch.get_num_threads()} threads, median of {ROUNDS} rounds of one epoch each")
    tokens = sum(map(len, sequences(SEQUENCES["language model"])))
    compare("language model", language_learner, ["fastai"], tokens, "tokens", torch.device(device))
    kinds = ["fastai, random", "fastai, sorted"]
    compare("classifier", classifier_learner, kinds, SEQUENCES["classifier"], "sequences", torch.device(device))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else "cpu")
