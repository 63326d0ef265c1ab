"""What a model is given to predict, and what it may answer."""

from __future__ import annotations

import numpy as np

from harness.checked import predict_checked
from harness.data import DatasetInfo, Examples, Predictions, TaskType

INFO = DatasetInfo("two", TaskType.BINARY, ("no", "yes"))


class Thief:
    """Answers with the labels of what it predicts, where it is given any."""

    def predict(self, examples: Examples) -> Predictions:
        self.given = examples
        known = np.zeros(len(examples), dtype=np.int64) if examples.targets is None else examples.targets
        return Predictions(examples.ids, np.eye(2)[known], INFO.outputs)


def test_labels_and_weights_of_what_is_predicted_stay_with_the_harness():
    ids = np.array(["a", "b", "c"], dtype=object)
    rows = Examples(ids, np.zeros((3, 1)), np.array([1, 0, 1]), weights=np.array([1.0, 2.0, 3.0]))
    thief = Thief()
    found = predict_checked(thief, rows, INFO, "thief")
    assert found.values[:, 1].tolist() == [0.0, 0.0, 0.0]
    assert (thief.given.targets, thief.given.weights, thief.given.ids.tolist()) == (None, None, ["a", "b", "c"])
