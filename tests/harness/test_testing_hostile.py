"""The world in which offers are tried: what reaches out, what the clock shows, what hangs, what a GPU does."""

from __future__ import annotations

import datetime
import locale
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import matplotlib
import numpy as np
import pandas as pd
import pytest

from harness.data import Dataset, DatasetInfo, Examples, Fold, Predictions, TaskType, digest_files
from harness.errors import DataError
from harness.offers import CLASSIFICATION, Adjuster, DatasetSource, Features, Metric, ModelRecipe, Rebalancer, Splitter
from harness.params import NoParams
from harness.testing import (
    check_adjuster,
    check_features,
    check_metric,
    check_model,
    check_rebalancer,
    check_source,
    check_splitter,
    failures,
    hostile,
    predicting,
    state,
)
from harness.testing.state import from_before, settings_now, watched


def failed(findings) -> set[str]:
    return {found.check for found in findings if found.problem}


# network ------------------------------------------------------------------------------------------------------------


def test_another_machine_is_not_reached_and_whoever_tries_is_noted():
    with hostile.blocked_network() as tried:
        with pytest.raises(ConnectionRefusedError, match="the network is blocked"):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with pytest.raises(ConnectionRefusedError):
            socket.gethostbyname("example.invalid")
    assert tried == ["192.0.2.1", "example.invalid"]


def test_this_machine_may_be_reached_and_afterwards_all_is_as_before():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with hostile.blocked_network() as tried, socket.create_connection(server.getsockname()):
            pass
        assert tried == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.connect(("192.0.2.1", 9))  # sends nothing
    assert tried == []


# clock --------------------------------------------------------------------------------------------------------------


def test_the_clock_shows_another_day_by_whatever_name(monkeypatch):
    taken = ModuleType("harness_kit")
    taken.now, taken.Date = time.time, datetime.date
    monkeypatch.setitem(sys.modules, "harness_kit", taken)
    before = datetime.date.today()
    with hostile.another_day("kit"):
        years = {
            time.localtime().tm_year,
            time.gmtime(time.time()).tm_year,
            time.gmtime(taken.now()).tm_year,
            int(time.strftime("%Y")),
            int(time.ctime()[-4:]),
            datetime.datetime.now().year,
            datetime.datetime.now(datetime.UTC).year,
            taken.Date.today().year,
        }
        assert isinstance(before, datetime.date)
        assert datetime.datetime.fromisoformat("2001-02-03").year == 2001
        assert time.localtime(0).tm_year in (1969, 1970)
    assert years <= {before.year + 20, before.year + 21}
    assert taken.now is time.time
    assert datetime.date.today() - before <= datetime.timedelta(days=1)


# time, and what is raised -------------------------------------------------------------------------------------------


def test_what_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(hostile, "LIMIT", 0.05)
    found = hostile.check_refusal("a.b", "waits", lambda: threading.Event().wait(30))
    assert "took longer than 0.05 s" in found.problem


def refuse():
    raise DataError("no rows")


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: None, ""),
        (refuse, ""),
        (lambda: [][0], "raised IndexError: list index out of range; expected a HarnessError"),
        (lambda: sys.exit(3), "raised SystemExit: 3; expected a HarnessError"),
        (lambda: np.mean(np.empty(0)), "raised RuntimeWarning: Mean of empty slice"),
    ],
)
def test_bad_input_is_taken_or_refused(call, problem):
    assert hostile.check_refusal("a.b", "bad input", call).problem.startswith(problem)
    assert bool(hostile.check_refusal("a.b", "bad input", call).problem) == bool(problem)


