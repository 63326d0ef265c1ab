"""From a competition file to data and folds: what is refused, and what a fast run or another variant changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.competition import Evaluate, VariantSpec
from harness.data import Dataset, DatasetInfo, Examples, TaskType
from harness.errors import ConfigError, DataError, PluginError
from harness.finding import find_competition, find_competitions
from harness.plugins import load_plugins
from harness.prepare import (
    Setting,
    check_dataset,
    fetched_folder,
    prepare,
    subsample,
    variant_of,
)

CLASSES = ("ash", "beech", "cedar")
VALID = """
def load_with_valid(params, request):
    import dataclasses, numpy as np
    dataset = load_blobs(params, request)
    targets = np.array([0] * 6 + [1] * 3 + [2])
    ids = np.array([f"v{row}" for row in range(10)], dtype=object)
    valid = Examples(ids, np.zeros((10, 2)), targets)
    return dataclasses.replace(dataset, valid=valid)
"""


@pytest.fixture
def toy(competitions, workspace):
    """Return ``toy(changes, **setting)``: the toy competition with pieces of its file replaced."""
    home = competitions / "toy"

    def make(*changes, valid=False, **setting):
        file = home / "competition.toml"
        text = file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        file.write_text(text)
        if valid:
            plugin = home / "plugin.py"
            source = plugin.read_text().replace(
                "BlobsParams, load_blobs, read_new", "BlobsParams, load_with_valid, read_new"
            )
            plugin.write_text(source + VALID)
        return prepare(Setting(home, workspace / "cache", **setting))

    return make


def evaluate(text: str) -> tuple[str, str]:
    return "[split]", f"[evaluate]\n{text}\n\n[split]"


def test_a_competition_is_prepared_once_for_all_tasks_of_a_process(toy, competitions, workspace):
    prepared = toy()
    assert prepare(Setting(competitions / "toy", workspace / "cache")) is prepared
    assert [metric.name for metric in prepared.metrics] == ["log_loss", "macro_f1"]
    assert prepared.primary.name == "log_loss"
    assert prepared.split == {"use": "stratified", "folds": 3, "seed": 0, "shuffle": True, "stratify_on": ""}
    assert len(prepared.folds) == 3
    assert prepared.target_prior is None
    assert prepared.dataset.info.variant == "sample"


def test_the_number_of_folds_can_be_set_where_the_split_has_one(toy):
    prepared = toy(folds=4)
    assert len(prepared.folds) == 4
    assert prepared.split["folds"] == 4


def test_the_number_of_folds_of_a_predefined_split_cannot_be_set(toy):
    with pytest.raises(ConfigError, match="--folds 4: split 'predefined' has its own folds"):
        toy(('use = "stratified"\nfolds = 3', 'use = "predefined"'), folds=4)


def test_a_metric_that_does_not_fit_the_task_is_refused(toy):
    with pytest.raises(ConfigError, match=r"toy/competition\.toml: metric 'rmse' does not fit task 'multiclass'"):
        toy(('["log_loss", "macro_f1"]', '["rmse"]'))


def test_a_fast_run_has_one_fold_and_another_digest(toy):
    prepared = toy(fast=True)
    assert [fold.index for fold in prepared.folds] == [0]
    assert prepared.dataset.digest == "blobs-90-1.0-fast"


# --- target prior ---------------------------------------------------------------------------------------------------


def test_a_declared_target_prior_is_in_the_order_of_the_classes(toy):
    prepared = toy(evaluate("target_prior = { cedar = 0.5, ash = 0.25, beech = 0.25 }"))
    assert list(prepared.target_prior.items()) == [("ash", 0.25), ("beech", 0.25), ("cedar", 0.5)]


def test_a_target_prior_can_be_that_of_the_labelled_set(toy):
    assert toy(evaluate('target_prior = "valid"'), valid=True).target_prior == {"ash": 0.6, "beech": 0.3, "cedar": 0.1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target_prior = { ash = 0.5, beech = 0.5 }", "'cedar' is not in both"),
        ("target_prior = { ash = 0.5, beech = 0.25, cedar = 0.125, dogwood = 0.125 }", "'dogwood' is not in both"),
        ('target_prior = "valid"', "the data has no labelled validation set"),
        ('on = "valid"', 'ranks on = "valid", but its data has no labelled validation set'),
    ],
)
def test_a_target_prior_that_does_not_fit_the_data_is_refused(toy, text, message):
    with pytest.raises((ConfigError, DataError), match=message):
        toy(evaluate(text))


def test_only_single_label_tasks_have_a_target_prior(toy):
    from harness.prepare import _target_prior

    prepared = toy()
    competition = replace(prepared.competition, task=TaskType.REGRESSION, evaluate=Evaluate(target_prior={"a": 1.0}))
    with pytest.raises(ConfigError, match="only single-label tasks have class shares"):
        _target_prior(competition, prepared.dataset)


# --- variants and paths ---------------------------------------------------------------------------------------------


VARIANTS = (
    'about = "three simulated blobs"',
    (
        'about = "few"\n\n[data.variants.many]\nparams = { rows = 120 }\n\n'
        '[data.variants.real]\nurls = ["https://example.org/a.csv"]'
    ),
)


def test_a_variant_sets_parameters_of_its_source(toy):
    prepared = toy(VARIANTS, data="many")
    assert len(prepared.dataset.train) == 120
    assert prepared.dataset.info.variant == "many"


def test_a_variant_that_was_not_fetched_tells_how(toy, workspace):
    with pytest.raises(DataError, match="harness fetch toy --variant real"):
        toy(VARIANTS, data="real")
    fetched_folder(workspace / "cache", "toy", "real").mkdir(parents=True)
    assert toy(data="real").dataset.info.variant == "real"


def test_a_variant_may_name_a_path_from_the_competitions_folder(toy, competitions, tmp_path):
    found = replace(toy().competition, data=replace(toy().competition.data, variants={}))
    here = replace(found, data=replace(found.data, variants={"mine": VariantSpec("mine", path="../../mine")}))
    with pytest.raises(
        DataError, match=r"mine does not exist; mend path under \[data.variants.mine\] in .*competition"
    ):
        variant_of(here, "mine")
    (tmp_path / "mine").mkdir()
    assert variant_of(here, "mine")[1] == tmp_path / "mine"
    absolute = replace(found.data, variants={"mine": VariantSpec("mine", path=str(tmp_path))})
    assert variant_of(replace(found, data=absolute), "mine")[1] == tmp_path


def test_data_is_a_variant_by_name_or_an_existing_path(toy, tmp_path):
    competition = toy(VARIANTS).competition
    assert variant_of(competition, "")[0].name == "sample"
    assert variant_of(competition, "many")[1] is None
    variant, path = variant_of(competition, str(tmp_path))
    assert (variant.name, path) == ("path", tmp_path.resolve())
    with pytest.raises(ConfigError, match="'mny' is no existing path and no variant of toy; did you mean 'many'"):
        variant_of(competition, "mny")
    with pytest.raises(ConfigError, match="give it with --data PATH"):
        variant_of(replace(competition, data=replace(competition.data, variant="path")), "")


def test_a_source_that_returns_no_dataset_is_refused(toy, competitions):
    plugin = competitions / "toy" / "plugin.py"
    source = plugin.read_text().replace("BlobsParams, load_blobs, read_new", "BlobsParams, load_nothing, read_new")
    plugin.write_text(source + "\n\ndef load_nothing(params, request):\n    return None\n")
    with pytest.raises(PluginError, match=r"'local\.blobs' returned NoneType, expected Dataset"):
        toy()


# --- checks of the data ---------------------------------------------------------------------------------------------


@pytest.fixture
def competition(toy):
    return toy().competition


def dataset(targets, ids=None, test_ids=("e0",), task=TaskType.MULTICLASS) -> Dataset:
    n = len(targets)
    names = np.array([f"t{row}" for row in range(n)] if ids is None else ids, dtype=object)
    test = Examples(np.array(test_ids, dtype=object), np.zeros((len(test_ids), 1)))
    classes = () if task is TaskType.REGRESSION else CLASSES
    return Dataset(DatasetInfo("d", task, classes), Examples(names, np.zeros((n, 1)), np.array(targets)), None, test)


def test_sound_data_passes(competition):
    check_dataset(competition, dataset([0, 1, 2, 0]), load_plugins())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (dataset([0, 1, 2], ids=["a", "b", "a"]), "train has 1 duplicate ids: a"),
        (dataset([0, 1, 2], test_ids=("e", "e")), "test has 1 duplicate ids: e"),
        (dataset([1, 1, 1]), "train has a single class, 'beech'"),
    ],
)
def test_data_nobody_could_train_on_is_refused(competition, data, message):
    with pytest.raises(DataError, match=message):
        check_dataset(competition, data, load_plugins())


def test_data_without_targets_is_refused(competition):
    data = dataset([0, 1])
    with pytest.raises(DataError, match="train has no targets"):
        check_dataset(competition, replace(data, train=replace(data.train, targets=None)), load_plugins())


@pytest.mark.fault("F-20")
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_targets_of_a_regression_that_are_not_finite_are_refused_by_row(competition, bad):
    regression = replace(competition, task=TaskType.REGRESSION)
    with pytest.raises(DataError, match="train has 2 targets that are not finite: rows t1, t3"):
        check_dataset(regression, dataset([0.5, bad, 1.0, bad], task=TaskType.REGRESSION), load_plugins())


def test_what_a_plugins_check_tells_is_refused_with_its_name(toy, competitions):
    plugin = competitions / "toy" / "plugin.py"
    hook = "\n\n@hookimpl\ndef harness_check_dataset(dataset):\n    yield 'too few rows'\n"
    plugin.write_text(plugin.read_text() + hook)
    with pytest.raises(DataError, match=r"too few rows \(local\)"):
        toy()


# --- fast runs ------------------------------------------------------------------------------------------------------


def test_a_subsample_keeps_every_class_in_its_share_but_at_least_twenty_rows():
    targets = np.repeat([0, 1, 2], [9000, 970, 30])
    found = subsample(dataset(targets), 1000)
    counts = np.bincount(found.train.targets)
    assert counts.tolist() == [900, 97, 20]
    assert found.digest == "-fast"
    rows = [int(name[1:]) for name in found.train.ids]
    assert rows == sorted(rows)
    again = subsample(dataset(targets), 1000)
    assert again.train.ids.tolist() == found.train.ids.tolist()


def test_a_small_data_set_is_kept_whole_but_marked():
    data = dataset([0, 1, 2])
    found = subsample(data, 1000)
    assert found.train is data.train
    assert found.digest == "-fast"


def test_a_subsample_of_a_regression_has_as_many_rows_as_asked():
    found = subsample(dataset(np.linspace(0, 1, 500), task=TaskType.REGRESSION), 100)
    assert len(found.train) == len(set(found.train.ids)) == 100


# --- finding competitions -------------------------------------------------------------------------------------------


def test_competitions_are_found_in_the_given_folder_and_the_local_one_wins(competitions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plugins = load_plugins()
    assert find_competition("toy", competitions, plugins) == (competitions / "toy").resolve()
    other = tmp_path / "other" / "toy"
    other.mkdir(parents=True)
    (other / "competition.toml").write_text("")
    # ./competitions comes before --competitions
    assert find_competitions(tmp_path / "other", plugins)["toy"] == (competitions / "toy").resolve()
    with pytest.raises(ConfigError, match="no competition 'tyo'; did you mean 'toy'"):
        find_competition("tyo", competitions, plugins)
    with pytest.raises(ConfigError, match="no such folder"):
        find_competition("toy", tmp_path / "nowhere", plugins)
