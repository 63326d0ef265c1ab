"""Examples, predictions and their digests: rows stay together, whatever holds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from harness.data import (
    DatasetInfo,
    Examples,
    Predictions,
    TaskType,
    check_unique,
    digest_files,
    take_rows,
)
from harness.errors import DataError


def ids(n: int) -> Any:
    return np.array([f"{row:03d}" for row in range(n)], dtype=object)


class Recordings:
    """Inputs of a plugin's own kind."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Any) -> Recordings:
        return Recordings([self.names[row] for row in rows])


HOLDERS: dict[str, tuple[Callable[[list[int]], Any], Callable[[Any], list[int]]]] = {
    "table": (lambda rows: pd.DataFrame({"x": rows}), lambda held: held["x"].tolist()),
    "array": (lambda rows: np.array(rows), lambda held: held.tolist()),
    "list": (lambda rows: rows, lambda held: held),
    "sparse": (lambda rows: csr_matrix(np.array(rows)[:, None]), lambda held: held.toarray()[:, 0].tolist()),
    "own": (
        lambda rows: Recordings([str(row) for row in rows]),
        lambda held: [int(name) for name in held.names],
    ),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_rows_are_taken_in_order_and_stay_together(holder: str) -> None:
    make, read = HOLDERS[holder]
    examples = Examples(
        ids(5),
        make([0, 1, 2, 3, 4]),
        targets=np.arange(5) * 10,
        meta=pd.DataFrame({"site": list("abcde")}),
        weights=np.arange(5) / 2,
        scored=np.array([True, False, True, True, False]),
    )
    taken = examples.take(np.array([4, 0, 0]))
    assert taken.ids.tolist() == ["004", "000", "000"]
    assert read(taken.inputs) == [4, 0, 0]
    assert taken.targets is not None
    assert taken.targets.tolist() == [40, 0, 0]
    assert taken.meta is not None
    assert taken.meta["site"].tolist() == ["e", "a", "a"]
    assert taken.meta.index.tolist() == [0, 1, 2]
    assert taken.weights is not None
    assert taken.weights.tolist() == [2.0, 0.0, 0.0]
    assert taken.scored_rows().tolist() == [1, 2]


@pytest.mark.parametrize("part", ["inputs", "targets", "meta", "weights", "scored"])
def test_parts_of_other_lengths_are_refused_by_name(part: str) -> None:
    parts: dict[str, Any] = {"inputs": [1, 2, 3], part: pd.DataFrame({"a": [1]}) if part == "meta" else np.zeros(1)}
    with pytest.raises(DataError, match=f"{part} has 1 rows, ids has 3"):
        Examples(ids(3), **parts)


def test_all_rows_are_scored_where_nothing_is_said() -> None:
    rows = Examples(ids(3), [1, 2, 3]).scored_rows()
    assert rows.tolist() == [0, 1, 2]
    assert rows.dtype == np.int64


def test_unlabelled_has_neither_targets_nor_weights() -> None:
    bare = Examples(ids(2), [1, 2], np.array([0, 1]), weights=np.ones(2)).unlabelled()
    assert bare.targets is None
    assert bare.weights is None


def test_other_inputs_must_have_the_same_rows() -> None:
    examples = Examples(ids(2), [1, 2])
    assert examples.with_inputs(["a", "b"]).inputs == ["a", "b"]
    with pytest.raises(DataError):
        examples.with_inputs(["a"])


@given(st.lists(st.integers(), min_size=1, max_size=20), st.data())
def test_taking_twice_is_taking_once(values: list[int], data: st.DataObject) -> None:
    places = st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=20)
    first = np.array(data.draw(places))
    second = np.array(data.draw(st.lists(st.integers(0, len(first) - 1), max_size=20)), dtype=np.int64)
    assert take_rows(take_rows(values, first), second) == take_rows(values, first[second])


@pytest.mark.fault("F-33")
def test_predictions_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"predictions have shape \(2, 3\), expected \(2, 2\)"):
        Predictions(ids(2), np.zeros((2, 3)), ("a", "b"))
    assert Predictions(ids(2), np.eye(2), ("a", "b")).take(np.array([1])).ids.tolist() == ["001"]


def test_outputs_are_the_classes_or_a_point() -> None:
    assert DatasetInfo("d", TaskType.BINARY, ("no", "yes")).outputs == ("no", "yes")
    assert DatasetInfo("d", TaskType.REGRESSION).outputs == ("point",)


def test_single_label() -> None:
    assert [task for task in TaskType if task.single_label] == [TaskType.BINARY, TaskType.MULTICLASS]


@pytest.mark.fault("F-23")
def test_duplicate_ids_are_listed() -> None:
    check_unique(["1", "01", "1e0"], "train")
    with pytest.raises(DataError, match="train has 2 duplicate ids: b, a"):
        check_unique(["b", "a", "b", "a", "b"], "train")


def test_digest_depends_on_content_names_and_facts_not_on_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("1")
    two.write_text("2")
    digest = digest_files([one, two], "sep=,")
    assert digest == digest_files([two, one], "sep=,")
    assert digest != digest_files([one, two], "sep=;")
    assert digest != digest_files([one], "sep=,")
    two.write_text("1")
    one.write_text("2")
    assert digest != digest_files([one, two], "sep=,")
    assert len(digest) == 64
