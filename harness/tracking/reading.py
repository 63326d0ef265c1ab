"""Reads a tracking server back into the lines of a leaderboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import StoreError
from harness.tracking.about import About
from harness.tracking.note import value_of
from harness.tracking.redact import reason_of, shown_uri
from harness.tracking.server import database_path, open_client
from harness.tracking.view import RUNS_ONLY

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun

_STATUS = {"FINISHED": "done", "FAILED": "failed", "KILLED": "interrupted", "RUNNING": "running"}
_WHICH = {"oof": "oof_", "valid": "valid_", "mean": "fold_mean_", "stderr": "fold_stderr_"}


def entries_from_tracking(uri: str, competition_id: str) -> list[dict[str, Any]]:
    """Read every run of a competition that has scores from a tracking server.

    Returns
    -------
    list of dict
        Oldest first, in the form of ``harness leaderboard --json``: name, seed, run_id, status, scores (metric -> oof,
        valid, mean, stderr; None where there is none), seconds, submission (None: it lies on the server), public_score
        (the site's), baseline, marks, board (lines compare only where it is the same), setting (parameters of the
        model, as texts).

    Raises
    ------
    StoreError
        If the server cannot be read, or does not know the competition.
    """
    client, experiment_id = _open(uri, competition_id)
    try:
        lines = [entry_of(run) for run in search(client, experiment_id)]
    except Exception as error:
        raise _unreadable(uri, error) from None
    return [line for line in lines if line["scores"]]  # others failed, or are not at their end


def search(client: MlflowClient, experiment_id: str) -> list[MlflowRun]:
    """Return all parent runs of an experiment, oldest first."""
    runs: list[MlflowRun] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], RUNS_ONLY, max_results=500, order_by=["attributes.start_time ASC"], page_token=token
        )
        runs += page
        token = page.token
        if not token:
            return runs


def experiment_id_of(uri: str, competition_id: str) -> str:
    """Return the MLflow id of a competition's experiment.

    Raises
    ------
    StoreError
        As `entries_from_tracking`.
    """
    _, experiment_id = _open(uri, competition_id)
    return experiment_id


def _open(uri: str, competition_id: str) -> tuple[MlflowClient, str]:
    database = database_path(uri)
    if database is not None and not database.exists():
        raise StoreError(f"no tracking database {database}; start a run first: harness run {competition_id}")
    try:
        client = open_client(uri)
        experiment = client.get_experiment_by_name(competition_id)
    except Exception as error:
        raise _unreadable(uri, error) from None
    if experiment is None:
        where = shown_uri(uri)
        raise StoreError(f"MLflow at {where} has no experiment {competition_id!r}; run: harness run {competition_id}")
    return client, experiment.experiment_id


def _unreadable(uri: str, error: Exception) -> StoreError:
    return StoreError(f"cannot read MLflow at {shown_uri(uri)}: {reason_of(error, uri)}")


def entry_of(run: MlflowRun) -> dict[str, Any]:
    """Turn one MLflow run into a line of a leaderboard."""
    tags, metrics = run.data.tags, run.data.metrics
    names = sorted(key.removeprefix("oof_") for key in metrics if key.startswith("oof_"))
    seed = tags.get("seed", "")
    return {
        "name": tags.get("label") or run.info.run_name,
        "strategy": tags.get("strategy", ""),
        "seed": int(seed) if seed.lstrip("-").isdigit() else None,
        "run_id": tags.get("harness_run", run.info.run_id),
        "status": _STATUS.get(run.info.status, "running"),
        "scores": {name: {which: metrics.get(stem + name) for which, stem in _WHICH.items()} for name in names},
        "seconds": metrics.get("seconds"),
        "submission": None,
        "public_score": metrics.get("public_score"),
        "baseline": tags.get("baseline") == "yes",
        "marks": [mark for mark in tags.get("marks", "").split(", ") if mark],
        "board": tags.get("board", ""),
        "setting": {
            key.removeprefix("model."): text for key, text in run.data.params.items() if key.startswith("model.")
        },
    }


def merged(own: Iterable[Mapping[str, Any]], runs: Iterable[MlflowRun]) -> list[Mapping[str, Any]]:
    """Add the runs of others to one's own lines; of the same run, one's own line is kept."""
    lines = list(own)
    known = {line.get("run_id") for line in lines}
    return lines + [line for run in runs if (line := entry_of(run))["run_id"] not in known]


def order(entries: Sequence[Mapping[str, Any]], about: About) -> list[Mapping[str, Any]]:
    """Order lines by the board's rule, those without a score last, and give a rank to those that lack one.

    Lines that all come with a rank, or with none because they are not ranked, keep it.
    """

    def key(entry: Mapping[str, Any]) -> tuple[bool, float]:
        value = value_of(entry, about.primary, about.on)
        return value is None, 0.0 if value is None else value if about.direction == "min" else -value

    if any(entry.get("rank") for entry in entries) and all("rank" in entry for entry in entries):
        return sorted(entries, key=lambda entry: (not entry["rank"], entry["rank"] or 0))
    best = sorted(entries, key=key)
    return [{**entry, "rank": None if key(entry)[0] else n} for n, entry in enumerate(best, 1)]
