"""Checks of features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from harness.data import Dataset, TaskType, take_rows
from harness.errors import listed
from harness.offers import BuildContext, Features
from harness.testing.bench import REFUSALS, context_for, datasets_for
from harness.testing.findings import SKIPPED, Finding, attempt, if_sound, raised
from harness.testing.generated import copied, same
from harness.testing.hostile import check_clock, check_network, check_refusal
from harness.testing.offered import check_params, ready_params
from harness.testing.saved import pickles_in
from harness.testing.state import from_before, watched


@from_before
def check_features(
    features: Features, params: Any = None, dataset: Dataset | None = None, hostile: bool = False
) -> Iterator[Finding]:
    """Check features: rows are kept, the same seed gives the same values, and what is saved transforms alike.

    Parameters
    ----------
    params : dataclass instance, optional
        Parameters to try them with, instead of the defaults.
    dataset : Dataset, optional
        Data they can take; without it, generated tables of a binary task and of a regression.
    hostile : bool
        Also try them without a network, on another day, and with no rows or a column too few.
    """
    yield from check_params(features)
    chosen = ready_params(features, params)
    if chosen is None:
        return
    for task, datasets in datasets_for((TaskType.BINARY, TaskType.REGRESSION), dataset).items():
        refusal: Finding | None = None
        for data in datasets:
            refusal, findings = _on(features, chosen, task, data, hostile)
            if refusal is None:
                yield from findings
                break
        if refusal is not None:
            yield refusal if dataset is None else replace(refusal, check=f"{task}: fit", problem=refusal.check)


def _on(
    features: Features, params: Any, task: TaskType, dataset: Dataset, hostile: bool
) -> tuple[Finding | None, list[Finding]]:
    """Return the refusal (or None) and the findings."""
    try:
        with context_for(lambda: features.stages(params, dataset.info) if features.stages else (), dataset) as context:
            findings = list(_findings(features, params, task, dataset, context))
            if hostile:
                findings += if_sound(findings, _hostile(features, params, task, dataset, context))
            return None, findings
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
        with watched() as told:
            again.fit_transform(train.inputs, train.targets)
        changed.extend(told)
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

    def turned() -> str:
        order = np.random.default_rng(6).permutation(len(others))
        found = transformer.transform(take_rows(others, order))
        wanted = take_rows(transformer.transform(others), order)
        return "" if same(found, wanted) else "in another order rows are transformed otherwise"

    changed: list[str] = []
    yield attempt(name, f"{task}: keeps rows", rows)
    yield attempt(name, f"{task}: the order of rows is nothing", turned)
    yield attempt(name, f"{task}: same seed, same bytes", repeats)
    yield Finding(name, f"{task}: leaves global state as it is", "".join(changed))
    yield attempt(name, f"{task}: save and load", reloads)
    yield attempt(name, f"{task}: no pickle is saved", no_pickle)


def _hostile(
    features: Features, params: Any, task: TaskType, dataset: Dataset, context: BuildContext
) -> Iterator[Finding]:
    name, train = features.name, dataset.train
    others = (train if dataset.test is None else dataset.test).inputs

    def transform(inputs: Any) -> Any:
        transformer = features.build(params, dataset.info, context)
        transformer.fit_transform(train.inputs, train.targets)
        return transformer.transform(inputs)

    def anew() -> Any:
        return transform(others)

    def on_another_day() -> str:
        return "" if same(anew(), first) else "on another day they transform otherwise; take dates from the data"

    first, none = anew(), np.arange(0)
    strange = others.iloc[:, 1:] if isinstance(others, pd.DataFrame) else [None] * len(others)
    yield check_network(name, f"{task}: reaches no network", anew)
    yield check_clock(name, f"{task}: the day is nothing", on_another_day)
    yield check_refusal(
        name, f"{task}: takes or refuses no rows to transform", lambda: transform(take_rows(others, none))
    )
    yield check_refusal(name, f"{task}: takes or refuses strange inputs", lambda: transform(strange))
