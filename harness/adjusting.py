"""Adjusters in a chain, cross-fitted: each fold's OOF is adjusted by a fit on the other folds, and that is scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.checked import check_values
from harness.competition import Strategy
from harness.competition_file import FILE
from harness.data import Examples, TaskType
from harness.errors import ConfigError
from harness.offers import Adjuster, AdjusterInput, Adjustment
from harness.params import parse_params
from harness.prepare import Prepared

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PARTS = 5
"""Parts into which OOF rows are cut for cross-fitting where there are fewer than two folds."""


@dataclass(frozen=True, eq=False)
class Raw:
    """Predictions of one run before any adjuster.

    Attributes
    ----------
    oof : (n, k) float64
        One row for each scored training row that a fold predicted.
    folds : (n,) int64
        Which fold predicted it.
    targets, weights, meta
        Of the same n rows; `weights` are evaluation weights.
    valid, test : (m, k) float64 or None
        Mean over folds, or of the refit.
    test_of_fold : mapping of int to (m, k) float64
        What each fold's own model predicts for the test set.
    natural_shares, trained_shares : (k,) float64 or None
        Class shares before and after rebalancing, mean over folds.
    """

    oof: Floats
    folds: NDArray[np.int64]
    targets: NDArray[Any]
    weights: Floats | None
    meta: pd.DataFrame | None
    valid: Floats | None
    test: Floats | None
    test_of_fold: Mapping[int, Floats]
    natural_shares: Floats | None
    trained_shares: Floats | None


@dataclass(frozen=True, eq=False)
class Adjusted:
    """The same after the chain, with decisions in {0, 1} (None for a regression)."""

    oof: Floats
    oof_decisions: Floats | None
    valid: Floats | None
    valid_decisions: Floats | None
    test: Floats | None
    test_decisions: Floats | None
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    states: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Link:
    """One adjuster of a chain with its parsed parameters."""

    offer: Adjuster
    params: Any


def chain_of(strategy: Strategy, prepared: Prepared) -> tuple[Link, ...]:
    """Find a strategy's adjusters and parse their parameters.

    Raises
    ------
    HarnessError
        If one is unknown, does not fit the task, or learns from test inputs where the rules forbid it.
    """
    where = f"{prepared.competition.id}/{FILE}: strategies.{strategy.name}: adjuster"
    links = []
    for use in strategy.adjusters:
        offer = prepared.plugins.find(Adjuster, use.name, where)
        if prepared.competition.task not in offer.tasks:
            raise ConfigError(f"{where}: {use.name!r} does not fit task {prepared.competition.task.value!r}")
        if offer.sees_test and not prepared.competition.rules.test_inputs:
            raise ConfigError(f"{where}: {use.name!r} learns from test inputs, which the rules forbid")
        links.append(Link(offer, parse_params(offer.params, use.params, where)))
    return tuple(links)


def adjust(links: Sequence[Link], prepared: Prepared, raw: Raw, seed: int) -> Adjusted:
    """Cross-fit the chain over folds for the OOF; fit it on all OOF for the validation and test sets.

    Raises
    ------
    PluginError
        If an adjuster returns what cannot be a prediction.
    """
    import numpy as np

    info, task = prepared.dataset.info, prepared.competition.task
    oof: Floats | None = None
    decisions: Floats | None = None
    valid_meta, test_meta = _meta(prepared.dataset.valid), _meta(prepared.dataset.test)
    for part, reference, rows in _parts(links, raw):
        chain = _fit(links, prepared, raw, ~rows, reference, seed)
        meta = None if raw.meta is None else raw.meta[rows].reset_index(drop=True)
        values, decided = apply_chain(chain, raw.oof[rows], reference, task, meta, test_meta)
        if oof is None:
            oof = np.empty((len(raw.oof), values.shape[1]))
            decisions = None if decided is None else np.empty((len(raw.oof), decided.shape[1]))
        oof[rows] = values
        if decisions is not None and decided is not None:
            decisions[rows] = decided
        check_values(values, task, f"adjusters of fold {part}")
    assert oof is not None
    whole = _fit(links, prepared, raw, np.ones(len(raw.oof), dtype=bool), raw.test, seed)
    valid, valid_decisions = _applied(whole, raw.valid, raw.test, task, valid_meta, test_meta)
    test, test_decisions = _applied(whole, raw.test, raw.test, task, test_meta, test_meta)
    return Adjusted(
        oof=oof,
        oof_decisions=decisions,
        valid=valid,
        valid_decisions=valid_decisions,
        test=test,
        test_decisions=test_decisions,
        columns=columns_after(whole, info.named(raw.oof.shape[1])),
        notes=tuple(note for adjustment in whole for note in adjustment.notes),
        states=tuple(adjustment.state() for adjustment in whole),
    )


def _parts(links: Sequence[Link], raw: Raw) -> Iterable[tuple[int, Floats | None, NDArray[np.bool_]]]:
    """Yield (part, reference, its rows): the folds; or equal parts of the rows where one fold is all there is."""
    import numpy as np

    if not links:
        yield 0, raw.test, np.ones(len(raw.oof), dtype=bool)
        return
    several = len(np.unique(raw.folds)) > 1
    for part, rows in held_out(raw.folds):
        yield part, raw.test_of_fold.get(part) if several else raw.test, rows


def held_out(folds: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield, one after the other, the rows for which what is learned from OOF rows is learned from all others.

    Parameters
    ----------
    folds : (n,) int64
        Which fold predicted each row.

    Yields
    ------
    (int, (n,) bool)
        Each fold and its rows; equal parts of the rows where one fold is all there is.
    """
    import numpy as np

    found = np.unique(folds)
    if len(found) > 1:
        yield from ((int(fold), folds == fold) for fold in found)
    else:
        for part in range(min(PARTS, len(folds))):
            yield part, np.arange(len(folds)) % PARTS == part


