"""Checks of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.data import Dataset, TaskType
from harness.errors import listed
from harness.offers import BuildContext, Features
from harness.testing.bench import REFUSALS, context_for, datasets_for
from harness.testing.findings import SKIPPED, Finding, attempt, raised
from harness.testing.generated import copied, same
from harness.testing.offered import check_params, ready_params
from harness.testing.saved import pickles_in


def check_features(features: Features, params: Any = None, dataset: Dataset | None = None) -> Iterator[Finding]:
    """Check features: rows are kept, the same seed gives the same values, and what is saved transforms alike.

    Parameters
    ----------
    params : dataclass instance, optional
        Parameters to try them with, instead of the defaults.
    dataset : Dataset, optional
        Data they can take; without it, generated tables of a binary task and of a regression.
    """
    yield from check_params(features)
    chosen = ready_params(features, params)
    if chosen is None:
        return
    for task, datasets in datasets_for((TaskType.BINARY, TaskType.REGRESSION), dataset).items():
        refusal: Finding | None = None
        for data in datasets:
            refusal, findings = _on(features, chosen, task, data)
            if refusal is None:
                yield from findings
                break
        if refusal is not None:
            yield refusal if dataset is None else replace(refusal, check=f"{task}: fit", problem=refusal.check)


def _on(features: Features, params: Any, task: TaskType, dataset: Dataset) -> tuple[Finding | None, list[Finding]]:
    """Return the refusal (or None) and the findings."""
    try:
        with context_for(lambda: features.stages(params, dataset.info) if features.stages else (), dataset) as context:
            return None, list(_findings(features, params, task, dataset, context))
    except REFUSALS as error:
        return Finding(features.name, f"{SKIPPED}{task}: {error}"), []
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin's SystemExit must not end the checks
        return None, [Finding(features.name, f"{task}: fit", raised(error))]


def _findings(
    features: Features, params: Any, task: TaskType, dataset: Dataset, context: BuildContext
) -> Iterator[Finding]:
    name, train = features.name, dataset.train
    others = (train if dataset.test is None else dataset.test).inputs
    transformer = features.build(params, dataset.info, context)
    given = copied(train)
    fitted = transformer.fit_transform(given.inputs, given.targets)
    yield Finding(name, f"{task}: fit")
    kept = same(given.inputs, train.inputs)
    yield Finding(name, f"{task}: leaves inputs as they are", "" if kept else "fit_transform changed what it was given")

    def rows() -> str:
        found = (len(fitted), len(transformer.transform(others)))
        wanted = (len(train), len(others))
        return "" if found == wanted else f"{wanted} rows became {found}"

    def repeats() -> str:
        again = features.build(params, dataset.info, context)
        again.fit_transform(train.inputs, train.targets)
        alike = same(transformer.transform(others), again.transform(others))
        return "" if alike else "a second fit with the same seed transforms otherwise; seed it from context.seed"

    def reloads() -> str:
        with TemporaryDirectory(prefix="harness-") as folder:
            transformer.save(Path(folder))
            again = features.build(params, dataset.info, BuildContext())
            again.load(Path(folder))
            alike = same(transformer.transform(others), again.transform(others))
        return "" if alike else "the loaded features transform otherwise"

    def no_pickle() -> str:
        with TemporaryDirectory(prefix="harness-") as folder:
            transformer.save(Path(folder))
            found = pickles_in(Path(folder))
        return f"{listed(found)}: a pickle runs code when it is read" if found else ""

    yield attempt(name, f"{task}: keeps rows", rows)
    yield attempt(name, f"{task}: same seed, same bytes", repeats)
    yield attempt(name, f"{task}: save and load", reloads)
    yield attempt(name, f"{task}: no pickle is saved", no_pickle)
