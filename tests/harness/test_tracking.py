"""What MLflow holds after the events of a run; what a person sees; what happens when MLflow fails."""

import json
import math
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.competition import Competition, DataSpec, Evaluate, Strategy, Use
from harness.data import Dataset, DatasetInfo, Examples, Predictions, TaskType
from harness.errors import ConfigError, StoreError
from harness.results import FoldResult, Run, RunResult, Score, Scored, Status
from harness.tracking import Tracker, entries_from_tracking, experiment_id_of, resolve_uri, ui_command, ui_url
from harness.tracking.about import About
from harness.tracking.content import entity, flatten, run_metrics, run_params
from harness.tracking.note import LIMIT, board_note
from harness.tracking.server import open_client
from harness.tracking.stored import read_finished
from harness.tracking.view import VIEW_TAG, unpack_view, view_state, view_tag
from harness.tracking.worker import Worker

# MLflow and its dependencies warn of their own deprecations while they are imported and used
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DIRECTIONS = {"log_loss": "min", "f1": "max"}


@pytest.fixture
def workspace(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def warned() -> list[str]:
    return []


def examples(n: int) -> Examples:
    return Examples(np.array([f"r{i}" for i in range(n)], dtype=object), list(range(n)), np.zeros(n, dtype=np.int64))


def dataset(**facts: Any) -> Dataset:
    info = DatasetInfo("credit", TaskType.BINARY, ("no", "yes"), variant="sample", **facts)
    return Dataset(info, examples(8), test=examples(3), digest="ab" * 32)


def competition(home: Path, on: str = "oof") -> Competition:
    strategies = (Strategy("smote", Use("m")), Strategy("none", Use("m")))
    split, data = Use("stratified"), DataSpec("table")
    return Competition(
        "credit", home, "Credit", TaskType.BINARY, tuple(DIRECTIONS), data, split, strategies, evaluate=Evaluate(on)
    )


def make_run(workspace: Path, name: str = "smote", seed: int | None = 0) -> Run:
    identity = {
        "features": None,
        "model": {"use": "imbalance.catboost", "depth": 6},
        "rebalancer": {"use": "imbalance.smote", "factor": 5.0},
        "adjusters": [{"use": "temperature"}, {"use": "threshold", "metric": "f1"}],
        "split": {"use": "stratified", "folds": 2},
        "data": {"digest": "ab" * 32, "source": "table"},
        "versions": {"harness": "0.1.0", "imbalance": "0.2.0"},
        "seed": seed,
        "device": "cpu",
        "threads": 1,
    }
    facts = {"git": {"commit": "c" * 40, "dirty": True}}
    directory = workspace / "runs" / "credit" / f"{name}-s{seed}"
    return Run("credit", name, seed, f"{name}-s{seed}-key", directory, identity, name, facts)


def make_fold(index: int, **facts: Any) -> FoldResult:
    counts = {"no": 3.0, "yes": 1.0}
    return FoldResult(
        index, 4, 4, {"log_loss": 0.5 + index / 10}, counts, {"no": 1.0, "yes": 1.0}, 1.5, 2_000_000, "cpu", 1, **facts
    )


def make_result(run: Run, log_loss: float = 0.5, **facts: Any) -> RunResult:
    values = Predictions(examples(8).ids, np.full((8, 2), 0.5), ("no", "yes"))
    oof = Scored(np.zeros(8, dtype=np.int64), values, None, None, np.zeros(8, dtype=np.int64))
    scores = {"log_loss": Score(log_loss, 0.55, 0.05, valid=0.7), "f1": Score(0.8, 0.8, math.nan)}
    folds = (make_fold(0), make_fold(1))
    return RunResult(run, Status.DONE, scores, folds, oof, None, None, seconds=3.0, **facts)


def entry(name: str, log_loss: float | None, **facts: Any) -> dict[str, Any]:
    scores = (
        {} if log_loss is None else {"log_loss": {"oof": log_loss, "valid": None, "mean": log_loss, "stderr": 0.01}}
    )
    return {
        "name": name,
        "seed": 0,
        "run_id": f"{name}-s0-key",
        "status": "done",
        "scores": scores,
        "seconds": 3,
        **facts,
    }


def tracker(workspace: Path, warned: list[str], uri: str | None = None, **facts: Any) -> Tracker:
    uri = resolve_uri(uri, workspace)
    about = competition(workspace), dataset(**facts)
    return Tracker(uri, *about, workspace=workspace, directions=DIRECTIONS, warn=warned.append)


def about(home: Path, data: Dataset | None = None) -> About:
    return About.of(competition(home), data or dataset(), DIRECTIONS)


def play(tracker: Tracker, run: Run, *, folds: int = 2, result: RunResult | None = None) -> None:
    tracker.harness_run_started(run=run)
    for fold in range(folds):
        tracker.harness_fold_started(run=run, fold=fold)
        for step in range(3):
            tracker.harness_epoch_logged(run=run, fold=fold, step=step, metrics={"loss": 1 / (step + 1)})
        tracker.harness_fold_scored(run=run, fold=make_fold(fold))
    if result is not None:
        finish(tracker, run, result)


def finish(tracker: Tracker, run: Run, result: RunResult) -> None:
    store(run, result)
    tracker.harness_run_finished(run=run, result=result)


def store(run: Run, result: RunResult) -> None:
    """Write what the tracker reads of a finished run."""
    folds = [{**asdict(fold), "epochs": []} for fold in result.folds]
    scores = {name: asdict(score) for name, score in result.scores.items()}
    scores = {
        name: {key: None if value != value else value for key, value in score.items()} for name, score in scores.items()
    }
    record = {"scores": scores, "folds": folds, "marks": list(result.marks), "seconds": result.seconds}
    stored = run.directory / "result.json"
    known = json.loads(stored.read_text()) if stored.exists() else {}
    run.directory.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps({**record, **known}))


