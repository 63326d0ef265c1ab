"""Data at its worst: nothing is raised, nothing is flagged that is not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.data import Examples, TaskType
from harness.errors import DataError
from harness.findings import Severity
from harness.leaks.scan import scan


def ids(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(10 * n)[:n].astype(str).astype(object)


def of(table: object, targets: np.ndarray, cut: int) -> tuple[Examples, Examples]:
    names = ids(len(targets))
    one, other = (table.iloc[:cut], table.iloc[cut:]) if isinstance(table, pd.DataFrame) else (table[:cut], table[cut:])
    return Examples(names[:cut], one, targets[:cut]), Examples(names[cut:], other)


def no_leaks(prepared) -> bool:
    return scan(prepared).leaks == ()


def test_columns_of_every_kind(prepared):
    rng = np.random.default_rng(0)
    n = 300
    table = pd.DataFrame(
        {
            "missing": np.full(n, np.nan),
            "constant": np.full(n, 7),
            "infinite": np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
            "mostly missing": np.where(rng.random(n) < 0.97, np.nan, 1.0),
            "flag": rng.random(n) < 0.5,
            "maybe": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
            "whole": pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
            "text": [f"a text {number}" for number in rng.permutation(n)],
            "level": pd.Categorical(rng.permutation(n).astype(str)),
            "mixed": rng.choice(np.array([1, "one", None, 2.5], dtype=object), n),
            "lists": [[1, 2]] * n,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 999, n), unit="D"),
            "zoned": pd.Series(
                pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 999, n), unit="h")
            ),
            "length": pd.to_timedelta(rng.integers(0, 999, n), unit="s"),
            "complex": rng.normal(size=n) + 1j,
            5: rng.normal(size=n),
        }
    )
    train, test = of(table, rng.integers(0, 2, n), 200)
    assert no_leaks(prepared(train, test))


def test_columns_of_one_name(prepared):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(100, 2)), columns=["a", "a"])
    with pytest.raises(DataError, match="inputs have doubled columns: a; give each its own name"):
        scan(prepared(*of(table, rng.integers(0, 2, 100), 70)))


@pytest.mark.parametrize("test_rows", [0, 1, 30])
def test_few_rows(test_rows, prepared):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(10 + test_rows, 3)))
    targets = np.arange(10 + test_rows) % 2
    train, test = of(table, targets, 10)
    assert no_leaks(prepared(train, test, folds=2))
    assert no_leaks(prepared(train, None, folds=2))


def test_ten_rows_are_too_few_to_be_sure_of_a_column_among_a_thousand(prepared):
    rng = np.random.default_rng(0)
    for seed in range(3):
        table = pd.DataFrame(np.random.default_rng(seed).normal(size=(15, 1000)))
        assert no_leaks(prepared(*of(table, rng.permutation(np.arange(15) % 2), 10), folds=2))


def test_one_class_in_a_fold(prepared):
    rng = np.random.default_rng(0)
    targets = np.zeros(200, dtype=np.int64)
    targets[:3] = 1
    train, test = of(pd.DataFrame(rng.normal(size=(200, 3))), targets, 150)
    assert no_leaks(prepared(train, test, split="random"))


def test_numbers_near_the_largest_there_are(prepared, recwarn):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
    table["huge"] = rng.normal(size=400) * 1e300
    table.iloc[300:320] = table.iloc[:20].to_numpy()
    train, test = of(table, rng.integers(0, 2, 400), 300)
    assert {one.kind for one in scan(prepared(train, test)).leaks} == {"duplicates"}
    assert not [str(one.message) for one in recwarn]


def test_numbers_that_are_all_the_same(prepared):
    rng = np.random.default_rng(0)
    train, test = of(pd.DataFrame(rng.normal(size=(200, 3))), np.full(200, 3.5), 150)
    assert no_leaks(prepared(train, test, task=TaskType.REGRESSION))


def test_many_labels_and_many_classes(prepared):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(400, 5)))
    labels = (rng.random((400, 30)) < 0.1).astype(np.int8)
    labels[:, 7] = 0
    names = tuple(f"label {at}" for at in range(30))
    assert no_leaks(prepared(*of(table, labels, 300), task=TaskType.MULTILABEL, classes=names))
    many = rng.integers(0, 30, 400)
    assert no_leaks(prepared(*of(table, many, 300), task=TaskType.MULTICLASS, classes=names, split="random"))


def test_a_column_that_gives_one_label_of_many(prepared):
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 6)) < 0.3).astype(np.int8)
    table = pd.DataFrame(rng.normal(size=(400, 5)), columns=list("abcde")).assign(leaky=labels[:, 4] * 3.0)
    card = scan(prepared(*of(table, labels, 300), task=TaskType.MULTILABEL, classes=tuple("uvwxyz")))
    assert [(one.kind, one.names) for one in card.leaks] == [("target-copy", ("leaky",))]


def test_inputs_of_other_kinds(prepared):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 90)
    words = ["", "a", "ab", "\0", "ü" * 50, "x" * 5000] * 15
    arrays = rng.normal(size=(90, 4, 4))
    objects = [object()] * 90
    for inputs in (words, np.array(words, dtype=object), arrays, arrays[:, 0], arrays[:, 0, 0], objects, [None] * 90):
        assert no_leaks(prepared(*of(inputs, targets, 60)))


def test_images_that_are_the_same(prepared):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (90, 8, 8)).astype(np.uint8)
    images[60:65] = images[:5]
    card = scan(prepared(*of(images, rng.integers(0, 2, 90), 60)))
    assert [one.kind for one in card.leaks] == ["duplicates"]


def test_files_that_are_gone(tmp_path, prepared):
    rng = np.random.default_rng(0)
    paths = []
    for row in range(90):
        path = tmp_path / f"{row}"
        path.write_bytes(rng.bytes(100))
        paths.append(str(path))
    made = prepared(*of(paths, rng.integers(0, 2, 90), 60))
    for path in tmp_path.glob("4?"):
        path.unlink()
    assert no_leaks(made)


def test_strange_ids(rows, prepared):
    train, test = rows()
    for name in ("", "ü{}", "{}\n", "a/b/{}", "٣{}", "{0}" * 40, "0x{:x}", "-{}.5e3"):
        renamed = [
            np.array([f"{name.format(row) or row}" for row in part], dtype=object)
            for part in np.split(np.random.default_rng(1).permutation(800), [600])
        ]
        assert no_leaks(prepared(replace(train, ids=renamed[0]), replace(test, ids=renamed[1])))


def test_the_test_set_lacks_a_column_or_has_more(rows, prepared):
    train, test = rows()
    less = test.with_inputs(test.inputs.drop(columns=["x5", "x0"]))
    card = scan(prepared(train, less))
    assert {(one.kind, one.severity, one.names) for one in card.findings} == {
        ("future-feature", Severity.LEAK, ("x0",)),
        ("future-feature", Severity.WARNING, ("x5",)),
    }
    assert no_leaks(prepared(train, test.with_inputs(test.inputs.assign(more=1))))


def test_the_same_rows_for_validation_and_test(rows, prepared):
    train, test = rows()
    valid = replace(test, targets=np.random.default_rng(0).integers(0, 2, len(test)))
    assert no_leaks(prepared(train, test, valid))


@pytest.mark.parametrize("task", [TaskType.BINARY, TaskType.REGRESSION])
def test_a_thousand_columns_of_noise_are_clean(task, rows, prepared):
    assert no_leaks(prepared(*rows(n=200, test=25, columns=1000, task=task), task=task))


def test_the_same_is_found_twice(rows, prepared):
    train, test = rows()
    one, other = (scan(prepared(train, test)) for _ in range(2))
    assert one == other
