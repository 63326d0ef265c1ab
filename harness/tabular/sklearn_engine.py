"""Engine for estimators with scikit-learn's interface: a pipeline of encoder and estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.offers import TaskLog
from harness.persist import load_sklearn, save_sklearn
from harness.tabular.model import Rows
from harness.tabular.tables import Columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "model.skops"


class SklearnEngine:
    """Fits a pipeline whose last step is named ``model``.

    Parameters
    ----------
    make : callable
        ``make(columns) -> Pipeline``, unfitted.
    threads : int
        Limit for OpenMP and BLAS; the bytes of a result may depend on it.
    weighted : bool
        Whether the estimator takes sample weights; a note says so where they are lost.
    after : callable or None
        ``after(model, log)`` looks at the fitted estimator.
    trusted : sequence of str
        Types that a stored estimator holds beyond those of scikit-learn that the core trusts.
    """

    def __init__(
        self,
        make: Callable[[Columns], Any],
        threads: int,
        *,
        weighted: bool = True,
        after: Callable[[Any, TaskLog], None] | None = None,
        trusted: Sequence[str] = (),
    ) -> None:
        self.make = make
        self.threads = threads
        self.weighted = weighted
        self.after = after
        self.trusted = trusted
        self.best_iteration: int | None = None
        self.pipeline: Any = None

    def fit(self, train: Rows, inner: Rows | None, columns: Columns, log: TaskLog) -> None:  # noqa: ARG002
        """Fit encoder and estimator on the training rows."""
        extra = {}
        if train.weights is not None and self.weighted:
            extra["model__sample_weight"] = train.weights
        elif train.weights is not None:
            log.note("weights are ignored: this model resamples by itself and takes none")
        self.pipeline = self.make(columns)
        with _limited(self.threads):
            self.pipeline.fit(train.table, train.targets, **extra)
        model = self.pipeline.named_steps["model"]
        if "n_jobs" in model.get_params(deep=False):
            # forests add up their trees in the order in which threads finish, so only one thread gives the same bytes
            model.set_params(n_jobs=1)
        if self.after is not None:
            self.after(model, log)

    def predict(self, table: pd.DataFrame) -> Floats:
        """Return probabilities (n, m), or values (n,) of a regression."""
        method = self.pipeline.predict_proba if hasattr(self.pipeline, "predict_proba") else self.pipeline.predict
        with _limited(self.threads):
            values: Floats = method(table)
        return values

    def save(self, directory: Path) -> None:
        """Write ``model.skops``."""
        save_sklearn(self.pipeline, directory / FILE)

    def load(self, directory: Path) -> None:
        """Read ``model.skops``."""
        self.pipeline = load_sklearn(directory / FILE, self.trusted)


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    # threads, since ensembles would otherwise start processes of their own inside a task's process
    with threadpool_limits(threads), parallel_config(backend="threading"):
        yield
