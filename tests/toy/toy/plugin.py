"""A small competition of simulated blobs, for tests of the core."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness import hookimpl
from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.offers import DatasetSource, ModelRecipe
from harness.params import param

CLASSES = ("ash", "beech", "cedar")


@dataclass(frozen=True)
class BlobsParams:
    rows: int = param(90, "training rows", low=3)
    spread: float = param(1.0, "standard deviation of a blob", low=0)


def load_blobs(params, request):
    import numpy as np

    rng = np.random.default_rng(7)

    def blobs(n, start, labelled):
        targets = np.arange(n) % 3
        points = rng.normal(size=(n, 2)) * params.spread + np.array([[0, 0], [2, 0], [0, 2]])[targets]
        ids = np.array([f"{start + row:03d}" for row in range(n)], dtype=object)
        return Examples(ids, points, targets if labelled else None)

    train, test = blobs(params.rows, 0, True), blobs(30, 500, False)
    info = DatasetInfo("blobs", TaskType.MULTICLASS, CLASSES, variant=request.variant, simulated=True)
    return Dataset(info, train, None, test, digest=f"blobs-{params.rows}-{params.spread}")


def read_new(params, path, info):
    import numpy as np

    table = json.loads(path.read_text())
    return Examples(np.array(list(table), dtype=object), np.array(list(table.values())))


@dataclass(frozen=True)
class MeansParams:
    sharpness: float = param(1.0, "how sure it is", low=0)
    noise: float = param(0.0, "random shift of the means, by the seed", low=0)
    fail: str = param("", "name of an exception to raise")
    slow: float = param(0.0, "seconds to sleep while it trains", low=0)


class Means:
    def __init__(self, params, info, context):
        self.params, self.info, self.context = params, info, context

    def fit(self, train, inner, log):
        import numpy as np

        if "TOY_COUNT" in os.environ:
            with Path(os.environ["TOY_COUNT"]).open("a") as file:
                file.write("fit\n")
        time.sleep(self.params.slow)
        if self.params.fail:
            raise {"ValueError": ValueError, "SystemExit": SystemExit}[self.params.fail]("asked to fail")
        self.means = np.stack([train.inputs[train.targets == code].mean(axis=0) for code in range(3)])
        self.means += np.random.default_rng(self.context.seed).normal(size=(3, 2)) * self.params.noise
        log.epoch(0, train_loss=0.5)

    def predict(self, examples):
        import numpy as np

        distances = ((examples.inputs[:, None, :] - self.means[None]) ** 2).sum(axis=2)
        scores = np.exp(-0.5 * self.params.sharpness * (distances - distances.min(axis=1, keepdims=True)))
        return Predictions(examples.ids, scores / scores.sum(axis=1, keepdims=True), self.info.outputs)

    def save(self, directory):
        (directory / "means.json").write_text(json.dumps(self.means.tolist()))

    def load(self, directory):
        import numpy as np

        self.means = np.array(json.loads((directory / "means.json").read_text()))


@hookimpl
def harness_datasets() -> Iterable[DatasetSource]:
    yield DatasetSource("local.blobs", "three blobs", BlobsParams, load_blobs, read_new)


@hookimpl
def harness_models() -> Iterable[ModelRecipe]:
    tasks = frozenset({TaskType.MULTICLASS})
    yield ModelRecipe("local.means", "distances to class means", tasks, MeansParams, Means)
