"""Data as it comes: what is put right, what is refused by name, and that ids and classes survive: F-18 to F-30."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

SHIPPED = Path(__file__).parents[2] / "competitions"
TRAIN = "id,x,c,y\n" + "".join(f"r{n:02d},{n % 7 + n % 2},{'abc'[n % 3]},{n % 2}\n" for n in range(40))
TEST = "id,x,c\nt1,1.5,a\nt2,3.5,b\n"


def oof(workspace: Path, strategy: str = "plain") -> pd.DataFrame:
    (path,) = workspace.glob(f"runs/mine/{strategy}-*/oof.parquet")
    return pd.read_parquet(path)


def replaced(row: int, cell: int, value: str, text: str = TRAIN) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    lines[row][cell] = value
    return "\n".join(map(",".join, lines)) + "\n"


def refused(done) -> str:
    """Return the one line of a refusal."""
    assert done.code == 2, (done.code, done.err)
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    return done.err


# recordings and images ----------------------------------------------------------------------------------------------


@pytest.fixture
def birds(harness, workspace, competitions) -> Path:
    """Return a small simulated edition in a folder that may be spoiled."""
    shutil.copytree(SHIPPED / "birdclef-2021", competitions / "birds")
    file = competitions / "birds/competition.toml"
    sizes = "simulate_species = 3\nsimulate_clips = 24\nsimulate_soundscapes = 4\nsimulate_test_soundscapes = 2\n"
    sizes += "simulate_minutes = 0.5\n"
    file.write_text(file.read_text().replace("simulate = true\n", f"simulate = true\n{sizes}"))
    assert harness("check", "birds").code == 0
    shutil.copytree(next((workspace / "cache/sources/birds").glob("simulated-*")), workspace / "birds")
    return workspace / "birds"


@pytest.mark.fault("F-18")
def test_every_bad_recording_is_listed_odd_ones_are_read_and_test_rows_stay(harness, workspace, birds):
    import soundfile

    clips = sorted((birds / "train_short_audio").rglob("*.ogg"))
    bad, odd = clips[:8], clips[8:11]
    for number, path in enumerate(bad):
        path.write_bytes(b"" if number % 2 else path.read_bytes()[:40])
    soundfile.write(odd[0], np.zeros((16000, 2), np.float32) + 0.1, 16000)  # stereo
    soundfile.write(odd[1], np.ones(8000, np.float32) * 0.1, 8000)
    soundfile.write(odd[2], np.ones(3200, np.float32) * 0.1, 32000)  # a tenth of a second
    next((birds / "test_soundscapes").rglob("*.ogg")).write_bytes(b"")
    args = ("birds", "--data", str(birds))
    told = refused(harness("check", *args))
    assert "8 training recordings cannot be used" in told
    listed = Path(told.split("all of them: ")[1].split(";")[0]).read_text()
    assert [path.name for path in bad if path.name not in listed] == []
    assert [path.name for path in odd if path.name in listed] == []
    quick = ("--set", "mel*.examples=100", "--set", "mel*.mels=32", "--folds", "2", "--no-tracking")
    done = harness("run", *args, "-s", "mel-statistics", "--skip-bad", *quick)
    assert done.code == 0, done.err
    for words in ("8 training recordings left out", "1 recordings of several channels", "shorter than 0.25 s"):
        assert words in done.out, words
    assert "1 recordings to predict are taken for silence" in done.out
    asked = list(csv.reader((birds / "sample_submission.csv").read_text().splitlines()))
    made = list(csv.reader((workspace / "submissions/birds/best.csv").read_text().splitlines()))
    assert [row[0] for row in made] == [row[0] for row in asked]


@pytest.mark.fault("F-19")
def test_every_bad_image_is_listed_odd_ones_are_read_and_test_rows_stay(tmp_path):
    from harness_imagewang.source import FolderParams, load

    from harness.data import TaskType
    from harness.errors import DataError
    from harness.offers import DataRequest

    tree = tmp_path / "tree"
    for part, name, count in (("train", "cat", 12), ("train", "dog", 12), ("val", "dog", 3)):
        (tree / part / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (20, 16), (number, 90, 10 * len(part))).save(tree / part / name / f"{number}.png")
    cats = tree / "train/cat"
    for number in range(5):
        (cats / f"{number}.png").write_bytes(b"" if number % 2 else (cats / f"{number}.png").read_bytes()[:50])
    Image.new("1", (20_000, 20_000)).save(cats / "5.png")  # 400 million pixels in 50 kB
    (tree / "train/dog/0.png").unlink()
    Image.new("CMYK", (16, 16)).save(tree / "train/dog/0.jpg")
    Image.new("P", (9, 9)).save(tree / "train/dog/1.png")
    Image.new("RGB", (1, 1)).save(tree / "train/dog/2.png")
    (tree / "val/dog/1.png").write_bytes(b"")

    def read(skip_bad: bool):
        request = DataRequest("wang", TaskType.MULTICLASS, "path", tree, tmp_path, tmp_path / "cache", skip_bad)
        return load(FolderParams(), request)

    with pytest.raises(DataError) as caught:
        read(skip_bad=False)
    told = str(caught.value)
    assert "\n" not in told
    assert "--skip-bad" in told
    listed = told + Path(told.split("all of them: ")[1].split(";")[0]).read_text()
    assert [f"{number}.png" for number in range(6) if f"cat/{number}.png" not in listed] == []
    assert "train/dog" not in listed
    found = read(skip_bad=True)
    assert [name for name in found.train.ids if name.startswith("train/cat/")] == [
        f"train/cat/{number}" for number in sorted(map(str, range(6, 12)))
    ]
    assert sum(name.startswith("train/dog/") for name in found.train.ids) >= 12
    assert np.isfinite(found.train.inputs.at(8)).all()
    assert found.test.ids.tolist() == ["val/dog/0", "val/dog/1", "val/dog/2"]
    assert any("6 " in note and "left out" in note for note in found.info.notes)


# targets and features -----------------------------------------------------------------------------------------------


@pytest.mark.fault("F-20")
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "", "soon"])
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_targets_that_are_no_numbers_are_refused_with_their_rows(harness, table, task, value):
    if task == "binary" and value not in ("", "nan"):
        pytest.skip("a text is a class of its own")
    metric = "rmse" if task == "regression" else "log_loss"
    mine = table({"train.csv": replaced(7, 3, value), "test.csv": TEST}, task=task, metric=metric)
    assert "r06" in refused(mine.run())


@pytest.mark.fault("F-21")
@pytest.mark.parametrize(
    "model",
    [
        "logistic_regression",
        "random_forest",
        "hist_gradient_boosting",
        "catboost",
        "rusboost",
        pytest.param("easy_ensemble", marks=pytest.mark.slow),
    ],
)
def test_missing_empty_and_constant_columns_never_make_a_prediction_nan(harness, table, workspace, model):
    rows = [f"r{n},{'' if n % 3 else n},,7,{n % 2}" for n in range(60)]
    files = {
        "train.csv": "id,gaps,empty,constant,y\n" + "\n".join(rows) + "\n",
        "test.csv": "id,gaps,empty,constant\na,,,\nb,1,2,3\n",
    }
    done = table(files, model=f"imbalance.{model}").run()
    assert done.code == 0, done.err
    assert np.isfinite(oof(workspace).filter(like="prediction:").to_numpy()).all()
    made = pd.read_csv(workspace / "submissions/mine/plain.csv")
    assert made["id"].tolist() == ["a", "b"]
    assert np.isfinite(made.iloc[:, 1:].to_numpy()).all()


@pytest.mark.fault("F-21")
@pytest.mark.parametrize("value", ["inf", "-inf", "1e999"])
@pytest.mark.parametrize("file", ["train", "test"])
def test_infinite_features_are_refused_by_name(harness, table, file, value):
    files = {"train.csv": TRAIN, "test.csv": TEST}
    files[f"{file}.csv"] = replaced(2, 1, value, files[f"{file}.csv"])
    assert f"{file}.csv: infinite values in x" in refused(table(files).run())


# ids and columns ----------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-23")
@pytest.mark.parametrize("file", ["train", "test"])
def test_doubled_ids_are_refused_and_listed(harness, table, file):
    files = {"train.csv": TRAIN, "test.csv": TEST}
    first = "r00" if file == "train" else "t1"
    files[f"{file}.csv"] = replaced(2, 0, first, files[f"{file}.csv"])
    assert f"{file}.csv has 1 duplicate ids: {first}" in refused(table(files).run())


DOUBLED = """
from dataclasses import replace

