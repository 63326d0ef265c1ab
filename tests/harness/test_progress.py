"""What a run prints of the time that is left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli.progress import RunProgress
from harness.results import FoldResult, Run


def fold(seconds: float, **more) -> FoldResult:
    return FoldResult(0, 80, 20, {}, {}, {}, seconds, 0, "cpu", 1, **more)


@pytest.fixture
def told(tmp_path, capsys):
    """Return what is printed after folds of some seconds, of a number that are planned for one strategy."""

    def tell(folds: list[FoldResult], planned: int, workers: int = 1, baseline: bool = False) -> str:
        run = Run("toy", "near", 0, "near-s0-1", tmp_path, {}, "near")
        tasks = [SimpleNamespace(directory=Path(tmp_path / str(one))) for one in range(planned)]
        plan = SimpleNamespace(run=run, all_tasks=tasks, refit=None, strategy=SimpleNamespace(baseline=baseline))
        with RunProgress("log_loss", "oof", workers) as progress:
            progress.planned([plan])
            for one in folds:
                progress.harness_fold_scored(run, one)
        return capsys.readouterr().err

    return tell


def test_the_time_left_is_told_after_the_second_fold_as_the_first_pays_for_imports(told):
    assert told([fold(9.0)], 10) == ""
    assert told([fold(9.0), fold(2.0)], 10) == "a fold took 2.0 s; about 16.0 s for 8 more folds, if all are alike\n"


def test_a_long_first_fold_is_enough(told):
    assert told([fold(120.0)], 2) == "a fold took 2 min 00 s; about 2 min 00 s for 1 more fold, if all are alike\n"


def test_workers_share_the_folds(told):
    assert "about 8.0 s for 8 more folds" in told([fold(9.0), fold(2.0)], 10, workers=2)


@pytest.mark.parametrize(("later", "lines"), [(2.0, 1), (8.0, 2)])
def test_it_is_told_again_only_when_it_was_wrong(told, later, lines):
    found = told([fold(9.0), fold(2.0), *[fold(later)] * 4], 20).splitlines()
    assert len(found) == lines
    assert found[lines - 1].startswith("now about" if lines == 2 else "a fold took")


@pytest.mark.parametrize(
    "folds",
    [
        [fold(9.0), fold(0.4)],  # less than a second is left
        [fold(9.0, resumed=True), fold(2.0, resumed=True)],
        [fold(9.0, notes=("stage encoder: made",)), fold(2.0)],
    ],
    ids=["soon", "resumed", "stage"],
)
def test_nothing_is_told_of_what_says_nothing(told, folds):
    assert told(folds, 4) == ""


def test_a_baseline_says_nothing_of_the_others(told):
    assert told([fold(9.0), fold(2.0)], 10, baseline=True) == ""
