"""Files that the pages speak of, made from what the commands before wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BEST = Path("submissions/class-imbalance/best.csv")


def latest_run(competition: str = "*") -> str:
    """Return the id of the run of a strategy that was finished last."""
    results = sorted(Path("runs").glob(f"{competition}/*/result.json"), key=lambda path: path.stat().st_mtime_ns)
    runs = [path.parent for path in results if "baseline" not in path.parent.name and "-mean-" not in path.parent.name]
    return runs[-1].name


def _best() -> Any:
    import pandas as pd

    return pd.read_csv(BEST, dtype={"id": str})


def answers() -> Any:
    table = _best()
    classes = list(table.columns[1:])
    return table.assign(label=[classes[row % 5 == 0] for row in range(len(table))])[["id", "label"]]


def out_of_fold() -> Any:
    import pandas as pd

    table = pd.read_parquet(Path("runs/class-imbalance", latest_run("class-imbalance"), "oof.parquet"))
    # worse than every strategy: `register` takes the first of the board, and a notebook has no model to register
    return table[["id"]].assign(other=0.99, Possible_Injury=0.01)


def new_rows() -> Any:
    from harness.competition_file import read_competition
    from harness.finding import find_competition
    from harness.offers import DataRequest, DatasetSource
    from harness.params import parse_params
    from harness.plugins import load_plugins

    plugins = load_plugins()
    found = read_competition(find_competition("class-imbalance", None, plugins))
    source = plugins.find(DatasetSource, found.data.source, "test")
    given = {**found.data.params, **found.data.variants["sample"].params}
    params = parse_params(source.params, given, "test")
    data = source.load(params, DataRequest(found.id, found.task, "sample", None, found.home, Path("cache")))
    assert data.test is not None
    return data.test.inputs.head(20).assign(id=list(data.test.ids)[:20])


def days(first: int, count: int) -> Any:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(first)
    pressure, cloud = rng.normal(1013, 8, count), rng.uniform(0, 1, count)
    rain = np.where(cloud - (pressure - 1013) / 20 + rng.normal(0, 0.3, count) > 0.5, "yes", "no")
    names = [f"d{first + day:04d}" for day in range(count)]
    return pd.DataFrame({"day": names, "pressure": pressure, "cloud": cloud, "rain": rain})


MADE: dict[tuple[str, str], Callable[[], Any]] = {
    ("README.md", "my.csv"): _best,
    ("README.md", "test.csv"): _best,
    ("README.md", "answers.csv"): answers,
    ("README.md", "oof.csv"): out_of_fold,
    ("README.md", "new.csv"): new_rows,
    ("docs/tutorial/first-competition.md", "train.csv"): lambda: days(0, 200),
    ("docs/tutorial/first-competition.md", "test.csv"): lambda: days(200, 60).drop(columns="rain"),
    ("docs/tutorial/first-competition.md", "sample_submission.csv"): lambda: days(200, 60)[["day"]].assign(rain=0.5),
}


@pytest.fixture
def provide() -> Callable[[str, list[str]], list[str]]:
    """Return what makes the files that a page's command names, and puts a run in the place of RUN."""

    def prepared(page: str, args: list[str]) -> list[str]:
        for name in args:
            if (page, name) in MADE and not Path(name).exists():
                MADE[page, name]().to_csv(name, index=False)
        return [latest_run() if arg == "RUN" else arg for arg in args]

    return prepared


@pytest.fixture
def call(tmp_path: Path, monkeypatch, capsys) -> Callable[[list[str]], tuple[int, str]]:
    """Return the command line, called in this process in an empty folder: exit code and what it printed."""
    from harness.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def called(args: list[str]) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(args)
        found = capsys.readouterr()
        return int(ended.value.code or 0), found.out + found.err

    return called