def load_doubled(params, request):
    data = load_blobs(params, request)
    ids = getattr(data, {part!r}).ids.copy()
    ids[3] = ids[1]
    return replace(data, **{{{part!r}: replace(getattr(data, {part!r}), ids=ids)}})

@hookimpl(specname="harness_datasets")
def more_datasets():
    yield DatasetSource("local.doubled", "", BlobsParams, load_doubled)
"""


@pytest.mark.fault("F-23")
@pytest.mark.parametrize(("part", "name"), [("train", "001"), ("test", "501")])
def test_doubled_ids_of_any_source_are_refused_by_the_core(toy, part, name):
    toy.add(DOUBLED.format(part=part))
    toy.change('source = "local.blobs"', 'source = "local.doubled"')
    assert f"{part} has 1 duplicate ids: {name}" in refused(toy.run("-s", "near"))


@pytest.mark.fault("F-23")
def test_doubled_ids_in_a_submission_are_listed(harness, toy):
    assert toy.run("-s", "near").code == 0
    path = toy.ws / "submissions/toy/near.csv"
    path.write_text(path.read_text().replace("\n501,", "\n500,"))
    done = harness("validate", "toy", str(path))
    assert done.code == 2
    assert "1 duplicate id: '500'" in done.out
    assert "1 id missing: '501'" in done.out


@pytest.mark.fault("F-24")
def test_order_of_columns_line_ends_and_byte_order_marks_change_no_byte(harness, table, workspace):
    def submission() -> bytes:
        done = mine.run("--retry-failed")
        assert done.code == 0, done.err
        return (workspace / "submissions/mine/plain.csv").read_bytes()

    mine = table({"train.csv": TRAIN, "test.csv": TEST})
    plain = submission()
    table(
        {
            "train.csv": b"\xef\xbb\xbf" + TRAIN.replace("\n", "\r\n").encode(),
            "test.csv": b"\xef\xbb\xbf" + TEST.encode(),
        }
    )
    assert submission() == plain
    table({"train.csv": TRAIN, "test.csv": "c,id,x\r\na,t1,1.5\r\nb,t2,3.5\r\n"})
    assert submission() == plain


@pytest.mark.fault("F-24")
@pytest.mark.parametrize(
    ("name", "header", "words"),
    [
        ("test.csv", "id,x", "missing c"),
        ("test.csv", "id,x,c,more", "extra more"),
        ("test.csv", "id,x,cc", "missing c; extra cc"),
        ("train.csv", "id,x,c,yy", "no column 'y'"),
        ("train.csv", "ids,x,c,y", "no column 'id'"),
    ],
)
def test_missing_and_additional_columns_are_named(harness, table, name, header, words):
    files = {"train.csv": TRAIN, "test.csv": TEST}
    width = header.count(",") + 1
    rows = [",".join([*line.split(","), "1"][:width]) for line in files[name].splitlines()[1:]]
    files[name] = "\n".join([header, *rows]) + "\n"
    assert words in refused(table(files).run())


@pytest.mark.fault("F-28")
def test_awkward_ids_are_the_same_bytes_from_the_sample_file_to_the_submission(harness, table, workspace):
    ids = [
        "007",
        "7",
        "1e5",
        "100000",
        "été",
        "鳥-1",
        "9007199254740993",
        "9007199254740992",
        "NA",
        "null",
        "-0",
        " s ",
    ]
    rows = "".join(f"{name},{n},a\n" for n, name in enumerate(ids))
    sample = "id,0,1\n" + "".join(f"{name},0,0\n" for name in ids[::-1])
    files = {"train.csv": TRAIN, "test.csv": "id,x,c\n" + rows, "sample.csv": sample}
    done = table(files, params='sample_submission = "sample.csv"').run()
    assert done.code == 0, done.err
    made = (workspace / "submissions/mine/plain.csv").read_text(encoding="utf-8").splitlines()
    assert made[0] == "id,0,1"
    assert [line.split(",")[0] for line in made[1:]] == ids[::-1]


# classes and folds --------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-25")
@pytest.mark.parametrize("model", ["logistic_regression", "random_forest", "hist_gradient_boosting", "catboost"])
def test_a_class_that_a_fold_lacks_keeps_its_column_in_the_global_order(harness, table, workspace, model):
    rows = [(f"r{n:02d}", n % 5, "bca"[n % 3] if n < 45 else "rare", n % 3 if n < 45 else 0) for n in range(48)]
    text = "id,x,y,fold\n" + "".join(f"{name},{x},{y},{fold}\n" for name, x, y, fold in rows)
    done = table(
        {"train.csv": text, "test.csv": "id,x,fold\nt1,1,0\nt2,2,0\n"},
        task="multiclass",
        params='classes = ["rare", "c", "a", "b"]\nmeta = ["fold"]',
        split='use = "predefined"\nfold_on = "fold"',
        model=f"imbalance.{model}",
    ).run()
    assert done.code == 0, done.err
    found = oof(workspace)
    values = found.filter(like="prediction:")
    assert list(values.columns) == [f"prediction:{name}" for name in ("rare", "c", "a", "b")]
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-9)
    unseen = values[found["id"].isin(["r45", "r46", "r47"])]  # labels that their own fold has never seen
    assert len(unseen) == 3
    assert (unseen["prediction:rare"] < 0.05).all()
    header = (workspace / "submissions/mine/plain.csv").read_text().splitlines()[0]
    assert header == "id,rare,c,a,b"


LEAKS = """
from dataclasses import dataclass, replace
import numpy as np
import pandas as pd
from harness.data import Fold
from harness.offers import Splitter

