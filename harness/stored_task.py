"""What a finished task left behind: what was logged, raw predictions, its model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.checked import predict_checked
from harness.competition import Strategy
from harness.data import Examples, Predictions
from harness.device import choose_device, default_threads
from harness.errors import DataError, HarnessError, StoreError
from harness.files import read_json
from harness.offers import BuildContext
from harness.parts import parts_of
from harness.prepare import Prepared
from harness.results import FittedFold, FoldResult
from harness.store import RESULT, check_format

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_result(directory: Path, resumed: bool = False) -> FoldResult:
    """Read a stored fold with the epochs and notes that were logged."""
    stored = dict(read_json(directory / RESULT))
    check_format(stored, directory)
    stored.pop("format", None)
    events = [json.loads(line) for line in (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return FoldResult(
        **{
            **stored,
            "epochs": tuple(event for event in events if "step" in event),
            "notes": tuple(event["note"] for event in events if "note" in event),
            "resumed": resumed,
            "directory": directory,
        }
    )


def read_values(directory: Path, name: str) -> NDArray[np.float64] | None:
    """Read raw predictions (``oof``, ``valid`` or ``test``) of a stored fold; None where there are none.

    Raises
    ------
    DataError
        If the file holds anything but numbers.
    """
    import numpy as np

    path = directory / f"{name}.npy"
    if not path.exists():
        return None
    values = np.load(path, allow_pickle=False)
    if values.ndim != 2:
        raise DataError(f"{path} has {values.ndim} dimensions, expected 2")
    return np.asarray(values, dtype=np.float64)


def load_fitted(directory: Path, strategy: Strategy, prepared: Prepared) -> FittedFold:
    """Load a stored fold's features and model."""
    # whatever trained it, it predicts with what this machine has
    parts, context = parts_of(strategy, prepared), BuildContext(0, choose_device("auto"), default_threads())
    info = prepared.dataset.info
    model = parts.recipe.build(parts.model, info, context)
    with _readable(directory):
        model.load(directory / "model")
    transformer = None
    if parts.features is not None:
        transformer = parts.features.build(parts.features_params, info, context)
        with _readable(directory):
            transformer.load(directory / "features")

    def transform(examples: Examples) -> Examples:
        return examples if transformer is None else examples.with_inputs(transformer.transform(examples.inputs))

    return FittedFold(int(read_json(directory / RESULT)["index"]), model, transform)


@contextmanager
def _readable(directory: Path) -> Iterator[None]:
    try:
        yield
    except (HarnessError, ImportError):
        raise
    except Exception as error:  # a damaged or forged file can break any part of a reader; the cause is chained
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        raise StoreError(f"{directory}: its files cannot be read ({told}); run the strategy again") from error


def load_fold(directory: Path, strategy: Strategy, prepared: Prepared) -> Callable[[Examples], Predictions]:
    """Load a stored fold's features and model; return ``predict(examples)``."""
    fitted = load_fitted(directory, strategy, prepared)
    info, who = prepared.dataset.info, strategy.model.name
    return lambda examples: predict_checked(fitted.model, fitted.transform(examples), info, who)
