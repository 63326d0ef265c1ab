"""Built-in splitters, and the check that folds of any splitter must pass."""

from __future__ import annotations

from collections.abc import Iterable

from harness.builtin._splits import rows, spatial, time
from harness.builtin._splits.checks import check_folds
from harness.hookspecs import hookimpl
from harness.offers import Splitter

__all__ = ["check_folds", "harness_splitters"]


@hookimpl
def harness_splitters() -> Iterable[Splitter]:
    yield Splitter("random", "rows at random", rows.RandomParams, rows.random, at_random=True)
    yield Splitter(
        "stratified", "every fold has the same class shares", rows.StratifiedParams, rows.stratified, at_random=True
    )
    yield Splitter("group", "no group on both sides", rows.GroupParams, rows.group)
    yield Splitter(
        "stratified_group",
        "no group on both sides, class shares as equal as groups allow",
        rows.StratifiedGroupParams,
        rows.stratified_group,
    )
    yield Splitter("time", "train on what is older than what is predicted", time.TimeParams, time.time, forward=True)
    yield Splitter(
        "group_time",
        "train on older rows of other groups than are predicted",
        time.GroupTimeParams,
        time.group_time,
        forward=True,
    )
    yield Splitter(
        "spatial",
        "blocks of near places, and a buffer around them that does not train",
        spatial.SpatialParams,
        spatial.spatial,
    )
    yield Splitter("predefined", "folds as a column says", rows.PredefinedParams, rows.predefined)