@dataclass(frozen=True)
class LeakParams:
    folds: int = param(3, "")
    group_on: str = param("", "")
    row: bool = param(False, "")

def leak(params, examples, info):
    parts = np.arange(len(examples)) % params.folds
    for fold in range(params.folds):
        valid = np.flatnonzero(parts == fold)
        train = np.flatnonzero(parts != fold)
        yield Fold(fold, np.append(train, valid[:1]) if params.row else train, valid)

def load_grouped(params, request):
    data = load_blobs(params, request)
    meta = pd.DataFrame({"group": [f"g{row // 2}" for row in range(len(data.train))],
                         "file": [f"f{row // 5}.wav" for row in range(len(data.train))]})
    return replace(data, train=replace(data.train, meta=meta), digest="grouped")

@hookimpl
def harness_splitters():
    yield Splitter("local.leak", "", LeakParams, leak)

@hookimpl(specname="harness_datasets")
def more_datasets():
    yield DatasetSource("local.grouped", "", BlobsParams, load_grouped)
"""


@pytest.mark.fault("F-26")
@pytest.mark.parametrize(
    ("param", "words"),
    [
        ("row = true", "fold 0: 1 rows in both train and valid: 000"),
        ('group_on = "group"', "groups of 'group' in both train and valid: g"),
        ('group_on = "file"', "groups of 'file' in both train and valid: f"),
    ],
)
def test_a_row_group_or_file_on_both_sides_fails_the_run_before_training(toy, param, words):
    toy.add(LEAKS)
    toy.change('source = "local.blobs"', 'source = "local.grouped"')
    toy.change('use = "stratified"\nfolds = 3', f'use = "local.leak"\n{param}')
    count = toy.ws / "count"
    told = refused(toy.run("-s", "near", env={"TOY_COUNT": str(count)}))
    assert "split 'local.leak' leaks" in told
    assert words in told
    assert not count.exists()
    assert not toy.runs.exists()


VALID = """
from dataclasses import replace
import numpy as np

