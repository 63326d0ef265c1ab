"""Trees of images: layouts, odd files, the cache, what is refused."""

from __future__ import annotations

import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from harness_imagewang.plugin import harness_check_dataset
from harness_imagewang.reading import store as stores
from harness_imagewang.reading.decode import pixels_of
from harness_imagewang.reading.store import FileStore
from harness_imagewang.samples import ANIMALS, SHAPES
from harness_imagewang.source import FolderParams, load, read_new
from PIL import Image

from harness.competition_file import read_competition
from harness.data import Dataset, Examples, TaskType
from harness.errors import ConfigError, DataError
from harness.findings import Severity
from harness.offers import DataRequest

COMPETITION = read_competition(Path(__file__).parents[3] / "competitions" / "imagewang")


def paint(path: Path, colour: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (20, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two classes, of which one is in val, and images without labels; all differ in content."""
    home = tmp_path / "tree"
    for number in range(4):
        paint(home / "train" / "cat" / f"{number}.png", (200, number, 0))
        paint(home / "train" / "dog" / f"{number}.png", (0, number, 200))
        paint(home / "unsup" / f"{number}.png", (0, 200, number))
    for number in range(2):
        paint(home / "val" / "dog" / f"{number}.png", (10, number, 190), (30, 18))
    return home


def read(path: Path | None, cache: Path, skip_bad: bool = False, task: TaskType = TaskType.MULTICLASS) -> Dataset:
    variant = "sample" if path is None else "path"
    return load(FolderParams(), DataRequest("imagewang", task, variant, path, cache, cache, skip_bad))


def test_a_tree_is_read_with_its_parts(tree: Path, tmp_path: Path) -> None:
    found = read(tree, tmp_path / "cache")
    assert found.info.classes == ("cat", "dog")
    assert found.train.ids.tolist()[:2] == ["train/cat/0", "train/cat/1"]
    assert found.train.targets is not None
    assert found.train.targets.tolist() == [0] * 4 + [1] * 4
    assert found.valid is not None
    assert found.test is not None
    assert found.valid.targets is not None
    assert found.valid.targets.tolist() == [1, 1]
    assert found.test.ids.tolist() == found.valid.ids.tolist() == ["val/dog/0", "val/dog/1"]
    assert found.test.targets is None
    assert len(found.unlabelled["unsup"]) == 4
    assert found.info.extra == {
        "corpora": ["unsup"], "valid_classes": ["dog"], "shortest": 16, "shared_with_valid": 0,
        "shared_where": "",
    }  # fmt: skip
    assert found.valid.meta is not None
    assert found.valid.meta.iloc[0].to_dict() == {"height": 18, "width": 30, "mode": "RGB"}
    pixels = found.train.inputs.at(8)[np.array([5])]
    assert pixels.shape == (1, 8, 8, 3)
    assert pixels[0, 4, 4].tolist() == [0, 1, 200]


def test_a_zip_one_folder_deeper_reads_the_same(tree: Path, tmp_path: Path) -> None:
    archive = tmp_path / "wang.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(tree.rglob("*.png")):
            file.write(path, Path("mini") / path.relative_to(tree))
    found, plain = read(archive, tmp_path / "cache"), read(tree, tmp_path / "cache")
    assert found.digest == plain.digest
    assert found.unlabelled_digest == plain.unlabelled_digest
    assert found.train.ids.tolist() == plain.train.ids.tolist()


def test_a_digest_changes_with_any_image_but_not_with_those_without_labels(tree: Path, tmp_path: Path) -> None:
    before = read(tree, tmp_path / "cache")
    paint(tree / "unsup" / "more.png", (1, 2, 3))
    more = read(tree, tmp_path / "cache")
    assert more.digest == before.digest
    assert more.unlabelled_digest != before.unlabelled_digest
    paint(tree / "val" / "dog" / "0.png", (9, 9, 9))
    assert read(tree, tmp_path / "cache").digest != before.digest


def test_images_are_decoded_once_for_each_size(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(tree, tmp_path / "cache").train.inputs.at(8)

    def refuse(path: Path, size: int) -> None:
        raise AssertionError((path, size))

    monkeypatch.setattr(stores, "pixels_of", refuse)
    again = read(tree, tmp_path / "cache").train.inputs.at(8)
    assert isinstance(again.pixels, np.memmap)
    with pytest.raises(AssertionError):
        read(tree, tmp_path / "cache").train.inputs.at(9)


@pytest.mark.fault("F-19")
@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 100, (100, 100, 100)),
        ("1", 1, (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
        ("LA", (50, 255), (50, 50, 50)),
        ("RGBA", (255, 0, 0, 0), (128, 128, 128)),
        ("I;16", 32768, (127, 127, 127)),
        ("I;16", 200, (0, 0, 0)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str, colour: object, expected: tuple[int, ...]) -> None:
    path = tmp_path / "one.png"
    Image.new(mode, (6, 4), colour).save(path)  # type: ignore[arg-type]
    assert pixels_of(path, 5)[2, 2].tolist() == list(expected)


@pytest.mark.fault("F-19")
def test_cmyk_and_turned_photographs(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "ink.jpg", quality=95)
    red = pixels_of(tmp_path / "ink.jpg", 8)[4, 4]
    assert red[0] > 200
    assert max(red[1], red[2]) < 60
    half = Image.new("RGB", (32, 32), (0, 0, 0))
    half.paste((255, 255, 255), (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right side
    half.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    found = pixels_of(tmp_path / "turned.jpg", 8)
    assert found[4, 7].min() > 200
    assert found[4, 0].max() < 60


@pytest.mark.fault("F-19")
def test_the_middle_is_cut_out_and_tiny_images_are_enlarged(tmp_path: Path) -> None:
    wide = Image.new("RGB", (30, 10), (0, 0, 0))
    wide.paste((255, 255, 255), (10, 0, 20, 10))
    wide.save(tmp_path / "wide.png")
    assert pixels_of(tmp_path / "wide.png", 10).min() == 255
    paint(tmp_path / "dot.png", (7, 8, 9), (1, 1))
    assert pixels_of(tmp_path / "dot.png", 4).reshape(-1, 3).tolist() == [[7, 8, 9]] * 16


def spoil(path: Path, kind: str) -> None:
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("no image")
    else:
        rng = np.random.default_rng(0)
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.fault("F-19")
@pytest.mark.parametrize(
    ("kind", "words"), [("empty", "is empty"), ("text", "not an image"), ("cut", "cannot be decoded")]
)
def test_a_file_that_cannot_be_decoded(tree: Path, tmp_path: Path, kind: str, words: str) -> None:
    spoil(tree / "train" / "cat" / "1.png", kind)
    with pytest.raises(DataError, match=words) as caught:
        read(tree, tmp_path / "cache")
    assert "1.png" in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    found = read(tree, tmp_path / "cache", skip_bad=True)
    assert "train/cat/1" not in found.train.ids.tolist()
    assert len(found.train.inputs.at(8)) == 7
    assert any("left out" in note and words in note for note in found.info.notes)
    spoil(tree / "val" / "dog" / "1.png", kind)
    found = read(tree, tmp_path / "cache", skip_bad=True)
    assert found.test is not None
    assert found.test.inputs.at(8)[np.array([1])].reshape(-1).tolist() == [128] * 192
    assert any("predicted as plain grey" in note for note in found.info.notes)


def test_without_any_image_that_can_be_decoded(tree: Path, tmp_path: Path) -> None:
    for path in (tree / "unsup").iterdir():
        spoil(path, "text")
    found = read(tree, tmp_path / "cache", skip_bad=True)
    assert found.unlabelled == {}
    assert any("4 files that cannot be decoded are left out" in note for note in found.info.notes)
    for path in (tree / "train" / "cat").iterdir():
        spoil(path, "text")
    with pytest.raises(DataError, match="train/cat has no image that can be decoded"):
        read(tree, tmp_path / "cache", skip_bad=True)


def test_reading_leaves_the_filters_of_warnings_alone(tree: Path, tmp_path: Path) -> None:
    read(tree, tmp_path / "cache").train.inputs.at(8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        read(tree, tmp_path / "again").train.inputs.at(8)
        assert warnings.filters == before


def test_damaged_caches_are_one_readable_line(tree: Path, tmp_path: Path) -> None:
    read(tree, tmp_path / "cache").train.inputs.at(8)
    (pixels,) = (tmp_path / "cache").rglob("pixels.npy")
    pixels.write_bytes(b"no array")
    with pytest.raises(DataError, match="is damaged; remove it"):
        read(tree, tmp_path / "cache").train.inputs.at(8)
    next((tmp_path / "cache").rglob("files-*.json")).write_text('[{"a": 1}]')
    with pytest.raises(DataError, match="is damaged; remove it"):
        read(tree, tmp_path / "cache")


@pytest.mark.fault("F-43")
@pytest.mark.parametrize(
    ("params", "words"),
    [
        (FolderParams(unlabelled="../other"), "plain name"),
        (FolderParams(unlabelled="train"), "something else"),
        (FolderParams(unlabelled="val"), "something else"),
    ],
)
def test_folders_are_beside_train(tree: Path, tmp_path: Path, params: FolderParams, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(params, DataRequest("imagewang", TaskType.MULTICLASS, "path", tree, tmp_path, tmp_path))


def test_an_empty_val_is_no_validation_set(tree: Path, tmp_path: Path) -> None:
    shutil.rmtree(tree / "val")
    (tree / "val").mkdir()
    found = read(tree, tmp_path / "cache")
    assert found.valid is None
    assert any("val/ has no image" in note for note in found.info.notes)


@pytest.mark.fault("F-19")
def test_a_bomb_is_refused(tree: Path, tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tree / "train" / "cat" / "bomb.png")
    with pytest.raises(DataError, match=r"bomb\.png (has 20,000 by 20,000 pixels|cannot be opened: Image size)"):
        read(tree, tmp_path / "cache")


def test_a_class_of_val_that_train_lacks_is_named(tree: Path, tmp_path: Path) -> None:
    paint(tree / "val" / "wolf" / "0.png")
    with pytest.raises(DataError, match=r"val/ has a class that train/ lacks: wolf; train has: cat, dog"):
        read(tree, tmp_path / "cache")


@pytest.mark.fault("F-51")
def test_validation_images_among_the_others_are_counted(tree: Path, tmp_path: Path) -> None:
    shutil.copyfile(tree / "val" / "dog" / "0.png", tree / "unsup" / "copy.png")
    found = read(tree, tmp_path / "cache")
    assert found.info.extra["shared_with_valid"] == 1
    (finding,) = harness_check_dataset(COMPETITION, found)
    assert (finding.kind, finding.severity) == ("imagewang.seen-validation", Severity.LEAK)
    assert "(1 in unsup/)" in finding.what
    assert any("1 of 2 validation images are among the others too: 1 in unsup/" in note for note in found.info.notes)


def test_strategies_that_lack_images_without_labels_are_named(tree: Path, tmp_path: Path) -> None:
    assert list(harness_check_dataset(COMPETITION, read(tree, tmp_path / "cache"))) == []
    shutil.rmtree(tree / "unsup")
    (finding,) = harness_check_dataset(COMPETITION, read(tree, tmp_path / "cache"))
    assert (finding.kind, finding.severity) == ("imagewang.no-unlabelled", Severity.WARNING)
    assert "cannot run: greyblur, greyblur-linear, greyblur-knn, sesemi" in finding.what
    assert "scratch" not in finding.what


def test_classes_of_imagenette_and_imagewoof_are_shown_by_name(tree: Path, tmp_path: Path) -> None:
    (tree / "train" / "dog").rename(tree / "train" / "n02086240")
    (tree / "val" / "dog").rename(tree / "val" / "n02086240")
    info = read(tree, tmp_path / "cache").info
    assert (info.classes, info.shown_classes) == (("cat", "n02086240"), ("cat", "n02086240 Shih-Tzu"))


def test_what_a_scan_for_leaks_compares(tree: Path, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    folder = tree / "train" / "cat"
    for path in folder.iterdir():
        path.unlink()
    picture = Image.fromarray(pictures).resize((90, 80), Image.Resampling.NEAREST)
    picture.save(folder / "a.png")
    picture.save(folder / "b.png")
    picture.resize((180, 160)).save(folder / "c.png")
    picture.transpose(Image.Transpose.ROTATE_180).save(folder / "d.png")
    train = read(tree, tmp_path / "cache").train
    rows = [list(train.ids).index(f"train/cat/{name}") for name in "abcd"]
    inputs = train.take(np.array(rows)).inputs
    assert inputs.file_paths() == [folder / f"{name}.png" for name in "abcd"]
    a, b, c, d = inputs.digests()
    assert a == b
    assert len({a, c, d}) == 3
    apart = np.bitwise_count(inputs.sketches()[0] ^ inputs.sketches())
    assert apart[1] == 0
    assert apart[2] <= 4
    assert apart[3] >= 16


def test_without_unlabelled_or_validation_images(tree: Path, tmp_path: Path) -> None:
    shutil.rmtree(tree / "unsup")
    shutil.rmtree(tree / "val")
    paint(tree / "test" / "007.png")
    found = read(tree, tmp_path / "cache")
    assert found.info.extra["corpora"] == []
    assert found.valid is None
    assert found.test is not None
    assert found.test.ids.tolist() == ["test/007"]
    assert any("pretext tasks cannot be trained" in note for note in found.info.notes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda home: home / "nowhere", "does not exist"),
        (lambda home: paint(home / "one.png"), "no folder and no archive"),
        (lambda home: paint(home / "flat" / "one.png").parent, "no folder train/"),
        (lambda home: paint(home / "loose" / "train" / "one.png").parent.parent, "no folder of a class"),
    ],
)
def test_what_is_no_tree_is_refused_in_one_line(tmp_path: Path, make, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(make(tmp_path), tmp_path / "cache")


def test_an_empty_class_and_two_files_of_one_id_are_named(tree: Path, tmp_path: Path) -> None:
    shutil.copyfile(tree / "train" / "cat" / "1.png", tree / "train" / "cat" / "1.bmp")
    with pytest.raises(DataError, match="train/cat/1"):
        read(tree, tmp_path / "cache")
    (tree / "train" / "cat" / "1.bmp").unlink()
    (tree / "train" / "bird").mkdir()
    with pytest.raises(DataError, match="bird has no image"):
        read(tree, tmp_path / "cache")


def test_new_images_are_read_from_a_file_a_folder_or_an_archive(tree: Path, tmp_path: Path) -> None:
    info = read(tree, tmp_path / "cache").info
    one = read_new(FolderParams(), tree / "unsup" / "2.png", info)
    assert one.ids.tolist() == ["2"]
    assert one.inputs.at(4)[np.array([0])][0, 0, 0].tolist() == [0, 200, 2]
    assert len(read_new(FolderParams(), tree / "unsup", info)) == 4
    archive = Path(shutil.make_archive(str(tmp_path / "new"), "zip", tree / "unsup"))
    packed = read_new(FolderParams(), archive, info)
    assert packed.inputs.at(4)[np.arange(4)].shape == (4, 4, 4, 3)
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match="has no image"):
        read_new(FolderParams(), tmp_path / "bare", info)


def test_the_sample_has_the_layout_of_imagewang_and_can_be_learned(tmp_path: Path) -> None:
    found = read(None, tmp_path)
    assert found.info.simulated
    assert set(found.info.classes) == {*SHAPES, *ANIMALS}
    assert found.info.extra["valid_classes"] == sorted(ANIMALS)
    counts = np.bincount(np.asarray(found.train.targets))
    assert counts.max() > 3 * counts.min()
    assert found.info.extra["shared_with_valid"] == 0
    assert read(None, tmp_path / "other").digest == found.digest
    assert found.valid is not None
    facts, codes = _middles(found.train)
    new, truth = _middles(found.valid)
    centres = {int(code): facts[codes == code].mean(axis=0) for code in np.unique(truth)}
    near = [min(centres, key=lambda code: float(((row - centres[code]) ** 2).sum())) for row in new]
    assert (np.array(near) == truth).mean() > 0.2  # ten classes


def _middles(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean colour of the middle of each image, less that of its border, and the codes."""
    pixels = examples.inputs.at(16)
    whole = pixels[np.arange(len(pixels))].astype(float)
    facts = whole[:, 5:11, 5:11].mean(axis=(1, 2))
    return facts - facts.mean(axis=1, keepdims=True), np.asarray(examples.targets)


def test_a_store_without_a_folder_stays_in_memory(tree: Path) -> None:
    store = FileStore(sorted((tree / "unsup").iterdir()), None)
    assert store.pixels(8) is store.pixels(8)
    assert not isinstance(store.pixels(8), np.memmap)


@pytest.mark.parametrize("name", ["imagewang-tiny-64.zip"])
def test_the_real_tree(real_data: Path, tmp_path: Path, name: str) -> None:
    found = read(real_data / "imagewang" / name, tmp_path)
    assert (len(found.train), len(found.valid or ()), len(found.unlabelled["unsup"])) == (300, 200, 200)
    assert len(found.info.classes) == 20
    assert len(found.info.extra["valid_classes"]) == 10
    assert found.info.extra["shared_with_valid"] == 0
    assert found.train.inputs.at(32).pixels.shape == (300, 32, 32, 3)