# state of the process -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda: None, ""),
        (lambda: np.random.seed(0), "numpy.random"),
        (lambda: random.seed(0), "the state of random"),
        (lambda: random.random(), "the state of random"),
        (lambda: np.seterr(divide="ignore"), "error handling"),
        (lambda: os.environ.update(KIT_SET="1"), "os.environ"),
        (lambda: os.chdir("/"), "the working folder"),
    ],
)
def test_a_change_of_the_state_of_the_process_is_named(change, named, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIT_SET", "0")
    with np.errstate(all="warn"), watched() as told:
        change()
    assert [named in line for line in told] == ([True] if named else [])


def test_the_same_seed_a_second_time_is_seen_too_and_generators_are_put_back():
    np.random.seed(0)
    numpys, own = np.random.get_state()[1].tolist(), random.getstate()
    with watched() as told:
        np.random.seed(0)
    assert len(told) == 1
    assert (np.random.get_state()[1].tolist(), random.getstate()) == (numpys, own)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda: os.environ.update(KIT_SET="7"), "os.environ"),
        (lambda: os.chdir(tempfile.gettempdir()), "the working folder"),
        (lambda: warnings.simplefilter("ignore"), "the filters of warnings"),
        (lambda: np.seterr(all="ignore"), "numpy's error handling"),
        (lambda: pd.set_option("display.max_rows", 3), "pandas' options"),
        (lambda: matplotlib.rcParams.update({"figure.dpi": 77}), "matplotlib's rcParams"),
        (lambda: sys.path.insert(0, "kit"), "sys.path"),
        (lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN), "the handlers of signals"),
        (lambda: locale.setlocale(locale.LC_NUMERIC, "C.UTF-8"), "the locale"),
        (lambda: Path("kit.csv").write_text("x"), "wrote kit.csv into the working folder"),
        (lambda: threading.Thread(target=time.sleep, args=(2,), name="kit").start(), "left the thread kit running"),
    ],
)
def test_what_every_call_sets_is_seen_though_the_first_has_set_it_already_and_is_put_back(
    change, named, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(state, "PATIENCE", 0.1)

    @from_before
    def check():
        change()
        with watched() as told:
            change()
        yield told

    before = settings_now()
    (told,) = check()
    assert [named in line for line in told] == [True]
    assert settings_now() == before


@pytest.mark.parametrize("known", [True, False])
def test_what_torch_shares_is_put_back_even_where_the_first_call_imports_it(known, monkeypatch):
    torch = pytest.importorskip("torch")
    if not known:
        monkeypatch.delitem(sys.modules, "torch")

    @from_before
    def check():
        monkeypatch.setitem(sys.modules, "torch", torch)
        torch.set_default_dtype(torch.float64)
        with watched() as told:
            torch.set_default_dtype(torch.float64)
        yield told

    try:
        (told,) = check()
        assert ["torch's default dtype" in line for line in told] == [True]
        assert torch.get_default_dtype() == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_what_the_first_call_imports_and_sets_for_good_is_no_change_of_the_second(monkeypatch):
    done = []

    @from_before
    def check():
        def call():
            if not done:
                done.append(True)
                monkeypatch.setenv("KIT_SET", "1")
                warnings.simplefilter("ignore")

        call()
        with watched() as told:
            assert "KIT_SET" not in os.environ
            call()
        yield told

    with warnings.catch_warnings():
        assert list(check()) == [[]]
        assert os.environ["KIT_SET"] == "1"


def test_a_thread_that_ends_soon_or_keeps_nobody_waiting_is_none_left():
    with watched() as told:
        threading.Thread(target=time.sleep, args=(0.05,)).start()
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
    assert told == []


# offers that fail one hostile check ---------------------------------------------------------------------------------


def year() -> float:
    return float(time.gmtime(time.time()).tm_year)


def look_up() -> None:
    try:
        socket.getaddrinfo("example.invalid", 80)
    except OSError:
        return


def score(targets, values, weights, meta):
    return float(np.average(1 - values[np.arange(len(targets)), targets], weights=weights))


METRIC = Metric("kit.error", "mean error", "min", "probabilities", CLASSIFICATION, score)


def test_metrics_without_a_network_on_another_day():
    assert failed(check_metric(METRIC, hostile=True)) == set()
    yearly = replace(METRIC, score=lambda *given: score(*given) * year())
    assert failed(check_metric(yearly, hostile=True)) == {f"{task}: the day is nothing" for task in CLASSIFICATION}
    asks = replace(METRIC, score=lambda *given: (look_up(), score(*given))[1])
    assert failed(check_metric(asks, hostile=True)) == {f"{task}: reaches no network" for task in CLASSIFICATION}
    whole = replace(METRIC, score=lambda targets, *rest: score(targets, *rest) if targets.any() else 1 // 0)
    assert failed(check_metric(whole)) == {"binary: rows that lack a class"}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda rows: rows, ""),
        (lambda rows: (rows + int(year())) % 90, "the day is nothing"),
        (lambda rows: (look_up(), rows)[1], "reaches no network"),
        (lambda rows: (rows[0], rows)[1], "takes or refuses no rows"),
        (
            lambda rows: (rows[1:].min(initial=9 // len(rows[1:]) if len(rows) else 0), rows)[1],
            "takes or refuses a single row",
        ),
    ],
)
def test_splitters_in_a_hostile_world(change, check):
    def split(params, examples, info):
        rows, every = examples.scored_rows(), np.arange(len(examples))
        change(rows)
        code = change(np.arange(90)) // 30
        for index in range(3):
            valid = rows[np.isin(rows % 3, code[index * 30])]
            yield Fold(index, np.setdiff1d(every, valid), valid)

    found = failed(check_splitter(Splitter("kit.third", "every third", NoParams, split), hostile=True))
    assert found == ({check} if check else set())


class Shifted:
    """Moves the probabilities by nothing, unless `fault` says otherwise."""

    notes: list[str]

    def __init__(self, fault):
        self.fault, self.notes = fault, []

    def fit(self, oof):
        self.first = oof.values[0] if self.fault == "learns from a row" else None

    def apply(self, values, reference, meta=None):
        if self.fault == "asks":
            look_up()
        power = year() / 2000 if self.fault == "yearly" else 1.0
        moved = values**power if self.fault == "yearly" else values.copy()
        if self.fault == "needs a row":
            moved[0]
        return moved / moved.sum(axis=1, keepdims=True) if self.fault == "yearly" else moved

    def decide(self, values):
        return None

    def state(self):
        return {}

    def restore(self, state):
        return None


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("", ""),
        ("yearly", "the day is nothing"),
        ("asks", "reaches no network"),
        ("learns from a row", "takes or refuses no rows to learn from"),
        ("needs a row", "takes or refuses no rows to adjust"),
    ],
)
def test_adjusters_in_a_hostile_world(fault, check):
    offer = Adjuster("kit.shift", "shifts", frozenset({TaskType.BINARY}), NoParams, lambda params, info: Shifted(fault))
    assert failed(check_adjuster(offer, hostile=True)) == ({f"binary: {check}"} if check else set())


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda rows: 0, ""),
        (lambda rows: int(year()) % 7, "the day is nothing"),
        (lambda rows: look_up() or 0, "reaches no network"),
        (lambda rows: 0 * (1 // len(rows)), "takes or refuses no rows"),
        (
            lambda rows: 0 * (1 // (len(set(rows.targets)) - 1) if len(rows) else 0),
            "takes or refuses rows of one class",
        ),
    ],
)
def test_rebalancers_in_a_hostile_world(change, check):
    def rebalance(params, examples, info, seed):
        return examples.take(np.arange(change(examples), len(examples)))

    found = failed(check_rebalancer(Rebalancer("kit.all", "all rows", NoParams, rebalance), hostile=True))
    assert found == ({f"{task}: {check}" for task in ("binary", "multiclass")} if check else set())


class Numbers:
    """The numbers of a table; `change` sees what is transformed."""

    def __init__(self, change):
        self.change = change

    def fit_transform(self, inputs, targets):
        return self.transform(inputs)

    def transform(self, inputs):
        if not hasattr(inputs, "columns") or "x0" not in inputs:
            raise DataError("takes tables with x0")
        return inputs[["x0"]] * self.change(inputs)

    def save(self, directory):
        (directory / "none.json").write_text("{}")

    def load(self, directory):
        return None


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda inputs: 1.0, ""),
        (lambda inputs: year(), "the day is nothing"),
        (lambda inputs: look_up() or 1.0, "reaches no network"),
        (lambda inputs: 1.0 + 0 * (1 // len(inputs)), "takes or refuses no rows to transform"),
        (lambda inputs: inputs["x0"].to_numpy()[::-1, None], "the order of rows is nothing"),
    ],
)
def test_features_in_a_hostile_world(change, check):
    offer = Features("kit.numbers", "numbers", NoParams, lambda params, info, context: Numbers(change))
    if check == "the order of rows is nothing":
        offer = replace(offer, build=lambda params, info, context: Ranked())
    found = failed(check_features(offer, hostile=True))
    assert found == ({f"{task}: {check}" for task in ("binary", "regression")} if check else set())


