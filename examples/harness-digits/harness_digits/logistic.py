"""The model ``digits.logistic``: logistic regression on pixels, what every network has to beat."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import DatasetInfo, Examples, Predictions, TaskType
from harness.offers import BuildContext, ModelRecipe, TaskLog
from harness.params import param
from harness.persist import load_sklearn, save_sklearn

from harness_digits.inputs import pictures_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "logistic.skops"


@dataclass(frozen=True)
class LogisticParams:
    """Parameters of ``digits.logistic``."""

    C: float = param(1.0, "inverse strength of the L2 penalty", low=1e-4, high=1e4, log=True)
    max_iter: int = param(300, "most iterations of the solver", low=1, tune=False)


class Logistic:
    """``digits.logistic``."""

    def __init__(self, params: LogisticParams, info: DatasetInfo) -> None:
        self.params, self.info = params, info
        self._fitted: Any = None

    def fit(self, train: Examples, inner: Examples | None, log: TaskLog) -> None:
        """Learn from all pixels; `inner` is not used."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=self.params.C, max_iter=self.params.max_iter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the note below tells it
            self._fitted = model.fit(_pixels(train), train.targets, train.weights)
        if model.n_iter_.max() >= self.params.max_iter:
            log.note(f"the solver stopped after {self.params.max_iter} iterations; raise max_iter or lower C")

    def predict(self, examples: Examples) -> Predictions:
        """Predict (n, 10) probabilities; 0 for a class that training rows lacked."""
        import numpy as np

        values = np.zeros((len(examples), len(self.info.outputs)))
        values[:, self._fitted.classes_] = self._fitted.predict_proba(_pixels(examples))
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory: Path) -> None:
        """Write the fitted regression."""
        save_sklearn(self._fitted, directory / FILE)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote."""
        self._fitted = load_sklearn(directory / FILE)


def _pixels(examples: Examples) -> NDArray[np.float64]:
    pictures = pictures_of(examples, "digits.logistic")
    return pictures.reshape(len(pictures), -1).astype(float)


def build(params: LogisticParams, info: DatasetInfo, context: BuildContext) -> Logistic:
    """Build the model; it needs no seed."""
    return Logistic(params, info)


LOGISTIC = ModelRecipe(
    name="digits.logistic",
    summary="logistic regression on pixels",
    tasks=frozenset({TaskType.MULTICLASS}),
    params=LogisticParams,
    build=build,
)