def runs_of(workspace: Path, text: str = "") -> list[Any]:
    uri = resolve_uri(None, workspace)
    found = open_client(uri).search_runs([experiment_id_of(uri, "credit")], text)
    return sorted(found, key=lambda run: (run.info.start_time, run.data.tags.get("fold", "")))


def history(workspace: Path, run: Any, name: str) -> list[tuple[int, float]]:
    points = open_client(resolve_uri(None, workspace)).get_metric_history(run.info.run_id, name)
    return sorted((point.step, point.value) for point in points)


def store_result(run: Run) -> None:
    (run.directory / "figures").mkdir(parents=True)
    (run.directory / "figures" / "reliability.png").write_bytes(b"png")
    (run.directory / "oof.parquet").write_bytes(b"parquet")
    (run.directory / "submission.csv").write_text("id\n")
    (run.directory / "result.json").write_text(json.dumps({"fold_scores": {"log_loss": [0.4, 0.6]}}))


def test_a_run_is_a_parent_with_a_child_for_each_fold(workspace: Path, warned: list[str]) -> None:
    run = make_run(workspace)
    store_result(run)
    with_files = make_result(run, submission=run.directory / "submission.csv", marks=("sees test inputs",))
    listener = tracker(workspace, warned)
    play(listener, run, result=with_files)
    listener.close()

    assert warned == []
    [parent] = runs_of(workspace, "tags.level = 'run'")
    children = runs_of(workspace, "tags.level = 'fold'")
    assert parent.info.run_name == "smote"
    assert [child.info.run_name for child in children] == ["fold 0", "fold 1"]
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert {item.info.status for item in (parent, *children)} == {"FINISHED"}
    assert all(item.info.end_time >= item.info.start_time for item in (parent, *children))

    metrics = parent.data.metrics
    assert (metrics["oof_log_loss"], metrics["valid_log_loss"], metrics["fold_mean_log_loss"]) == (0.5, 0.7, 0.55)
    assert (metrics["fold_stderr_log_loss"], metrics["seconds"], metrics["peak_memory_mb"]) == (0.05, 3.0, 2.0)
    assert "fold_stderr_f1" not in metrics  # NaN is no score
    assert history(workspace, parent, "fold_log_loss") == [(0, 0.4), (1, 0.6)]
    assert history(workspace, parent, "raw_fold_log_loss") == [(0, 0.5), (1, 0.6)]
    assert history(workspace, children[0], "epoch/loss") == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert children[0].data.metrics["rows_before/no"] == 3.0

    params = parent.data.params
    assert (params["model"], params["model.depth"], params["rebalancer.factor"]) == ("imbalance.catboost", "6", "5.0")
    assert (params["features"], params["adjuster"], params["adjuster2.metric"]) == ("none", "temperature", "f1")
    tags = parent.data.tags
    assert (tags["primary_metric"], tags["direction"], tags["marks"]) == ("log_loss", "min", "sees test inputs")
    assert (tags["git.dirty"], tags["mlflow.source.git.commit"]) == ("True", "c" * 40)
    assert (tags["data_variant"], tags["data_digest"], tags["versions.imbalance"]) == ("sample", "ab" * 32, "0.2.0")
    for item in (parent,):  # the table's dataset column reads the inputs of the parent
        [given_data] = item.inputs.dataset_inputs
        assert (given_data.dataset.name, given_data.dataset.digest) == ("credit (sample)", "ab" * 6)

    folder = workspace / "mlartifacts" / "credit" / parent.info.run_id / "artifacts"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"oof.parquet", "submission.csv", "figures/reliability.png"}


