"""Metric and submission from the sample file's form; what it leaves open is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.drafting.asked import what_is_asked
from harness.errors import HarnessError
from harness.plugins import load_plugins

PLUGINS = load_plugins()
AB = ("a", "b")
BINARY, SEVERAL, NUMBERS = TaskType.BINARY, TaskType.MULTICLASS, TaskType.REGRESSION


def dataset(task, classes, sample, counts=(10, 10, 10)) -> Dataset:
    targets = np.repeat(np.arange(len(classes)), counts[: len(classes)]) if classes else np.linspace(0, 1, 30)
    ids = np.array([str(n) for n in range(len(targets))], dtype=object)
    frame = None if sample is None else pd.DataFrame(sample)
    return Dataset(DatasetInfo("d", task, classes), Examples(ids, ids, targets), sample_submission=frame)


def asked(task, classes, sample, metric="", counts=(10, 10, 10)):
    return what_is_asked(dataset(task, classes, sample, counts), PLUGINS, metric, ("row", "y"))


@pytest.mark.parametrize(
    ("task", "classes", "sample", "primary", "columns", "values"),
    [
        (SEVERAL, AB, {"id": ["1"], "a": [".5"], "b": [".5"]}, "log_loss", {"a": "a", "b": "b"}, "probabilities"),
        (BINARY, ("0", "1"), {"id": ["1"], "y": ["0.5"]}, "roc_auc", {"y": "1"}, "probabilities"),
        (BINARY, ("0", "1"), {"id": ["1", "2"], "y": ["0", "1"]}, "accuracy", {"y": "label"}, "labels"),
        (SEVERAL, ("a", "b", "c"), {"id": ["1"], "y": ["a"]}, "accuracy", {"y": "label"}, "labels"),
        (NUMBERS, (), {"id": ["1"], "y": ["0"]}, "rmse", {"y": "point"}, "point"),
        (SEVERAL, ("a", "b"), None, "log_loss", {"a": "a", "b": "b"}, "probabilities"),
        (NUMBERS, (), None, "rmse", {"y": "point"}, "point"),
    ],
)  # fmt: skip
def test_the_form_of_the_sample_tells(task, classes, sample, primary, columns, values):
    found = asked(task, classes, sample)
    assert found.metrics[0] == primary
    assert (dict(found.schema.columns), found.schema.values) == (columns, values)
    assert found.schema.id == ("id" if sample else "row")
    assert found.metric_why
    assert found.schema_why
    assert len(set(found.metrics)) == len(found.metrics) > 1


def test_uneven_classes_are_scored_by_macro_f1():
    sample = {"id": ["1"], "y": ["a"]}
    assert asked(SEVERAL, ("a", "b"), sample, counts=(100, 25)).metrics[0] == "accuracy"
    found = asked(SEVERAL, ("a", "b"), sample, counts=(100, 24))
    assert found.metrics[:2] == ("macro_f1", "accuracy")
    assert found.metric_why == "labels are asked for, and classes are uneven: from 19.4% to 80.6% of rows"


def test_zeros_alone_may_be_labels_or_probabilities():
    sample = {"id": ["1", "2"], "y": ["0", "0"]}
    with pytest.raises(HarnessError, match=r"holds 0 in every row.*--metric accuracy, f1.*--metric roc_auc"):
        asked(BINARY, ("0", "1"), sample)
    assert asked(BINARY, ("0", "1"), sample, "f1").schema.values == "labels"
    found = asked(BINARY, ("0", "1"), sample, "log_loss")
    assert (found.metrics[0], dict(found.schema.columns)) == ("log_loss", {"y": "1"})
    assert (found.metric_why, found.schema_why) == ("as --metric says", "log_loss scores probabilities")


def test_a_metric_that_scores_labels_asks_for_labels_where_no_sample_says_otherwise():
    found = asked(SEVERAL, ("a", "b"), None, "accuracy")
    assert (dict(found.schema.columns), found.schema.values) == ({"y": "label"}, "labels")


def test_what_does_not_fit_is_told():
    with pytest.raises(HarnessError, match="did you mean 'log_loss'"):
        asked(BINARY, ("a", "b"), None, "log_los")
    with pytest.raises(HarnessError, match=r"--metric rmse: it does not fit a binary task; these do: accuracy"):
        asked(BINARY, ("a", "b"), None, "rmse")
    with pytest.raises(HarnessError, match=r"columns x, z do not match the 3 classes.*--target") as raised:
        asked(SEVERAL, ("a", "b", "c"), {"id": ["1"], "x": ["1"], "z": ["1"]})
    assert "competition.toml" not in str(raised.value)
