"""One sound plugin, and what authors get wrong, each an edit of it: the conformance kit names every one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness.testing import check_plugin, failures

SOUND = '''
import json
from dataclasses import dataclass
from pathlib import Path

from harness import hookimpl
from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType, digest_files
from harness.errors import DataError
from harness.offers import CLASSIFICATION, DatasetSource, Metric, ModelRecipe
from harness.params import NoParams, param


@dataclass(frozen=True)
class Params:
    noise: float = param(0.01, "how much the means are shifted, by the seed", low=0.0)


class Means:
    """Likelier the nearer to the mean of a class."""

    def __init__(self, params, info, context):
        self.params, self.info, self.context = params, info, context

    def fit(self, train, inner, log):
        import numpy as np

        if not len(train):
            raise DataError("kit.means: no rows to learn from")
        points = self.points(train)
        rng = np.random.default_rng(self.context.seed)
        codes = range(len(self.info.classes))
        self.means = np.full((len(codes), points.shape[1]), np.nan)
        for code in codes:
            rows = train.targets == code
            if rows.any():
                weights = None if train.weights is None else train.weights[rows]
                self.means[code] = np.average(points[rows], axis=0, weights=weights)
        self.means += rng.normal(size=self.means.shape) * self.params.noise

    def points(self, examples):
        if "kind" in getattr(examples.inputs, "columns", ["kind"]) or list(examples.inputs) != ["x0", "x1", "x2"]:
            raise DataError("kit.means: takes a table of x0, x1, x2")
        return examples.inputs.to_numpy()

    def predict(self, examples):
        import numpy as np

        points = self.points(examples)
        distances = ((points[:, None] - self.means[None]) ** 2).sum(axis=2)
        likely = np.exp(-np.where(np.isnan(distances), np.inf, distances)) + 1e-300
        return Predictions(examples.ids, likely / likely.sum(axis=1, keepdims=True), self.info.outputs)

    def save(self, directory):
        (directory / "means.json").write_text(json.dumps(self.means.tolist()))

    def load(self, directory):
        import numpy as np

        self.means = np.array(json.loads((directory / "means.json").read_text()), dtype=float)


def error(targets, values, weights, meta):
    import numpy as np

    return float(np.average(1 - values[np.arange(len(targets)), targets], weights=weights))


def load(params, request):
    import numpy as np
    import pandas as pd

    if request.path is not None or request.task_type is not TaskType.BINARY:
        raise DataError("kit.points: there is the sample only")
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=["x0", "x1", "x2"])
    rows = Examples(np.array([f"r{row}" for row in range(60)], dtype=object), table, np.arange(60) % 2)
    info = DatasetInfo("points", request.task_type, ("no", "yes"), variant=request.variant, simulated=True)
    test = rows.take(np.arange(40, 60)).unlabelled()
    return Dataset(info, rows.take(np.arange(40)), None, test, digest=digest_files([], "points"))


@hookimpl
def harness_datasets():
    yield DatasetSource("kit.points", "points", NoParams, load)


@hookimpl
def harness_models():
    yield ModelRecipe("kit.means", "distances to class means", CLASSIFICATION, Params, Means)


@hookimpl
def harness_metrics():
    yield Metric("kit.error", "mean error", "min", "probabilities", CLASSIFICATION, error)
'''

FIT = "        points = self.points(train)\n"
PREDICT = "        points = self.points(examples)\n"
BINARY = "binary: "
SWALLOWED = """
        try:
            points = self.points(examples)
        except Exception:
            even = np.full((len(examples), len(self.info.classes)), 1 / len(self.info.classes))
            return Predictions(examples.ids, even, self.info.outputs)