def test_the_same_command_again_doubles_nothing(workspace: Path, warned: list[str]) -> None:
    run = make_run(workspace)
    for _ in range(2):
        listener = tracker(workspace, warned)
        listener.harness_run_started(run=run)
        for fold in range(2):
            listener.harness_fold_scored(
                run=run, fold=make_fold(fold, epochs=({"step": 0, "loss": 0.5},), resumed=True)
            )
        finish(listener, run, make_result(run))
        listener.close()
        ended = [(item.info.run_id, item.info.end_time) for item in runs_of(workspace)]
        if _ == 0:
            first = ended
    assert warned == []
    assert ended == first
    assert len(ended) == 3
    [parent] = runs_of(workspace, "tags.level = 'run'")
    assert history(workspace, parent, "oof_log_loss") == [(0, 0.5)]
    [child, _] = runs_of(workspace, "tags.level = 'fold'")
    assert history(workspace, child, "epoch/loss") == [(0, 0.5)]


def test_a_killed_run_goes_on_in_the_same_mlflow_run(workspace: Path, warned: list[str]) -> None:
    run = make_run(workspace)
    killed = tracker(workspace, warned)
    killed.harness_run_started(run=run)
    killed.harness_fold_started(run=run, fold=0)
    killed.harness_epoch_logged(run=run, fold=0, step=0, metrics={"loss": 1.0})
    killed.close()
    before = runs_of(workspace)
    assert {item.info.status for item in before} == {"KILLED"}

    listener = tracker(workspace, warned)
    play(listener, run, result=make_result(run))
    listener.close()
    assert warned == []
    after = runs_of(workspace)
    assert {item.info.run_id for item in before} < {item.info.run_id for item in after}
    assert {item.info.status for item in after} == {"FINISHED"}
    [child, _] = runs_of(workspace, "tags.level = 'fold'")
    assert history(workspace, child, "epoch/loss") == [(0, 1.0), (1, 0.5), (2, 1 / 3)]


def test_ids_of_another_server_or_of_a_deleted_run_are_not_used(workspace: Path, warned: list[str]) -> None:
    run = make_run(workspace)
    for ids in ({"uri": "http://elsewhere", "experiment": "1", "parent": "x"}, "damaged"):
        run.directory.mkdir(parents=True, exist_ok=True)
        (run.directory / "tracking.json").write_text(json.dumps(ids) if isinstance(ids, dict) else ids)
        listener = tracker(workspace, warned)
        play(listener, run, folds=0, result=make_result(run))
        listener.close()
    client = open_client(resolve_uri(None, workspace))
    for item in runs_of(workspace):
        client.delete_run(item.info.run_id)
    listener = tracker(workspace, warned)
    play(listener, run, folds=1, result=make_result(run))
    listener.close()
    assert warned == []
    assert [item.info.status for item in runs_of(workspace)] == ["FINISHED", "FINISHED"]