class Ranked(Numbers):
    """A row's place in the table: not its own."""

    def __init__(self):
        super().__init__(lambda inputs: 1.0)

    def transform(self, inputs):
        return super().transform(inputs).assign(place=np.arange(len(inputs)))


# sources ------------------------------------------------------------------------------------------------------------


def rows(n: int, targets=None) -> Examples:
    ids = np.array([str(row) for row in range(n)], dtype=object)
    return Examples(ids, np.arange(n * 2.0).reshape(n, 2), targets)


def source(change=lambda data: data) -> DatasetSource:
    def load(params, request):
        if request.path is not None or request.task_type is not TaskType.MULTICLASS:
            raise DataError("there is the sample only")
        info = DatasetInfo("kit", TaskType.MULTICLASS, ("ash", "beech", "cedar"))
        return change(Dataset(info, rows(9, np.arange(9) % 3), None, rows(4), digest="0" * 64))

    return DatasetSource("kit.rows", "rows", NoParams, load)


def relabelled(data: Dataset, targets) -> Dataset:
    return replace(data, train=replace(data.train, targets=targets))


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda data: data, ""),
        (lambda data: relabelled(data, np.arange(9.0) % 3), "targets fit the task"),
        (lambda data: relabelled(data, np.arange(9) % 4), "targets fit the task"),
        (lambda data: relabelled(data, None), "targets fit the task"),
        (lambda data: replace(data, train=replace(data.train, ids=np.arange(9))), "ids are unique texts"),
        (lambda data: replace(data, test=data.test.take(np.array([0, 0]))), "ids are unique texts"),
        (lambda data: replace(data, test=rows(4, np.arange(4) % 3)), "no labels in the test part"),
        (lambda data: replace(data, digest="new"), "the digest is a SHA-256"),
        (
            lambda data: relabelled(data, np.random.default_rng().permutation(300)[:9] % 3),
            "reading twice, the same data",
        ),
        (lambda data: np.random.seed(0) or data, "leaves global state as it is"),
        (lambda data: 3, "load"),
    ],
)
def test_a_faulty_source_fails_the_check_of_that_name(change, check):
    assert failed(check_source(source(change))) == ({f"multiclass: {check}"} if check else set())