def _fit(
    links: Sequence[Link],
    prepared: Prepared,
    raw: Raw,
    rows: NDArray[np.bool_],
    reference: Floats | None,
    seed: int,
) -> list[Adjustment]:
    data = AdjusterInput(
        values=raw.oof[rows],
        targets=raw.targets[rows],
        weights=None if raw.weights is None else raw.weights[rows],
        meta=None if raw.meta is None else raw.meta[rows].reset_index(drop=True),
        natural_shares=raw.natural_shares,
        trained_shares=raw.trained_shares,
        seed=seed,
    )
    chain: list[Adjustment] = []
    for position, link in enumerate(links):
        adjustment = link.offer.build(link.params, prepared.dataset.info)
        adjustment.fit(data)
        chain.append(adjustment)
        if position + 1 < len(links):
            data = replace(data, values=adjustment.apply(data.values, reference, data.meta))
            if reference is not None:
                reference = adjustment.apply(reference, reference, _meta(prepared.dataset.test))
    return chain


def _meta(examples: Examples | None) -> pd.DataFrame | None:
    return None if examples is None else examples.meta


def _applied(
    chain: Sequence[Adjustment],
    values: Floats | None,
    reference: Floats | None,
    task: TaskType,
    meta: pd.DataFrame | None,
    reference_meta: pd.DataFrame | None,
) -> tuple[Floats | None, Floats | None]:
    if values is None:
        return None, None
    adjusted, decisions = apply_chain(chain, values, reference, task, meta, reference_meta)
    check_values(adjusted, task, "adjusters")
    return adjusted, decisions


def apply_chain(
    chain: Sequence[Adjustment],
    values: Floats,
    reference: Floats | None,
    task: TaskType,
    meta: pd.DataFrame | None = None,
    reference_meta: pd.DataFrame | None = None,
) -> tuple[Floats, Floats | None]:
    """Apply a fitted chain.

    Parameters
    ----------
    values : (n, k) float64
    reference : (m, k) float64 or None
        Raw predictions of the same model for the test set; None for what was stored.
    meta, reference_meta : DataFrame or None
        Facts of the n rows, and of the m rows of the reference.

    Returns
    -------
    (values, decisions)
        Adjusted values, and decisions (n, k) in {0, 1}; None for a regression.
    """
    for adjustment in chain:
        adjusted = adjustment.apply(values, reference, meta)
        reference = None if reference is None else adjustment.apply(reference, reference, reference_meta)
        values = adjusted
    for adjustment in reversed(chain):
        decided = adjustment.decide(values)
        if decided is not None:
            return values, decided
    return values, default_decisions(values, task)


def default_decisions(values: Floats, task: TaskType) -> Floats | None:
    """Decide without thresholds: the likeliest class (the first of equals), or every class of at least 0.5.

    Examples
    --------
    >>> import numpy as np
    >>> default_decisions(np.array([[0.2, 0.8], [0.5, 0.5]]), TaskType.BINARY).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    import numpy as np

    if task is TaskType.REGRESSION:
        return None
    if task is TaskType.MULTILABEL:
        return (values >= 0.5).astype(np.float64)
    decided: Floats = np.eye(values.shape[1])[values.argmax(axis=1)]
    return decided


def columns_after(chain: Sequence[Adjustment], columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return output columns after a chain: an adjustment that adds some (an interval) has an attribute `columns`."""
    for adjustment in chain:
        columns = tuple(getattr(adjustment, "columns", columns))
    return columns


def restore_chain(links: Sequence[Link], prepared: Prepared, states: Sequence[Mapping[str, Any]]) -> list[Adjustment]:
    """Build a chain again from its stored states."""
    chain = []
    for link, state in zip(links, states, strict=True):
        adjustment = link.offer.build(link.params, prepared.dataset.info)
        adjustment.restore(state)
        chain.append(adjustment)
    return chain