@pytest.mark.parametrize(
    ("message", "status"), [("DataError: too few rows", "FAILED"), ("interrupted", "KILLED")], ids=["failed", "killed"]
)
def test_a_run_without_a_result_says_so(workspace: Path, warned: list[str], message: str, status: str) -> None:
    run = make_run(workspace)
    listener = tracker(workspace, warned)
    listener.harness_run_started(run=run)
    listener.harness_fold_started(run=run, fold=0)
    listener.harness_run_failed(run=run, message=message)
    listener.close()
    assert [item.info.status for item in runs_of(workspace)] == [status, status]
    [parent] = runs_of(workspace, "tags.level = 'run'")
    assert parent.data.tags["error"] == message


def test_the_board_is_the_experiments_description_and_saved_view(workspace: Path, warned: list[str]) -> None:
    run, other, base = make_run(workspace), make_run(workspace, seed=1), make_run(workspace, "prior")
    listener = tracker(workspace, warned)
    for item in (run, other, base):
        play(listener, item, folds=0, result=make_result(item))
    figure = workspace / "board.png"
    figure.write_bytes(b"png")
    entries = [
        {"rank": 1, **entry("smote", 0.4)},
        {"rank": 2, **entry("smote", 0.45), "seed": 1, "run_id": "smote-s1-key"},
        {"rank": 3, **entry("prior", 0.6, baseline=True)},
    ]
    for _ in range(2):
        listener.harness_board_updated(competition=competition(workspace), board={"entries": entries}, figures=[figure])
    listener.close()

    assert warned == []
    uri = resolve_uri(None, workspace)
    assert listener.experiment_id == experiment_id_of(uri, "credit")
    tags = open_client(uri).get_experiment_by_name("credit").tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert tags["mlflow.experiment.primaryMetric.name"] == "oof_log_loss"
    assert tags["mlflow.note.content"].startswith("**Best: smote** with log_loss **0.4000** (oof); the baseline prior")
    state = unpack_view(tags[VIEW_TAG])
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`oof_log_loss`", True)
    parents = runs_of(workspace, "tags.level = 'run'")
    assert {(item.info.run_name, item.data.tags["rank"]) for item in parents} == {
        ("smote, seed 0", "1"),
        ("smote, seed 1", "2"),
        ("prior", "3"),
    }
    [board] = runs_of(workspace, "tags.level = 'board'")
    assert (workspace / "mlartifacts" / "credit" / board.info.run_id / "artifacts" / "board.png").is_file()


def test_a_server_is_read_back_as_leaderboard_lines(workspace: Path, warned: list[str]) -> None:
    listener = tracker(workspace, warned)
    run, mean = make_run(workspace), replace(make_run(workspace, seed=None), identity={"mean_of": ["a", "b"]})
    play(listener, run, folds=0, result=make_result(run, marks=("fast",)))
    play(listener, mean, folds=0, result=make_result(mean, 0.45))
    listener.close()
    # both may have begun in the same millisecond
    lines = entries_from_tracking(resolve_uri(None, workspace), "credit")
    first, second = sorted(lines, key=lambda line: line["seed"] is None)
    assert first["scores"]["log_loss"] == {"oof": 0.5, "valid": 0.7, "mean": 0.55, "stderr": 0.05}
    assert first["scores"]["f1"] == {"oof": 0.8, "valid": None, "mean": 0.8, "stderr": None}
    del first["scores"]
    assert first == {
        "name": "smote",
        "strategy": "smote",
        "seed": 0,
        "run_id": "smote-s0-key",
        "status": "done",
        "seconds": 3.0,
        "submission": None,
        "public_score": None,
        "baseline": False,
        "marks": ["fast"],
        "board": "",
        "setting": {"depth": "6"},
    }
    assert second["seed"] is None


