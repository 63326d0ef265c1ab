"""The spectrogram CNN: a fastai Learner over a backbone, from drawn examples to probabilities by row."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from harness.data import DatasetInfo, Examples, Predictions, TaskType, check_any
from harness.errors import StoreError
from harness.neural import pictures
from harness.neural.threads import threads_of
from harness.offers import BuildContext, TaskLog
from harness.params import as_json
from harness_birdclef.models.examples import Sampler
from harness_birdclef.models.network import SpectrogramNet
from harness_birdclef.models.params import CnnParams
from harness_birdclef.models.pieces import pieces_of, pooled
from harness_birdclef.peaks_stage import NAME as PEAKS
from harness_birdclef.peaks_stage import TABLE, read_peaks
from harness_birdclef.sound.mel import Mel, MelParams

if TYPE_CHECKING:
    from fastai.learner import Learner
    from numpy.typing import NDArray

    from harness_birdclef.models.learning import Loader

    Floats = NDArray[np.float64]

WEIGHTS, CONFIG, ONNX = "weights.safetensors", "cnn.json", "model.onnx"
PRESENCE_POWER = 0.5
"""How much the presence of any call scales each class: not fully, as each class has heard the same."""
PREDICT_BATCH = 64
FINDER_STEPS = 60
MOST_PEAKS = 50_000
"""Rows of a table of peaks that is kept with each model; a longer one stays in the stage's folder only."""


