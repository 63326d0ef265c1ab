"""``protein.clusters``: relatives stay together, folds are alike, giants are cut."""

from __future__ import annotations

import stat
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from harness_protein.homology.clusters import ClustersParams, clusters, split, splitters
from harness_protein.homology.kmers import Word, residues, words
from harness_protein.homology.minhash import candidates, sketches

from harness.builtin.splits import check_folds
from harness.data import Examples
from harness.errors import ConfigError, DataError, HarnessError
from harness.testing import failures
from harness.testing.splitters import check_splitter

(SPLITTER,) = splitters()


def same_partition(one, other) -> bool:
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


def test_families_are_found_again(families, info):
    examples, of = families()
    assert same_partition(clusters(ClustersParams(), examples, info), of)


def test_folds_keep_families_whole_and_class_shares_equal(families, info):
    examples, of = families(n=60)
    params = ClustersParams()
    folds = list(split(params, examples, info))
    assert check_folds(folds, examples, SPLITTER, params) == []
    for fold in folds:
        assert not set(of[fold.train]) & set(of[fold.valid])
        assert len(fold.valid) == len(examples) / 5
        assert np.ptp(np.bincount(examples.targets[fold.valid], minlength=3)) <= 12


def test_the_kit_passes_it(families, info):
    examples, _ = families(n=20, members=4)
    assert failures(check_splitter(SPLITTER, examples=examples, info=info)) == []


def test_one_family_of_all_is_cut_at_a_higher_identity(families, info):
    """Forty branches of one tree: a chain of relatives at 50%, but near ones within a branch."""
    examples, of = families(n=40, members=5, identity=0.95)
    rng = np.random.default_rng(0)
    ancestor = examples.inputs[0]
    # every sequence keeps two thirds of one ancestor: linked at 50%, apart at 80%
    keep = rng.random((40, len(ancestor))) < 0.75
    mixed = [
        "".join(a if kept else b for a, b, kept in zip(ancestor, text, keep[family], strict=True))
        for text, family in zip(examples.inputs, of, strict=True)
    ]
    made = replace(examples, inputs=np.array(mixed, dtype=object))
    found = clusters(ClustersParams(), made, info)
    assert np.bincount(found).max() <= len(made) / 5
    for family in range(40):
        values, counts = np.unique(found[of == family], return_counts=True)
        assert counts.max() >= 4, values
    assert len(list(split(ClustersParams(), made, info))) == 5


def test_identical_sequences_and_groups_stay_whole(families, info):
    examples, _ = families(n=30, members=1, identity=1.0)
    twice = examples.take(np.concatenate([np.arange(30), np.arange(30)]))
    ids = np.array([f"r{i}" for i in range(60)], dtype=object)
    meta = pd.DataFrame({"family": [f"f{i % 15}" for i in range(60)]})
    made = replace(twice, ids=ids, meta=meta)
    plain = clusters(ClustersParams(), made, info)
    assert (plain[:30] == plain[30:]).all()
    declared = replace(info, roles={"group": "family"})
    for params, about in ((ClustersParams(), declared), (ClustersParams(group_on="family"), info)):
        grouped = clusters(params, made, about)
        assert grouped.max() + 1 == 15
        assert same_partition(grouped, np.arange(60) % 15)


def test_too_few_clusters_are_told(families, info):
    examples, _ = families(n=3, members=5, identity=1.0)
    with pytest.raises(DataError, match="3 clusters at 50% identity do not make 5 folds"):
        list(split(ClustersParams(), examples, info))


def test_sketches_agree_as_often_as_sets_are_alike():
    rng = np.random.default_rng(0)
    pool = rng.permutation(20**4)[:1500]
    one, other = pool[:1000], pool[500:1500]  # Jaccard 500 / 1500
    rows = np.repeat([0, 1], 1000)
    made = sketches(rows, np.concatenate([one, other]), 2, 2000, 0)
    assert (made[0] == made[1]).mean() == pytest.approx(1 / 3, abs=0.04)


def test_candidates_agree_in_a_band_and_come_once():
    sketched = np.array([[1, 2, 3, 4], [1, 9, 3, 4], [7, 8, 3, 5], [2**32 - 1] * 4], dtype=np.uint32)
    assert set(map(tuple, candidates(sketched, 1).tolist())) == {(0, 1), (0, 2), (1, 2)}
    assert candidates(sketched, 2).tolist() == [[0, 1]]
    empty = sketches(*words(residues(["A"]), Word("111"))[:2], 1, 4, 0)
    assert candidates(empty, 1).shape == (0, 2)


def program(folder, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def path(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def few() -> Examples:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACDEFGHIKL"), 30)) for _ in range(12)]
    return Examples(
        np.array([f"s{i}" for i in range(12)], dtype=object), np.array(texts, dtype=object), np.arange(12) % 3
    )


def test_mmseqs_is_asked_and_read(path, info):
    program(
        path,
        "mmseqs",
        'echo "$@" > ../../asked 2>/dev/null\n'
        "grep '>' in.fasta | tr -d '>' | while read n; do printf '%s\\t%s\\n' $((n % 6)) $n; done > out_cluster.tsv",
    )
    found = clusters(ClustersParams(method="mmseqs", folds=3), few(), info)
    assert same_partition(found, np.arange(12) % 6)


def test_cd_hit_is_asked_and_read(path, info):
    program(
        path,
        "cd-hit",
        'i=0; while [ $i -lt 6 ]; do echo ">Cluster $i"; echo "0\t30aa, >$i... *";'
        ' echo "1\t30aa, >$((i + 6))... at 70.00%"; i=$((i + 1)); done > out.clstr',
    )
    found = clusters(ClustersParams(method="cd-hit", folds=3), few(), info)
    assert same_partition(found, np.arange(12) % 6)


@pytest.mark.parametrize("method", ["mmseqs", "cd-hit"])
def test_programs_that_lack_or_fail_are_told(path, info, method, tmp_path, monkeypatch):
    params = ClustersParams(method=method)
    program(path, method, "echo out of memory >&2; exit 3")
    with pytest.raises(HarnessError, match=rf"{method} failed \(3\): out of memory"):
        clusters(params, few(), info)
    program(path, method, "exit 0")
    with pytest.raises(HarnessError, match="cannot be read"):
        clusters(params, few(), info)
    program(path, method, "printf '0\\t0\\n' > out_cluster.tsv; printf '>Cluster 0\\n0 30aa, >0... *\\n' > out.clstr")
    with pytest.raises(HarnessError, match="left out 11 sequences"):
        clusters(params, few(), info)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HarnessError, match=f"{method} is not installed"):
        clusters(params, few(), info)


def test_cd_hit_has_a_least_identity(info):
    with pytest.raises(ConfigError, match=r"identity = 0\.3: CD-HIT clusters at 0\.4"):
        clusters(ClustersParams(method="cd-hit", identity=0.3), few(), info)