def test_what_cannot_be_read_back_is_told_in_one_line(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has no experiment 'credit'; run: harness run credit"):
        entries_from_tracking(resolve_uri(None, workspace), "credit")
    with pytest.raises(StoreError, match=r"no tracking database .*absent\.db"):
        entries_from_tracking(f"sqlite:///{tmp_path}/absent.db", "credit")
    assert not (tmp_path / "absent.db").exists()
    (tmp_path / "broken.db").write_text("not a database, but long enough to be looked at " * 50)
    with pytest.raises(StoreError, match="cannot read MLflow") as caught:
        entries_from_tracking(f"sqlite:///{tmp_path}/broken.db", "credit")
    assert "\n" not in str(caught.value)


def test_a_failure_of_mlflow_is_told_once_and_stops_nothing(
    tmp_path: Path, warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.tracking.worker.GRACE", 0.0)
    (tmp_path / "broken.db").write_text("not a database, but long enough to be looked at " * 50)
    listener = tracker(tmp_path, warned, f"sqlite:///{tmp_path}/broken.db")
    for name in ("smote", "none"):
        run = make_run(tmp_path, name)
        play(listener, run, result=make_result(run))
    listener.close()
    [line] = warned
    assert line.startswith(f"MLflow at sqlite:///{tmp_path}/broken.db: ")
    [journal] = (tmp_path / "spool").glob("*.jsonl")
    assert line.endswith(f"; 24 events of this command wait in {journal}; deliver: harness sync")
    assert "\n" not in line


def test_a_worker_tries_again_after_a_failure_and_ends_when_all_is_done() -> None:
    calls: list[bool] = []

    def work(closing: bool) -> bool:
        calls.append(closing)
        if len(calls) < 3:
            raise ZeroDivisionError
        return closing

    worker = Worker(work, pause=0.01, pauses=(0.01,))
    worker.start()
    while len(calls) < 4:
        worker.wake()
    assert worker.error is None
    assert worker.close(10)
    assert calls[-1]


def test_a_worker_that_fails_to_the_end_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tracking.worker.GRACE", 0.0)

    def work(closing: bool) -> bool:
        raise ValueError("away")

    worker = Worker(work, pause=60, pauses=(0.01, 60))
    worker.start()
    assert worker.close(10)
    assert repr(worker.error) == "ValueError('away')"


def test_a_server_that_does_not_answer_holds_up_the_end_for_a_moment_only(
    workspace: Path, warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr("harness.tracking.recorder.Experiment.open", lambda *_: release.wait(30))
    listener = tracker(workspace, warned)
    listener.harness_run_started(run=make_run(workspace))
    listener.close(timeout=0.2)
    release.set()
    assert listener._worker.close(30)
    [journal] = (workspace / "spool").glob("*.jsonl")
    told = f"no answer within 0 s; 1 event of this command waits in {journal}; deliver: harness sync"
    assert warned == [f"MLflow at {listener.uri}: {told}"]


def test_the_uri_is_the_option_then_the_environment_then_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_uri(None, tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    assert resolve_uri(None, tmp_path) == "http://team:5000"
    assert resolve_uri("postgresql+psycopg://db/mlflow", tmp_path) == "postgresql+psycopg://db/mlflow"
    with pytest.raises(ConfigError, match=r"--tracking-uri is './mlruns'; expected a database or a server"):
        resolve_uri("./mlruns", tmp_path)


def test_the_ui_is_served_on_the_loopback_interface(tmp_path: Path) -> None:
    command = ui_command(f"sqlite:///{tmp_path}/mlflow.db", port=5007)
    assert command[:6] == [sys.executable, "-W", "ignore", "-m", "mlflow", "server"]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--artifacts-destination") + 1] == (tmp_path / "mlartifacts").as_uri()
    assert ui_url("h", 1, "7", charts=True, base="http://team/") == (
        "http://team/#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=leaderboard"
        "&compareRunsMode=CHART"
    )


def test_the_view_shows_the_ranked_score_first_and_hides_folds() -> None:
    state = view_state(("log_loss", "f1"), "valid", True, has_valid=True, params=("rebalancer",))
    assert state["selectedColumns"] == [
        "tags.`rank`",
        "metrics.`valid_log_loss`",
        "metrics.`fold_stderr_log_loss`",
        "metrics.`oof_log_loss`",
        "metrics.`valid_f1`",
        "params.`rebalancer`",
        "metrics.`seconds`",
        "tags.`marks`",
        "attributes.`Dataset`",
    ]
    assert state["searchFilter"] == "tags.level = 'run'"
    first = state["compareRunCharts"][0]
    assert (first["type"], first["metricKey"]) == ("BAR", "valid_log_loss")
    assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(state["compareRunCharts"])
    assert len(view_tag(state, "Leaderboard", 0)) < 5000
    assert unpack_view(view_tag(state, "Leaderboard", 0)) == state


def test_the_note_marks_the_baseline_simulated_data_and_what_does_not_fit(tmp_path: Path) -> None:
    entries = [{"rank": n, **entry(f"a|b{n}" + "x" * 100, n / 100)} for n in range(1, 60)]
    entries += [{"rank": 60, **entry("prior", 0.7, baseline=True, flags=["fast"])}]
    data = dataset(simulated=True, notes=("Every tenth row is held out.",))
    note = board_note(about(tmp_path, data), entries)
    assert len(note) <= LIMIT
    assert "| 1 | a\\|b1" in note
    shown = note.count("\n| ") - 1
    assert f"... and {60 - shown} more runs." in note
    assert "simulated" in note
    assert "- Every tenth row is held out." in note
    short = board_note(about(tmp_path, data), entries[-1:])
    assert "| 60 | *prior*&nbsp;&nbsp; | 0.7000 | 0.0100 | - | 3 | baseline, fast |" in short


def test_the_note_says_what_is_tied_with_the_best(tmp_path: Path) -> None:
    tie = {"tied": True, "difference": 0.01, "stderr": 0.02, "p": 0.6, "best": 0.3, "ranks": [1, 2]}
    entries = [{"rank": n, **entry(name, n / 10), "tie": None} for n, name in enumerate(("a", "b", "c"), 1)]
    alone = board_note(about(tmp_path, dataset()), entries)
    assert "tied" not in alone
    assert "| 2 | b" in alone
    entries[0]["tie"], entries[1]["tie"], entries[2]["tie"] = tie, tie, {**tie, "tied": False}
    note = board_note(about(tmp_path, dataset()), entries)
    assert "**tied (=) with b**" in note.splitlines()[0]
    assert "| 2= | b" in note
    assert "| 3 | c" in note
    many = [entries[0], *({**entries[1], "name": f"b{n}"} for n in range(5))]
    assert "**tied (=) with b0, b1, b2 and 2 more**" in board_note(about(tmp_path, dataset()), many)


def test_metrics_leave_out_what_is_not_a_number(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    store(run, make_result(run, log_loss=math.inf))
    metrics = run_metrics(read_finished(run.directory))
    assert "oof_log_loss" not in metrics
    assert metrics["oof_f1"] == 0.8


def test_a_mean_over_seeds_has_no_parts_of_its_own(tmp_path: Path) -> None:
    mean = replace(make_run(tmp_path, seed=None), identity={"mean_of": ["a", "b"]})
    assert run_params(mean) == {"strategy": "smote", "mean_of": "['a', 'b']", "seed": "mean"}


def test_a_blend_has_its_members_method_and_weights_as_parameters(tmp_path: Path) -> None:
    identity = {"blend": "linear", "of": ["near", "far"], "members": ["near-s0-1", "far-s0-2"]}
    blend = replace(make_run(tmp_path), identity=identity, facts={"weights": {"near": 0.75, "far": 0.25}})
    params = run_params(blend)
    assert (params["blend"], params["of"]) == ("linear", "['near', 'far']")
    assert (params["weights.near"], params["weights.far"]) == ("0.75", "0.25")
    assert "model" not in params


values = st.none() | st.integers() | st.text(max_size=5)
tables = st.dictionaries(st.text("abc", min_size=1, max_size=3), values, max_size=4)


@given(st.dictionaries(st.sampled_from(["model", "split", "deep"]), tables))
def test_flattening_loses_no_value(identity: dict[str, Any]) -> None:
    flat = flatten(identity)
    for part, table in identity.items():
        for key, value in table.items():
            assert flat[f"{part}.{key}"] == ("none" if value is None else str(value))
    assert len(flat) == sum(len(table) for table in identity.values())


@given(st.text(max_size=300))
def test_mlflow_accepts_every_name(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(f"epoch/{entity(name)}")


def test_importing_the_package_imports_no_mlflow() -> None:
    code = "import sys, harness.tracking; print([m for m in ('mlflow', 'pandas', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"