"""

SEEDED: dict[str, tuple[str, str, str]] = {
    "reads the labels of what it predicts": (
        PREDICT,
        PREDICT + "        points = points if examples.targets is None else points + examples.targets[:, None]\n",
        BINARY + "does not read labels of what it predicts",
    ),
    "keeps labels in the test part": (".unlabelled()", "", BINARY + "no labels in the test part"),
    "changes what it learns from": (
        FIT,
        FIT + "        train.inputs['x0'] = 0.0\n",
        BINARY + "leaves training rows as they are",
    ),
    "changes what it predicts": (
        PREDICT,
        PREDICT + "        examples.inputs['x0'] = 0.0\n",
        BINARY + "leaves rows to predict as they are",
    ),
    "seeds numpy for all": (
        FIT,
        FIT + "        np.random.seed(self.context.seed)\n",
        BINARY + "leaves global state as it is",
    ),
    "sets an environment variable": (
        FIT,
        FIT + "        import os, time\n        os.environ['KIT_STARTED'] = str(time.time_ns())\n",
        BINARY + "leaves global state as it is",
    ),
    "sets an environment variable to the same value in every fit": (
        FIT,
        FIT + "        import os\n        os.environ['KIT_STARTED'] = '7'\n",
        BINARY + "leaves global state as it is",
    ),
    "sets an environment variable in every predict": (
        PREDICT,
        PREDICT + "        import os\n        os.environ['KIT_STARTED'] = '7'\n",
        BINARY + "leaves global state as it is",
    ),
    "goes to another folder": (
        FIT,
        FIT + "        import os, tempfile\n        os.chdir(tempfile.gettempdir())\n",
        BINARY + "leaves global state as it is",
    ),
    "silences warnings": (
        FIT,
        FIT + "        import warnings\n        warnings.simplefilter('ignore')\n",
        BINARY + "leaves global state as it is",
    ),
    "silences numpy": (FIT, FIT + "        np.seterr(all='ignore')\n", BINARY + "leaves global state as it is"),
    "sets an option of pandas": (
        FIT,
        FIT + "        import pandas as pd\n        pd.set_option('display.max_rows', 3)\n",
        BINARY + "leaves global state as it is",
    ),
    "sets a parameter of matplotlib": (
        FIT,
        FIT + "        import matplotlib\n        matplotlib.rcParams['figure.dpi'] = 77\n",
        BINARY + "leaves global state as it is",
    ),
    "looks for modules elsewhere": (
        FIT,
        FIT + "        import sys\n        sys.path.insert(0, 'kit')\n",
        BINARY + "leaves global state as it is",
    ),
    "hears a signal": (
        FIT,
        FIT + "        import signal\n        signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n",
        BINARY + "leaves global state as it is",
    ),
    "writes into the current folder": (
        FIT,
        FIT + "        Path('debug.csv').write_text('x')\n",
        BINARY + "leaves global state as it is",
    ),
    "leaves a thread running": (
        FIT,
        FIT + "        import threading, time\n        threading.Thread(target=time.sleep, args=(4,)).start()\n",
        BINARY + "leaves global state as it is",
    ),
    "answers for whatever it cannot read": (
        PREDICT,
        SWALLOWED,
        BINARY + "takes or refuses strange inputs",
    ),
    "takes columns by their place": (
        'list(examples.inputs) != ["x0", "x1", "x2"]',
        'set(examples.inputs) != {"x0", "x1", "x2"}',
        BINARY + "columns go by their names",
    ),
    "forgets the weights": ("None if train.weights is None else train.weights[rows]", "None", BINARY + "takes weights"),
    "ignores the seed": ("(self.context.seed)", "()", BINARY + "same seed, same bytes"),
    "numbers classes as they appear": (
        "rows = train.targets == code",
        "rows = train.targets == [*dict.fromkeys(train.targets.tolist()), -1, -1][code]",
        BINARY + "columns keep the order of classes",
    ),
    "is as wide as the classes it saw": (
        "codes = range(len(self.info.classes))",
        "codes = range(int(train.targets.max()) + 1)",
        BINARY + "a fold that lacks a class",
    ),
    "uses the mean of the rows it predicts": (
        PREDICT,
        PREDICT + "        points = points - points.mean(axis=0)\n",
        BINARY + "a row's prediction is its own",
    ),
    "goes by the place of a row": (
        PREDICT,
        PREDICT + "        points = points + 1e-3 * np.arange(len(points))[:, None]\n",
        BINARY + "the order of rows is nothing",
    ),
    "remembers what it predicted": (
        PREDICT,
        PREDICT + "        self.means = self.means + 1e-3\n",
        BINARY + "predicting twice, same bytes",
    ),
    "rounds what it saves": (
        "json.dumps(self.means.tolist())",
        "json.dumps(self.means.round(3).tolist())",
        BINARY + "save and load",
    ),
    "saves a pickle": (
        '"means.json").write_text(json.dumps(self.means.tolist()))',
        '"means.json").write_text(json.dumps(self.means.tolist())); self.means.dump(directory / "means.npy")',
        BINARY + "no pickle is saved",
    ),
    "imports numpy to be listed": ("import json\n", "import json\nimport numpy\n", "listing it imports nothing heavy"),
    "has parameters that no process can be sent": (
        '    noise: float = param(0.01, "how',
        '    sure: object = param(lambda: None, "a function")\n    noise: float = param(0.01, "how',
        "params: can be pickled",
    ),
    "is better the other way": ('"min", "probabilities"', '"max", "probabilities"', BINARY + "perfect beats random"),
    "weighs rows by their place": (
        "weights=weights))",
        "weights=np.arange(1, len(targets) + 1) if weights is None else weights * np.arange(1, len(targets) + 1)))",
        BINARY + "the order of rows is nothing",
    ),
    "asks a server, and goes on without": (
        FIT,
        FIT + "        import contextlib, urllib.request\n        with contextlib.suppress(OSError):\n"
        "            urllib.request.urlopen('http://example.invalid/weights', timeout=1)\n",
        BINARY + "reaches no network",
    ),
    "goes by the year it is": (
        FIT,
        FIT + "        import datetime\n        points = points * (datetime.date.today().year - 2000)\n",
        BINARY + "the day is nothing",
    ),
    "goes by the hour of the clock": (
        FIT,
        FIT + "        import time\n        points = points + 1e-3 * (time.time() // 1e8)\n",
        BINARY + "the day is nothing",
    ),
    "goes by ids": (
        PREDICT,
        PREDICT + "        points = points + 1e-3 * np.array([[int(one[-2:])] for one in examples.ids])\n",
        BINARY + "ids are only names",
    ),
    "drops rows": (
        "Predictions(examples.ids, likely / likely.sum(axis=1, keepdims=True)",
        "Predictions(examples.ids[1:], (likely / likely.sum(axis=1, keepdims=True))[1:]",
        BINARY + "predictions fit ids, classes and range",
    ),
    "predicts texts": (
        "likely / likely.sum(axis=1, keepdims=True), self",
        "(likely / likely.sum(axis=1, keepdims=True)).astype(str), self",
        BINARY + "predictions fit ids, classes and range",
    ),
    "breaks where there is nothing to learn from": (
        '            raise DataError("kit.means: no rows to learn from")',
        "            raise IndexError(0)",
        BINARY + "takes or refuses no rows to learn from",
    ),
    "leaves the program": (
        PREDICT,
        '        if "x0" not in examples.inputs:\n            raise SystemExit(3)\n' + PREDICT,
        BINARY + "takes or refuses strange inputs",
    ),
    "reads the data otherwise each time": (
        "np.random.default_rng(1)",
        "np.random.default_rng()",
        BINARY + "reading twice, the same data",
    ),
    "takes a folder that is not there": (
        "request.path is not None or ",
        "",
        BINARY + "refuses a folder that is not there",
    ),
}
"""What is wrong: the text that is edited, what it becomes, and the check that must name it."""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return ``installed(source)``: install a plugin ``kit`` of that source, as pip would."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def install(source: str) -> str:
        (tmp_path / "harness_kit.py").write_text(source)
        info = tmp_path / "harness_kit-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harness-kit\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text("[harness]\nkit = harness_kit\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "harness_kit", raising=False)
        monkeypatch.delenv("KIT_STARTED", raising=False)
        return "kit"

    yield install
    sys.modules.pop("harness_kit", None)


def test_the_sound_plugin_passes_hostile_too(installed: Callable[[str], str]) -> None:
    findings = check_plugin(installed(SOUND), hostile=True)
    assert failures(findings) == []
    checks = {found.check for found in findings}
    assert {check for _, _, check in SEEDED.values()} <= checks


@pytest.mark.parametrize("bug", SEEDED)
def test_a_seeded_bug_is_caught_by_the_check_of_its_name(bug: str, installed: Callable[[str], str]) -> None:
    before, after, check = SEEDED[bug]
    assert SOUND.count(before) == 1
    findings = check_plugin(installed(SOUND.replace(before, after)), hostile=True)
    assert check in {found.check for found in findings if found.problem}, failures(findings)
    # what is edited is named, and nothing else
    assert len({found.offer for found in findings if found.problem}) == 1


@pytest.mark.parametrize("bug", ["ignores the seed", "changes what it learns from"])
def test_what_follows_from_a_bug_is_not_told_beside_it(bug: str, installed: Callable[[str], str]) -> None:
    before, after, check = SEEDED[bug]
    findings = check_plugin(installed(SOUND.replace(before, after)), hostile=True)
    kind = check.removeprefix(BINARY)
    assert {found.check.split(": ")[1] for found in findings if found.problem} == {kind}


def test_the_command_does_not_wait_for_threads_that_were_left(installed: Callable[[str], str], tmp_path) -> None:
    before, after, _ = SEEDED["leaves a thread running"]
    installed(SOUND.replace(before, after.replace("(4,)", "(300,)")))
    command = [sys.executable, "-m", "harness", "check-plugin", "kit"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 2
    assert "(sleep) running; wait for it" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("2 failed, 1 skipped")


def test_there_are_more_than_twelve() -> None:
    assert len(SEEDED) >= 12