def load_overlapping(params, request):
    data = load_blobs(params, request)
    return replace(data, valid=data.train.take(np.arange(4)), digest="overlapping")

@hookimpl(specname="harness_datasets")
def more_datasets():
    yield DatasetSource("local.overlapping", "", BlobsParams, load_overlapping)
"""


@pytest.mark.fault("F-26")
def test_training_rows_among_the_labelled_validation_set_fail_the_run(toy):
    toy.add(VALID)
    toy.change('source = "local.blobs"', 'source = "local.overlapping"')
    told = refused(toy.run("-s", "near"))
    assert "4 ids are in both train and the labelled validation set: 000, 001, 002, 003" in told


# what a model predicts ----------------------------------------------------------------------------------------------

WRONG = """
class Wrong(Means):
    def predict(self, examples):
        import numpy as np
        right = super().predict(examples)
        ids, values, columns = right.ids, right.values.copy(), right.columns
        ANSWER

@hookimpl(specname="harness_models")
def wrong_models():
    yield ModelRecipe("local.wrong", "", frozenset({TaskType.MULTICLASS}), MeansParams, Wrong)
"""


def run_wrong(toy, answer: str) -> str:
    toy.add(WRONG.replace("ANSWER", answer))
    toy.change("[strategies.sharp]", '[strategies.wrong]\nmodel = "local.wrong"\n[strategies.sharp]')
    done = toy.run("-s", "near", "-s", "wrong")
    assert done.code == 3, done.err
    (line,) = [line for line in done.err.splitlines() if "wrong" in line]
    assert (toy.ws / "submissions/toy/near.csv").exists()
    assert not (toy.ws / "submissions/toy/wrong.csv").exists()
    assert not list(toy.runs.glob("wrong-*/result.json"))
    assert not list(toy.runs.glob("wrong-*/submission.csv"))
    return line


@pytest.mark.fault("F-29")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("values[0, 0] = np.nan", "NaN or infinity in 1 of 30 rows"),
        ("values[0, 0] = np.inf", "NaN or infinity in 1 of 30 rows"),
        ("values[:2] = [-0.5, 1.0, 0.5]", "probabilities outside [0, 1] in 2 of 30 rows"),
        ("values[0] = [0.5, 0.5, 0.5]", "probabilities that do not sum to 1 in 1 of 30 rows"),
    ],
)
def test_impossible_probabilities_are_refused_and_nothing_is_written(toy, answer, words):
    line = run_wrong(toy, f"{answer}; return Predictions(ids, values, columns)")
    assert f"model 'local.wrong' predicted {words}" in line


@pytest.mark.fault("F-33")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("return None", "predicted a NoneType, expected Predictions"),
        ("return values", "predicted a ndarray, expected Predictions"),
        ("return Predictions(ids, values[:, :2], columns)", "shape (30, 2), expected (30, 3)"),
        ("return Predictions(ids, values[:, 0], columns)", "shape (30,), expected (30, 3)"),
        ("return Predictions(ids[:9], values[:9], columns)", "predicted other rows than it was given"),
        ("return Predictions(ids[::-1], values, columns)", "predicted other rows than it was given"),
        ("return Predictions(ids, values[:, ::-1], columns[::-1])", "predicted columns cedar, beech, ash; expected"),
        ("return Predictions(ids, values[:, :2], columns[:2])", "predicted columns ash, beech; expected"),
        ("return Predictions(ids, values.astype(str), columns)", "predicted values of dtype <U"),
        ("return Predictions(ids, values.astype(object), columns)", "predicted values of dtype object"),
        ("return Predictions(ids, values.astype(complex), columns)", "predicted values of dtype complex128"),
        (
            "return Predictions(ids, values.tolist(), columns)",
            "predictions are a list, expected an array of (ids, columns)",
        ),
    ],
)
def test_predictions_of_another_shape_type_or_order_are_refused_before_scoring(toy, answer, words):
    assert words in run_wrong(toy, answer)


# empty files --------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F-30")
@pytest.mark.parametrize("content", ["", "\n", "\ufeff", "HEADER"])
@pytest.mark.parametrize("name", ["train.csv", "test.csv", "sample.csv"])
def test_an_empty_table_is_told_by_name(harness, table, name, content):
    files = {"train.csv": TRAIN, "test.csv": TEST, "sample.csv": "id,0,1\nt1,0,0\nt2,0,0\n"}
    files[name] = files[name].splitlines()[0] + "\n" if content == "HEADER" else content
    told = refused(table(files, params='sample_submission = "sample.csv"').run())
    assert name in told or (name == "sample.csv" and "sample submission" in told)
    assert "empty" in told or "no rows" in told


@pytest.mark.fault("F-30")
@pytest.mark.parametrize("content", ["", "HEADER"])
@pytest.mark.parametrize(
    ("competition", "name", "header"),
    [
        ("protein-kinase", "Train.csv", "ID,Sequence,target"),
        ("protein-kinase", "train.fasta", ""),
        ("air-quality-africa", "train.csv", "id,site_id,site_latitude,site_longitude,city,country,date,pm2_5"),
        ("birdclef-2021", "train_metadata.csv", "primary_label,secondary_labels,filename"),
    ],
)
def test_empty_files_of_every_source_are_told_in_one_line(harness, tmp_path, competition, name, header, content):
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / name).write_text("" if not content else header + "\n")
    refused(harness("check", competition, "--data", str(folder)))


@pytest.mark.fault("F-30")
def test_a_submission_without_rows_is_told(harness, workspace):
    for content in ("", "row_id,ash,beech,cedar\n"):
        (workspace / "s.csv").write_text(content)
        assert "s.csv" in refused(harness("validate", "toy", "s.csv"))