def test_a_source_that_ships_nothing_is_skipped_and_one_that_dates_its_rows_is_caught():
    *_, last = check_source(replace(source(), load=lambda params, request: refuse()))
    assert last.check == "skipped: load: no rows"
    yearly = source(lambda data: replace(data, digest=f"{int(year()):064x}"))
    assert failed(check_source(yearly, hostile=True)) == {"multiclass: the day is nothing"}
    assert failed(check_source(source(lambda data: look_up() or data), hostile=True)) == {
        "multiclass: reaches no network"
    }


@pytest.mark.parametrize("alone", [True, False])
def test_a_digest_that_does_not_follow_the_files_is_caught(tmp_path, monkeypatch, alone):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train.csv").write_text("x\n" + "1\n" * 9)
    (tmp_path / "rows" / "about.txt").write_text("3 facts")
    monkeypatch.chdir(tmp_path)
    given = Path("rows/train.csv" if alone else "rows")

    def reads(digest):
        def load(params, request):
            file = None if request.path is None else request.path if alone else request.path / "train.csv"
            if file is None or not file.is_file() or request.task_type is not TaskType.REGRESSION:
                raise DataError("a table of a regression only")
            if not file.stat().st_size:
                raise DataError("an empty table")
            values = pd.read_csv(file)["x"].to_numpy(dtype=float)
            info = DatasetInfo("kit", TaskType.REGRESSION)
            return Dataset(info, rows(9, values), None, rows(4), digest=digest(file))

        return DatasetSource("kit.table", "a table", NoParams, load)

    assert failed(check_source(reads(lambda file: digest_files([file])), path=given, hostile=True)) == set()
    (told,) = failures(check_source(reads(lambda file: "0" * 64), path=given, hostile=True))
    assert told.startswith("kit.table: regression: the digest follows the files: train.csv has another number")
    assert "train: other rows, though the digest is the same; use harness.data.digest_files" in told


# a GPU --------------------------------------------------------------------------------------------------------------


class OnDevice:
    """Class shares; on a GPU off by `shift`."""

    def __init__(self, info, context, shift):
        self.info, self.shift = info, shift if context.device == "cuda" else 0.0

    def fit(self, train, inner, log):
        self.shares = np.bincount(train.targets, train.weights, len(self.info.classes)) / len(train)

    def predict(self, examples):
        values = np.tile(self.shares / self.shares.sum(), (len(examples), 1))
        values[:, 0] -= self.shift
        values[:, 1] += self.shift
        return Predictions(examples.ids, values, self.info.outputs)

    def save(self, directory):
        np.save(directory / "shares.npy", self.shares)

    def load(self, directory):
        self.shares = np.load(directory / "shares.npy")


@pytest.mark.parametrize(("shift", "wrong"), [(1e-4, set()), (0.01, {"binary: predicts alike on a GPU"})])
def test_where_there_is_a_gpu_a_model_must_predict_alike_on_it(shift, wrong, monkeypatch):
    tasks = frozenset({TaskType.BINARY})
    build = lambda params, info, context: OnDevice(info, context, shift)  # noqa: E731
    recipe = ModelRecipe("kit.shares", "shares", tasks, NoParams, build)
    monkeypatch.setattr(predicting, "count_gpus", lambda: 1)
    findings = list(check_model(recipe))
    assert "binary: predicts alike on a GPU" in {found.check for found in findings}
    assert failed(findings) == wrong
    monkeypatch.setattr(predicting, "count_gpus", lambda: 0)
    assert failed(check_model(recipe)) == set()
