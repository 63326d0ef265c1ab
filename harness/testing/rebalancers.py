"""Checks of a rebalancer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from harness.data import Dataset, DatasetInfo, Examples, TaskType, take_rows
from harness.errors import listed
from harness.offers import Rebalancer
from harness.testing.bench import REFUSALS, SEED, datasets_for
from harness.testing.findings import SKIPPED, Finding, attempt, if_sound, raised
from harness.testing.generated import copied, same, same_examples
from harness.testing.hostile import check_clock, check_network, check_refusal
from harness.testing.offered import check_params, ready_params
from harness.testing.state import from_before, watched

GENERATED = "generated:"


@from_before
def check_rebalancer(
    rebalancer: Rebalancer, params: Any = None, dataset: Dataset | None = None, hostile: bool = False
) -> Iterator[Finding]:
    """Check a rebalancer on a binary and a multiclass task.

    Parameters
    ----------
    params : dataclass instance, optional
        Parameters to try it with, instead of the defaults.
    dataset : Dataset, optional
        Data it can take; without it, generated tables.
    hostile : bool
        Also try it without a network, on another day, with no rows, and with rows of one class.
    """
    yield from check_params(rebalancer)
    chosen = ready_params(rebalancer, params)
    if chosen is None:
        return
    for task, datasets in datasets_for((TaskType.BINARY, TaskType.MULTICLASS), dataset).items():
        for data in datasets:
            try:
                given = copied(data.train)
                after = rebalancer.rebalance(chosen, given, data.info, SEED)
            except REFUSALS as error:
                refusal = Finding(rebalancer.name, f"{SKIPPED}{task}: {error}")
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a plugin's SystemExit must not end the checks
                yield Finding(rebalancer.name, f"{task}: rebalance", raised(error))
                break
            else:
                yield Finding(rebalancer.name, f"{task}: rebalance", _kind(after))
                if isinstance(after, Examples):
                    kept = same_examples(given, data.train)
                    yield Finding(
                        rebalancer.name, f"{task}: leaves what it is given", "" if kept else "changed its examples"
                    )
                    findings = list(_findings(rebalancer, chosen, task, data.train, data.info, after))
                    yield from findings
                    if hostile:
                        more = _hostile(rebalancer, chosen, task, data.train, data.info, after)
                        yield from if_sound(findings, more)
                break
        else:
            yield refusal


def _kind(after: Any) -> str:
    return "" if isinstance(after, Examples) else f"returned a {type(after).__name__}, expected Examples"


def _findings(
    rebalancer: Rebalancer, params: Any, task: TaskType, before: Examples, info: DatasetInfo, after: Examples
) -> Iterator[Finding]:
    def repeats() -> str:
        with watched() as told:
            again = rebalancer.rebalance(params, before, info, SEED)
        changed.extend(told)
        return "" if same_examples(after, again) else "the same seed gives other rows; use the seed it is given"

    name = rebalancer.name
    yield attempt(name, f"{task}: ids are original or generated", lambda: _ids(before, after))
    yield attempt(name, f"{task}: original rows stay what they are", lambda: _originals(before, after))
    yield attempt(name, f"{task}: no new class", lambda: _classes(before, after, info))
    yield attempt(name, f"{task}: the same columns", lambda: _columns(before.inputs, after.inputs))
    yield attempt(name, f"{task}: weights are positive", lambda: _weights(after))
    changed: list[str] = []
    yield attempt(name, f"{task}: same seed, same bytes", repeats)
    yield Finding(name, f"{task}: leaves global state as it is", "".join(changed))


def _hostile(
    rebalancer: Rebalancer, params: Any, task: TaskType, before: Examples, info: DatasetInfo, after: Examples
) -> Iterator[Finding]:
    assert before.targets is not None
    name, one_class = rebalancer.name, np.flatnonzero(before.targets == 0)

    def anew(rows: Any = slice(None)) -> Examples:
        return rebalancer.rebalance(params, before.take(np.arange(len(before))[rows]), info, SEED)

    def on_another_day() -> str:
        return "" if same_examples(after, anew()) else "on another day it gives other rows"

    yield check_network(name, f"{task}: reaches no network", anew)
    yield check_clock(name, f"{task}: the day is nothing", on_another_day)
    yield check_refusal(name, f"{task}: takes or refuses no rows", lambda: anew(slice(0)))
    yield check_refusal(name, f"{task}: takes or refuses rows of one class", lambda: anew(one_class))


def _made(examples: Examples) -> Any:
    return np.array([str(one).startswith(GENERATED) for one in examples.ids], dtype=bool)


def _ids(before: Examples, after: Examples) -> str:
    made = _made(after)
    strange = sorted(set(after.ids[~made]) - set(before.ids))
    if strange:
        return f"{len(strange)} ids are neither original nor '{GENERATED}<n>': {listed(strange)}"
    doubled = int(made.sum()) - len(set(after.ids[made]))
    return f"{doubled} generated ids are used twice" if doubled else ""


def _originals(before: Examples, after: Examples) -> str:
    assert before.targets is not None
    if after.targets is None:
        return "targets are lost"
    kept = np.flatnonzero(~_made(after))
    place = {one: row for row, one in enumerate(before.ids)}
    rows = np.array([place.get(one, -1) for one in after.ids[kept]], dtype=np.int64)
    kept, rows = kept[rows >= 0], rows[rows >= 0]
    if not np.array_equal(after.targets[kept], before.targets[rows]):
        return "some have another target now"
    one, other = take_rows(after.inputs, kept), take_rows(before.inputs, rows)
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        # columns that are gone, or hold another kind of number, are another matter
        common = [name for name in other if name in one]
        one = one[common]
        other = other[common].astype(dict(one.dtypes))
    return "" if same(one, other) else "some have other inputs now"


def _classes(before: Examples, after: Examples, info: DatasetInfo) -> str:
    assert before.targets is not None
    if after.targets is None:
        return "targets are lost"
    new = sorted({int(code) for code in after.targets} - {int(code) for code in before.targets})
    names = [info.classes[code] if 0 <= code < len(info.classes) else code for code in new]
    return f"{listed(names)} were not among the rows it was given" if new else ""


def _columns(before: Any, after: Any) -> str:
    if isinstance(before, pd.DataFrame):
        found = list(after.columns) if isinstance(after, pd.DataFrame) else type(after).__name__
        return "" if found == list(before.columns) else f"{list(before.columns)} became {found}"
    found, wanted = np.shape(after)[1:], np.shape(before)[1:]
    return "" if found == wanted else f"rows of shape {wanted} became {found}"


def _weights(after: Examples) -> str:
    if after.weights is None:
        return ""
    wrong = int((~(np.isfinite(after.weights) & (after.weights > 0))).sum())
    return f"{wrong} are zero, negative or not finite" if wrong else ""
