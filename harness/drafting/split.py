"""How the folds are cut, so that they differ from training as the test set does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.audit.candidates import COLUMNS, Candidate, candidates
from harness.audit.guard import MOST_AUC, objections
from harness.audit.likeness import recommend
from harness.audit.sides import Sides, Where, auc_of_test, compare, whereabouts
from harness.competition import Use
from harness.data import TaskType
from harness.errors import ConfigError
from harness.offers import Splitter
from harness.prepare import Prepared

FOLDS = 5
Cut = Callable[[Use], Prepared]
"""Cuts the folds of a split."""


@dataclass(frozen=True)
class Split:
    """A split with its reason.

    Attributes
    ----------
    allow : str
        Why it is kept although it deals rows at random and the test set is no such draw; empty where it is.
    """

    use: Use
    why: str
    allow: str = ""


def base_split(task: TaskType, folds: int = FOLDS) -> Use:
    """Return the split to use where rows do not belong together."""
    return Use("stratified" if task.single_label else "random", {"folds": folds, "seed": 0})


def choose_split(prepared: Prepared, cut: Cut, asked: str) -> tuple[Split, Prepared]:
    """Choose a split, cut it, and look whether it resembles the test set.

    Parameters
    ----------
    prepared : Prepared
        With `base_split`.
    asked : str
        The splitter that a person wants; empty leaves it to the data.

    Raises
    ------
    HarnessError
        If the one that is asked for cannot be cut.
    """
    own = prepared.competition.split
    if asked:
        use, why = _asked(asked, prepared), "as --split says"
    else:
        use, why = _by_roles(prepared)
    chosen = prepared if use == own else cut(use)
    auc = auc_of_test(prepared.dataset, prepared.setting.cache)
    split = Split(use, why + _of_auc(auc, bool(asked)))
    if chosen.splitter.at_random and (reasons := objections(chosen)):
        return replace(split, allow=f"proposed although {'; '.join(reasons)}"), chosen
    return split, chosen


def _asked(name: str, prepared: Prepared) -> Use:
    splitter = prepared.plugins.find(Splitter, name, "--split")
    fields = splitter.params.__dataclass_fields__
    given: dict[str, Any] = {
        key: value for key, value in {"folds": len(prepared.folds), "seed": 0}.items() if key in fields
    }
    roles = prepared.dataset.info.roles
    for role, key in COLUMNS.items():
        if key in fields and role in roles:
            given[key] = roles[role]
        elif key in fields and role in ("group", "time"):
            raise ConfigError(f"--split {name}: it needs a column of {role}s; name it with --{role} NAME")
    return Use(name, given)


def _by_roles(prepared: Prepared) -> tuple[Use, str]:
    """Return the split that lies as the test set does, in groups, times and places; without such, the own one."""
    own, dataset = prepared.competition.split, prepared.dataset
    plain = "classes have the same shares in each fold" if own.name == "stratified" else "rows at random"
    if not dataset.info.roles:
        return own, f"{plain}; nothing says that rows belong together"
    parts = [dataset.train] if dataset.test is None else [dataset.train, dataset.test]
    train, *others = whereabouts(parts, dataset.info.roles)
    # groups keep the shares of classes too, where there are classes
    whole = {"group": "stratified_group"} if dataset.info.task_type.single_label else {}
    tried = {whole.get(one.name, one.name): one for one in candidates(prepared, len(prepared.folds), 0) if one.folds}
    sides = {name: _sides(one, train) for name, one in tried.items()}
    test = compare(train, others[0]) if others else None
    verdict = recommend(sides, test, own.name)
    if verdict.own_fits:
        return own, f"{plain}; {verdict.reason}"
    use = {key: value for key, value in tried[verdict.split].use.items() if key in _KEPT}
    return Use(verdict.split, use), verdict.reason


_KEPT = ("folds", "seed", *COLUMNS.values())


def _sides(candidate: Candidate, train: Where) -> Sides:
    """Return how a split's validated rows lie to those trained on, the mean of its folds."""
    found = [compare(train.take(fold.train), train.take(fold.valid)) for fold in candidate.folds]

    def mean(name: str) -> float | None:
        known = [value for one in found if (value := getattr(one, name)) is not None]
        return float(np.mean(known)) if known else None

    return Sides(None, mean("group_overlap"), mean("later"), mean("nearest_km"))


def _of_auc(auc: float | None, asked: bool) -> str:
    if auc is None or asked:
        return ""
    told = f"; a classifier tells test rows from training rows with AUC {auc:.2f}"
    return told + (", so they hardly differ" if auc < 0.6 else ", so they differ" if auc > MOST_AUC else "")
