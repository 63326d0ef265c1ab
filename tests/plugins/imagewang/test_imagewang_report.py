"""What pretext tasks bring, out of runs that are made up; the restriction; the page's charts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_imagewang.report.chart import epochs_chart, gains_chart
from harness_imagewang.report.gains import Line, chosen, lines
from harness_imagewang.restrict import Restriction

from harness.data import DatasetInfo, Predictions, TaskType
from harness.errors import DataError
from harness.results import Run, RunResult, Scored, Status

CLASSES = ("a", "b")


def scored(right: list[int], fold: int, weights: list[float] | None = None) -> Scored:
    """Rows of class a, right or wrong."""
    values = np.array([[0.9, 0.1] if one else [0.2, 0.8] for one in right])
    ids = np.array([f"{fold}-{row}" for row in range(len(right))], object)
    return Scored(
        np.zeros(len(right), np.int64), Predictions(ids, values, CLASSES), None,
        None if weights is None else np.array(weights), np.full(len(right), fold),
    )  # fmt: skip


def run(name: str, seed: int | None, model: Mapping[str, Any], oof: list[int], valid: list[int]) -> RunResult:
    identity = {"model": {"use": "imagewang.finetune", "pretext": "", "epochs": 5, **model}, "adjusters": []}
    who = Run(
        run_id=f"{name}-s{seed}", competition="imagewang", strategy=name, seed=seed, label=name,
        identity=identity, directory=Path("nowhere"),
    )  # fmt: skip
    return RunResult(
        run=who, status=Status.DONE, scores={}, folds=(), oof=scored(oof, 0, [1, 1, 2, 0]), valid=scored(valid, -1),
        test=None, test_decisions=None, notes=(), marks=(), seconds=1.0, submission=None,
    )  # fmt: skip


RUNS = [
    run("scratch", 0, {}, [1, 0, 0, 0], [0, 0, 1, 0, 0]),
    run("scratch", 1, {}, [0, 0, 0, 1], [0, 1, 0, 0, 0]),
    run("simclr", 0, {"pretext": "simclr", "pretrain_epochs": 40}, [1, 1, 0, 0], [1, 0, 1, 0, 1]),
    run("simclr", 1, {"pretext": "simclr", "pretrain_epochs": 40}, [1, 0, 1, 0], [0, 1, 1, 1, 1]),
    run("simclr", None, {"pretext": "simclr", "pretrain_epochs": 40}, [1, 1, 1, 1], [1, 1, 1, 1, 1]),
    run("greyblur", 0, {"pretext": "greyblur"}, [0, 0, 0, 1], [1, 1, 1, 1, 1]),
    run("longer", 0, {"pretext": "simclr", "epochs": 9}, [0, 0, 0, 0], [1, 0, 0, 0, 0]),
]  # fmt: skip


def test_each_task_is_paired_with_random_weights_over_seeds_and_rows() -> None:
    found = {line.name: line for line in lines(RUNS)}
    simclr = found["simclr"]
    assert simclr.seeds == 2
    assert simclr.oof == pytest.approx((0.5 + 0.75) / 2)
    assert simclr.valid == pytest.approx((0.6 + 0.8) / 2)
    assert simclr.valid_spread == pytest.approx(np.std([0.6, 0.8], ddof=1))
    gain = simclr.valid_gain
    assert gain is not None
    rows = np.array([0.5, 0.0, 0.5, 0.5, 1.0])
    assert gain.mean == pytest.approx(0.5)
    assert gain.rows_error == pytest.approx(math.sqrt(((rows - 0.5) ** 2).sum()) / 5)
    assert gain.seeds_error == pytest.approx(np.std([0.4, 0.6], ddof=1) / math.sqrt(2))
    assert gain.interval == pytest.approx((0.5 - 1.96 * gain.error, 0.5 + 1.96 * gain.error))
    assert found["greyblur"].valid_gain is not None
    assert found["greyblur"].valid_gain.seeds == 1
    assert math.isnan(found["greyblur"].valid_gain.seeds_error)


def test_what_differs_in_more_than_pretraining_is_no_twin() -> None:
    found = {line.name: line for line in lines(RUNS)}
    assert found["longer"].valid_gain is None
    assert found["scratch"].valid_gain is None


def test_the_task_is_chosen_out_of_fold_whatever_the_validation_set_says() -> None:
    best = chosen(lines(RUNS))
    assert best is not None
    assert best.name == "simclr"
    assert chosen(lines(RUNS[:2])) is None


def test_the_charts_name_what_they_show() -> None:
    chart = gains_chart(lines(RUNS))
    assert chart.count("<circle") == 2
    assert ">greyblur</text>" in chart
    assert gains_chart([Line("<b>", "imagewang.knn", "", 1, 0.1, math.nan, 0.1, math.nan, None, None)]) == ""
    epochs = epochs_chart({"<scratch>": [0.1, 0.2], "one": [0.5]}, {"<scratch>": 2})
    assert "&lt;scratch&gt;" in epochs
    assert epochs.count("<polyline") == 2
    assert epochs.count("<circle") == 1


def info(kept: list[str]) -> DatasetInfo:
    return DatasetInfo("toy", TaskType.MULTICLASS, ("a", "b", "c"), extra={"valid_classes": kept})


def test_a_restriction_leaves_the_classes_of_the_validation_set() -> None:
    adjustment = Restriction(info(["a", "c"]))
    found = adjustment.apply(np.array([[0.2, 0.6, 0.2], [0.0, 1.0, 0.0], [0.1, 0.0, 0.9]]), None)
    assert found == pytest.approx(np.array([[0.5, 0, 0.5], [0.5, 0, 0.5], [0.1, 0, 0.9]]))
    assert adjustment.notes == ["restricted to the 2 of 3 classes that the validation set has"]
    again = Restriction(info([]))
    assert again.apply(np.eye(3), None) == pytest.approx(np.eye(3))
    again.restore(adjustment.state())
    assert again.apply(np.array([[0.2, 0.6, 0.2]]), None) == pytest.approx(np.array([[0.5, 0, 0.5]]))
    with pytest.raises(DataError, match="zebra"):
        Restriction(info(["zebra"]))