class SpectrogramCnn:
    """``birdclef.cnn``.

    Attributes
    ----------
    files : dict of str to bytes
        What a training leaves beside the weights: history and figures.
    """

    def __init__(self, params: CnnParams, info: DatasetInfo, context: BuildContext) -> None:
        self.params, self.info, self.context = params, info, context
        self.single = info.task_type is TaskType.MULTICLASS
        self.presence = params.presence and not self.single
        self.rate = int(info.extra["rate"])
        self.mel = MelParams(
            rate=self.rate,
            mels=params.mels,
            window=params.fft,
            hop=params.hop,
            low=params.low,
            high=min(params.high, self.rate / 2),
            scale=params.scale,
        )
        self.files: dict[str, bytes] = {}
        self._net: SpectrogramNet | None = None
        self._session: Any = None
        self._heard = front_end(self.mel, context.device)

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Train on examples drawn from `train`; with `inner`, keep the epoch that is best on examples drawn from it."""
        from harness.neural.learner import seeded

        check_any(train, "birdclef.cnn")
        found = read_peaks(self.context.stages[PEAKS]) if PEAKS in self.context.stages else None
        if found is not None and len(found) <= MOST_PEAKS:
            self.files["peaks.csv"] = (self.context.stages[PEAKS] / TABLE).read_bytes()
        sampler = Sampler(train, self.info, self.params, found)
        held = None if inner is None else Sampler(inner, self.info, self.params, found)
        if not sampler.backgrounds and self.params.background and not self.single:
            log.note(
                "no backgrounds to mix into: there is no window without a call, nor a quiet stretch in a recording"
            )
        with seeded(self.context.seed, self.context.threads):
            self._net = self._new_net()
            self._train(sampler, held, log)
        self._net.eval()

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, k) probabilities."""
        if not len(examples):
            return Predictions(examples.ids, np.zeros((0, len(self.info.outputs))), self.info.outputs)
        logits = pooled(self._logits(examples.inputs), self.params.pool)
        return Predictions(examples.ids, self._probabilities(logits), self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write weights, configuration, history and figures; the ONNX model too where that is what predicts."""
        from safetensors.torch import save_file

        assert self._net is not None
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self._net.state_dict().items()}
        save_file(state, str(directory / WEIGHTS))
        config = {"params": as_json(self.params), "classes": list(self.info.outputs), "rate": self.rate}
        (directory / CONFIG).write_text(json.dumps(config), encoding="utf-8")
        for name, content in self.files.items():
            (directory / name).write_bytes(content)
        if self.params.runtime == "onnx":
            from harness_birdclef.models.onnx import export

            export(self._net, self.mel, self._length(), self._share(), directory / ONNX)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        if tuple(config["classes"]) != self.info.outputs or config["rate"] != self.rate:
            raise StoreError(f"{directory / CONFIG} is of other classes or another sampling rate; train it again")
        if self.params.runtime == "onnx" and (directory / ONNX).exists():
            from harness_birdclef.models.onnx import session

            self._session = session(directory / ONNX, self.context.threads)
            return
        self._net = self._new_net()
        self._net.load_state_dict(load_file(str(directory / WEIGHTS)))
        self._net.eval()

    def _new_net(self) -> SpectrogramNet:
        outputs = len(self.info.outputs) + self.presence
        net = SpectrogramNet(self.params.backbone, outputs, self.params.dropout)
        return net.to(self.context.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _length(self) -> float:
        return self.params.seconds + 2 * self.params.context

    def _share(self) -> float:
        return self.params.context / self._length()

    # -- training ------------------------------------------------------------------------------------------------

    def _train(self, sampler: Sampler, held: Sampler | None, log: TaskLog) -> None:
        params = self.params
        loader = self._loader(sampler, params.epoch_examples or sampler.size, self.context.seed)
        other = loader if held is None else self._loader(held, 4 * params.batch, self.context.seed + 1, fixed=True)
        with tempfile.TemporaryDirectory() as folder:
            learn = self._learner(loader, other, Path(folder), held is not None, log)
            if params.find_rate:
                self._find_rate(learn)
            with learn.no_bar(), learn.no_logging():
                learn.fit_one_cycle(params.epochs, lr_max=params.rate, wd=params.weight_decay)
            self.files["history.csv"] = (Path(folder) / "history.csv").read_bytes()
        epochs = [(float(row[0]), float(row[1]) if held is not None else None) for row in learn.recorder.values]
        steps = [float(loss) for loss in learn.recorder.losses]
        self.files["loss.png"] = pictures.png(pictures.loss_figure(steps, epochs))
        self.files["batch.png"] = pictures.png(loader.show_batch())

    def _loader(self, sampler: Sampler, examples: int, seed: int, fixed: bool = False) -> Loader:
        from harness_birdclef.models.learning import Loader

        threads = self.params.loaders if self.context.device == "cuda" else 0
        loader = Loader(
            sampler.draw, self._heard, examples, self.params.batch, seed, threads, self._labels, self._axes_text()
        )
        loader.fixed = fixed
        return loader

    def _axes_text(self) -> str:
        return (
            f"{self.params.seconds:g} s each, from {self.mel.low:g} Hz to {self.mel.high / 1000:g} kHz on the mel scale"
        )

    def _labels(self, targets: Tensor) -> list[str]:
        names = np.asarray(self.info.outputs, dtype=object)
        return [", ".join(names[row > 0]) or "no call" for row in targets.numpy()]

    def _learner(self, loader: Loader, other: Loader, folder: Path, validated: bool, log: TaskLog) -> Learner:
        from harness.neural import learner
        from harness_birdclef.models import learning

        params = self.params
        callbacks = [learner.CSVLogger("history.csv"), learner.Told(log)]
        callbacks += [learning.Masks(self.context.seed)] if params.spec_augment else []
        callbacks += [learner.BestEpoch()] if validated else [learner.NoValidation()]
        wants = params.precision == "bfloat16" or (
            params.precision == "auto" and learner.bfloat16_pays(self.context.device)
        )
        callbacks += [learner.Precision(self.context.device)] if wants else []
        single = learning.single_label_loss(params.smoothing)
        loss = single if self.single else self._with_presence(learning.multilabel_loss(params.loss, params.smoothing))
        return learner.Learner(
            learner.DataLoaders(loader, other, path=folder, device=torch.device(self.context.device)),
            self._net,
            loss_func=loss,
            # fastai's own optimizers loop over parameters in Python
            opt_func=partial(learner.OptimWrapper, opt=partial(torch.optim.AdamW, fused=True)),
            cbs=callbacks,
            path=folder,
        )

    def _with_presence(self, loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
        if not self.presence:
            return loss

        def both(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
            calls = targets.amax(dim=1, keepdim=True)
            sure = torch.where(calls == 0, weights.amin(dim=1, keepdim=True), 1.0)
            return loss(logits, torch.cat([targets, calls], dim=1), torch.cat([weights, sure], dim=1))

        return both

    def _find_rate(self, learn: Learner) -> None:
        from harness.neural.learner import SuggestionMethod

        with learn.no_bar(), learn.no_logging():
            suggested = learn.lr_find(num_it=FINDER_STEPS, show_plot=False, suggest_funcs=(SuggestionMethod.Valley,))
        rates = [float(rate) for rate in learn.recorder.lrs]
        losses = [float(loss) for loss in learn.recorder.losses]
        figure = pictures.rate_figure(rates, losses, self.params.rate, float(suggested.valley))
        self.files["learning_rate.png"] = pictures.png(figure)

    # -- predicting ----------------------------------------------------------------------------------------------

    def _logits(self, inputs: Any) -> list[NDArray[np.float32]]:
        """Return the logits of each row's pieces, (pieces, outputs)."""
        params = self.params
        found: list[list[NDArray[np.float32]]] = [[] for _ in range(len(inputs))]
        batch: list[NDArray[np.float32]] = []
        owners: list[int] = []

        def flush() -> None:
            for owner, logits in zip(owners, self._forward(np.stack(batch)), strict=True):
                found[owner].append(logits)
            batch.clear()
            owners.clear()

        for row in range(len(inputs)):
            for piece in pieces_of(inputs, row, params.seconds, params.stride, params.context, params.pad):
                batch.append(piece)
                owners.append(row)
                if len(batch) == PREDICT_BATCH:
                    flush()
        if batch:
            flush()
        return [np.stack(rows) for rows in found]

    def _forward(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        spectrograms = self._heard(samples)
        share = self._share()
        if self._session is not None:
            (logits,) = self._session.run(None, {"spectrograms": spectrograms.cpu().numpy()})
            found: NDArray[np.float32] = logits
            return found
        assert self._net is not None
        with threads_of(self.context.threads), torch.inference_mode():
            answer: NDArray[np.float32] = self._net(spectrograms, share, 1 - share).cpu().numpy()
        return answer

    def _probabilities(self, logits: NDArray[np.float32]) -> Floats:
        values = logits.astype(np.float64)
        k = len(self.info.outputs)
        if self.single:
            shifted = np.exp(values - values.max(axis=1, keepdims=True))
            shares: Floats = shifted / shifted.sum(axis=1, keepdims=True)
            return shares
        chances: Floats = 1 / (1 + np.exp(-np.clip(values, -60, 60)))
        if not self.presence:
            return chances
        return chances[:, :k] * chances[:, k:] ** PRESENCE_POWER


def front_end(mel: MelParams, device: str) -> Callable[[NDArray[np.float32]], Tensor]:
    """Return what turns samples (b, n) into spectrograms (b, mels, frames) on a device; the same numbers either way."""
    if device == "cpu":
        numpy_mel = Mel(mel)
        return lambda samples: torch.from_numpy(numpy_mel(samples))
    from harness_birdclef.sound.mel_torch import TorchMel

    on_device = TorchMel(mel).to(device)

    def heard(samples: NDArray[np.float32]) -> Tensor:
        with torch.no_grad():
            found: Tensor = on_device(torch.from_numpy(samples).to(device, non_blocking=True))
        return found

    return heard
