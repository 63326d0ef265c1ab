"""Families of related sequences, made up: each member is its family's ancestor with residues exchanged."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from harness_protein.residues import ALPHABET

from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.results import Run, RunResult, Scored, Status

LETTERS = np.array(list(ALPHABET))


def random_sequence(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(LETTERS, length))


def mutated(rng: np.random.Generator, ancestor: str, identity: float) -> str:
    """Return the sequence with exactly this share of its residues kept, the others exchanged for another."""
    letters = np.array(list(ancestor))
    changed = rng.permutation(len(letters))[: round((1 - identity) * len(letters))]
    for at in changed:
        letters[at] = rng.choice(LETTERS[letters[at] != LETTERS])
    return "".join(letters)


def family(rng: np.random.Generator, members: int, identity: float, length: int = 120) -> list[str]:
    ancestor = random_sequence(rng, length)
    return [mutated(rng, ancestor, identity) for _ in range(members)]


@pytest.fixture
def families():
    """Return ``families(n, members, identity)``: examples of 3 classes and each row's family; a class is a third."""

    def make(n: int = 30, members: int = 6, identity: float = 0.85, seed: int = 0, length: int = 120):
        rng = np.random.default_rng(seed)
        sequences = [one for _ in range(n) for one in family(rng, members, identity, length)]
        of = np.repeat(np.arange(n), members)
        order = rng.permutation(len(of))
        targets = (of % 3)[order]
        ids = np.array([f"s{i}" for i in range(len(of))], dtype=object)
        examples = Examples(ids, np.array(sequences, dtype=object)[order], targets.astype(np.int64))
        return examples, of[order]

    return make


@pytest.fixture
def info() -> DatasetInfo:
    return DatasetInfo("families", TaskType.MULTICLASS, ("one", "two", "three"))


@pytest.fixture
def run_result(info, tmp_path):
    """Return ``run_result(examples, values, folds, ...)``: a finished run with these out-of-fold predictions."""

    def make(examples, values, folds, label="neighbours", seed=0, model=None, split=None):
        run_id = f"{label.replace(' ', '-')}-s{seed}"
        directory: Path = tmp_path / run_id
        directory.mkdir(exist_ok=True)
        identity = {"model": model or {"use": "protein.neighbours"}, "split": split or {}, "adjusters": []}
        run = Run("families", label, seed, run_id, directory, identity, label)
        predictions = Predictions(examples.ids, np.asarray(values, dtype=np.float64), info.outputs)
        oof = Scored(examples.targets, predictions, None, None, np.asarray(folds, dtype=np.int64))
        return RunResult(run, Status.DONE, {}, (), oof, None, None)

    return make


@pytest.fixture
def competition():
    return SimpleNamespace(
        id="families",
        title="Families <of> proteins",
        data=SimpleNamespace(source="protein.sequences"),
        split=SimpleNamespace(name="protein.homology"),
        split_allowed="",
    )


@pytest.fixture
def dataset(families, info):
    examples, _ = families()
    return Dataset(info, examples)
