"""The picture of a fine-tuning says what it shows."""

from __future__ import annotations

import pytest
from harness_imagewang.accuracy import accuracy_figure
from harness_imagewang.stages import _told

ROWS = [
    {"epoch": 1, "train_accuracy": 0.2, "valid_accuracy": 0.31},
    {"epoch": 2, "train_accuracy": 0.4, "valid_accuracy": 0.3},
]


@pytest.mark.parametrize(
    ("rows", "best", "words"),
    [
        (ROWS, 1, "Epoch 1 of 2 kept: 31% of held-out images are right"),
        (ROWS, None, "After 2 epochs 40% of augmented training images are right"),
        (ROWS[:1], None, "After 1 epoch 20% of augmented training images are right"),
    ],
)
def test_the_title_is_what_came_of_it(rows: list[dict[str, float]], best: int | None, words: str) -> None:
    (axis,) = accuracy_figure(rows, best).axes
    assert axis.get_title(loc="left") == words


def test_a_pretraining_of_one_epoch_tells_one_loss() -> None:
    assert _told("blur", 1200, 30.0, [0.2061]) == "blur: one pass over 1,200 images in 0.5 min, loss 0.206"
    assert _told("blur", 32, 60.0, [0.3, 0.2]) == "blur: 2 passes over 32 images in 1.0 min, loss 0.300 to 0.200"
