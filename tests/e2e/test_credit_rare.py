"""The real layout with hidden labels: what the strategies are expected to show on it."""

from __future__ import annotations

import pytest

STRATEGIES = ("none", "undersample", "smote-undersample", "weights", "none-label-shift", "hist-gradient-boosting")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_strategies_of_a_shifted_competition_come_in_the_expected_order(harness_process, real_data, workspace):
    data = real_data / "class-imbalance/credit_rare_layout"
    chosen = [word for name in STRATEGIES for word in ("-s", name)]
    done = harness_process("run", "credit-rare", "--data", str(data), *chosen, "--no-tracking", "--json")
    assert done.code == 0, done.err
    scores = {entry["name"]: entry["scores"]["log_loss"] for entry in done.json["strategies"]}
    for where in ("valid", "oof"):
        found = {name: score[where] for name, score in scores.items()}
        assert max(found["undersample"], found["weights"]) < found["smote-undersample"] < found["none"], where
    best = min(score["valid"] for score in scores.values())
    assert best <= 0.445
    assert scores["none-label-shift"]["valid"] <= best + 0.01
    # left as they are, out-of-fold scores order them the other way round
    assert scores["none"]["raw_oof"] < scores["undersample"]["raw_oof"]
    for name in STRATEGIES:
        path = workspace / f"submissions/credit-rare/{name}.csv"
        assert harness_process("validate", "credit-rare", str(path), "--data", str(data)).code == 0
