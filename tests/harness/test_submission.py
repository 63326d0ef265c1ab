"""Submissions are filled by id, never by position."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.builtin.submission import harness_check_submission, harness_make_submission
from harness.competition import SubmissionSchema
from harness.data import DatasetInfo, Examples, Predictions, TaskType
from harness.errors import SubmissionError
from harness.submission import check, expected_ids, fill

SCHEMA = SubmissionSchema("row", {"yes": "y", "no": "n"}, "probabilities")
LABELS = SubmissionSchema("row", {"answer": "label"}, "labels", nothing="nocall")


def predictions(ids: list[str], values: list[list[float]], columns: tuple[str, ...] = ("n", "y")) -> Predictions:
    return Predictions(np.array(ids, dtype=object), np.array(values, dtype=np.float64), columns)


def test_columns_by_class_and_rows_by_id() -> None:
    made = fill(SCHEMA, predictions(["b", "a", "c"], [[0.2, 0.8], [1, 0], [0.5, 0.5]]), None, ["a", "b"])
    assert made.frame.to_dict("list") == {"row": ["a", "b"], "yes": [0.0, 0.8], "no": [1.0, 0.2]}


@pytest.mark.fault("F-28")
@given(st.permutations(range(6)), st.integers(0, 2**32 - 1))
def test_permuted_predictions_fill_the_same_submission(order: list[int], seed: int) -> None:
    ids = ["007", "7", "1e5", "100000", "é", "9007199254740993"]
    straight = predictions(ids, np.random.default_rng(seed).dirichlet([1, 1], 6).tolist())
    expected = fill(SCHEMA, straight, None, ids)
    permuted = fill(SCHEMA, straight.take(np.array(order)), None, ids)
    pd.testing.assert_frame_equal(permuted.frame, expected.frame, check_exact=True)


def test_without_a_sample_file_the_order_of_the_test_set() -> None:
    made = fill(SCHEMA, predictions(["b", "a"], [[0.2, 0.8], [1, 0]]))
    assert list(made.frame["row"]) == ["b", "a"]
    assert list(expected_ids(None, ["b", "a"])) == ["b", "a"]
    assert list(expected_ids(pd.DataFrame({"row": ["x"], "y": ["0"]}), ["b", "a"])) == ["x"]


@pytest.mark.fault("F-23")
def test_ids_without_a_prediction_and_doubled_ids_are_refused() -> None:
    with pytest.raises(SubmissionError, match="2 ids of the submission have no prediction: z, zz"):
        fill(SCHEMA, predictions(["a"], [[1, 0]]), None, ["a", "z", "zz"])
    with pytest.raises(SubmissionError, match="duplicate ids: a"):
        fill(SCHEMA, predictions(["a", "a"], [[1, 0], [0, 1]]), None, ["a"])


def test_an_output_that_was_not_predicted_is_named() -> None:
    with pytest.raises(SubmissionError, match="no prediction for the output 'y'; known: n, x"):
        fill(SCHEMA, predictions(["a"], [[1, 0]], ("n", "x")))


def test_rounding_of_a_mean_is_put_back_into_the_range_but_nothing_more() -> None:
    made = fill(SCHEMA, predictions(["a", "b"], [[1 + 1e-12, -1e-12], [1.1, -0.1]]))
    assert list(made.frame["no"]) == [1.0, 1.1]
    assert list(made.frame["yes"]) == [0.0, -0.1]


def test_labels_are_the_decided_classes() -> None:
    probabilities = predictions(["a", "b"], [[0.6, 0.4], [0.9, 0.1]])
    decisions = predictions(["b", "a"], [[1, 0], [0, 1]])
    assert list(fill(LABELS, probabilities, decisions, ["a", "b"]).frame["answer"]) == ["y", "n"]
    assert list(fill(LABELS, probabilities, None, ["a", "b"]).frame["answer"]) == ["n", "n"]


def test_several_labels_share_a_cell_and_none_has_a_word() -> None:
    values = predictions(["a", "b", "c"], [[0.6, 0.4], [0.9, 0.1], [0.9, 0.8]])
    decisions = predictions(["a", "b", "c"], [[0, 0], [1, 0], [1, 1]])
    assert list(fill(LABELS, values, decisions).frame["answer"]) == ["nocall", "n", "n y"]


def test_decisions_are_submitted_as_they_are() -> None:
    schema = SubmissionSchema("row", {"y": "y"}, "decisions")
    values = predictions(["a"], [[0.6, 0.4]])
    assert list(fill(schema, values, predictions(["a"], [[0, 1]])).frame["y"]) == [1.0]
    with pytest.raises(SubmissionError, match="asks for decisions"):
        fill(schema, values)


def test_the_built_in_hooks_make_what_they_accept() -> None:
    info = DatasetInfo("d", TaskType.BINARY, ("n", "y"))
    ids = np.array(["b", "a"], dtype=object)
    competition: Any = SimpleNamespace(id="c", submission=None)
    dataset: Any = SimpleNamespace(
        info=info,
        test=Examples(ids, ["i", "j"]),
        sample_submission=pd.DataFrame({"row": ["a", "b"], "n": ["0", "0"], "y": ["0", "0"]}, dtype="str"),
    )
    made = harness_make_submission(competition, dataset, predictions(["b", "a"], [[0.3, 0.7], [1, 0]]), None)
    assert made is not None
    assert made.frame.to_dict("list") == {"row": ["a", "b"], "n": [1.0, 0.3], "y": [0.0, 0.7]}
    assert list(harness_check_submission(competition, dataset, made)) == []
    made.frame.loc[0, "n"] = 0.0
    (problem,) = harness_check_submission(competition, dataset, made)
    assert "do not sum to 1" in problem
    dataset.test = dataset.sample_submission = None
    (problem,) = harness_check_submission(competition, dataset, made)
    assert "neither a test set nor a sample file" in problem


def test_what_fill_makes_is_valid() -> None:
    info = DatasetInfo("d", TaskType.BINARY, ("n", "y"))
    made = fill(SCHEMA, predictions(["a", "b"], [[0.25, 0.75], [0.1, 0.9]]))
    assert check(SCHEMA, made, ["b", "a"], info) == []


def test_a_row_for_each_class_is_for_a_plugin_to_write() -> None:
    schema = SubmissionSchema("row_id", {"target": "target"}, "decisions", per_class=True)
    with pytest.raises(SubmissionError, match="no plugin answered harness_make_submission"):
        fill(schema, predictions(["a"], [[0.2, 0.8]]), predictions(["a"], [[0, 1]]))
