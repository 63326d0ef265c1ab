"""The experiment of a competition: its kind, its description with the leaderboard, its saved view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.tracking.about import About
from harness.tracking.content import BASELINE
from harness.tracking.handle import Handle
from harness.tracking.note import board_note
from harness.tracking.reading import merged, order, search
from harness.tracking.server import artifact_location, database_path, open_client
from harness.tracking.view import VIEW_TAG, ranked_metric, view_state, view_tag

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment as MlflowExperiment
    from mlflow.entities import Run as MlflowRun

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Opens the model-training pages; MLflow 3.17 otherwise shows those for language-model applications."""
BOARD = "harness_board"


class Experiment:
    """One competition in MLflow."""

    def __init__(self, client: MlflowClient, experiment_id: str, uri: str, about: About) -> None:
        self.client, self.id, self.uri, self.about = client, experiment_id, uri, about

    @classmethod
    def open(cls, uri: str, about: About) -> Experiment:
        """Find the experiment or make it, with its kind and its saved view."""
        client = open_client(uri)
        found = _find_or_create(client, uri, about)
        self = cls(client, found.experiment_id, uri, about)
        if "title" not in found.tags:  # the last of them, so that one that was cut short is described now
            first = {"mlflow.note.content": board_note(about, []), VIEW_TAG: self._view([], 0)}
            self._tag({**KIND, **first, "competition": about.id, "task": about.task, "title": about.title})
        return self

    def update(self, board: Mapping[str, Any], figures: Sequence[Path], at: int) -> None:
        """Write the leaderboard: description, saved view, ranks, names, figures."""
        runs = search(self.client, self.id)
        entries = order(self._entries(board, runs), self.about)
        self._tag(
            {
                **KIND,
                "mlflow.experiment.primaryMetric.name": ranked_metric(self.about.primary, self.about.on),
                "mlflow.note.content": board_note(self.about, entries),
                VIEW_TAG: self._view(runs, at),
            }
        )
        self._mark(entries, {run.data.tags.get("harness_run", ""): run for run in runs})
        if figures:
            self._figures(figures, at)

    def _entries(self, board: Mapping[str, Any], runs: Sequence[MlflowRun]) -> list[Mapping[str, Any]]:
        """Return the board's lines; on a team's server also those of others."""
        own = list(board.get("entries", ()))
        return own if database_path(self.uri) else merged(own, runs)

    def _view(self, runs: Sequence[MlflowRun], at: int) -> str:
        trained = [run.data.params for run in runs if run.data.params.get("model") != BASELINE]
        # what strategies are compared by comes first: a board of rebalancers differs in these, hardly in its features
        shown = ("rebalancer", "adjuster", "model", "features", "seed")
        differing = [part for part in shown if len({params.get(part) for params in trained}) > 1]
        state = view_state(
            self.about.metrics,
            self.about.on,
            self.about.direction == "min",
            has_valid="valid" in self.about.rows,
            params=differing or ["model"],
        )
        return view_tag(state, "Leaderboard", at)

    def _mark(self, entries: Sequence[Mapping[str, Any]], runs: Mapping[str, MlflowRun]) -> None:
        """Tag runs with their rank; name those by seed whose strategy has several."""
        from mlflow.entities import RunTag

        seeds: dict[str, set[Any]] = {}
        for entry in entries:
            seeds.setdefault(entry["name"], set()).add(entry.get("seed"))
        for entry in entries:
            run = runs.get(entry.get("run_id") or "")
            if run is None:
                continue
            wanted = {"rank": str(entry.get("rank") or ""), "baseline": "yes" if entry.get("baseline") else ""}
            several = len(seeds[entry["name"]]) > 1 and entry.get("seed") is not None
            if several:
                wanted["mlflow.runName"] = f"{entry['name']}, seed {entry['seed']}"
            new = {key: text for key, text in wanted.items() if run.data.tags.get(key, "") != text}
            if new:
                self.client.log_batch(run.info.run_id, tags=[RunTag(key, text) for key, text in new.items()])

    def _figures(self, figures: Sequence[Path], at: int) -> None:
        """Keep the board's figures in a run of their own; an experiment has no files."""
        run_id = self.client.get_experiment(self.id).tags.get(BOARD)
        if run_id is None:
            run_id = Handle.find_or_create(self.client, self.id, "leaderboard", {"level": "board"}, {}, at).run_id
            self._tag({BOARD: run_id})
        for path in figures:
            if path.is_file():
                self.client.log_artifact(run_id, str(path))
        self.client.set_terminated(run_id, end_time=at)

    def _tag(self, tags: Mapping[str, str]) -> None:
        for key, text in tags.items():
            self.client.set_experiment_tag(self.id, key, text)


def _find_or_create(client: MlflowClient, uri: str, about: About) -> MlflowExperiment:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(about.id)
    if found is None:
        try:
            client.create_experiment(about.id, artifact_location(uri, about.id))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another command was first
                raise
        found = client.get_experiment_by_name(about.id)
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return found
