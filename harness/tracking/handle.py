"""One MLflow run that is written in batches and never twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness.tracking.about import About
from harness.tracking.content import chunks, entity

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

FINISHED, FAILED, KILLED, RUNNING = "FINISHED", "FAILED", "KILLED", "RUNNING"
PER_BATCH, METRICS_PER_BATCH = 100, 900
Point = tuple[str, int, float, int]
"""Metric, step, value, and when it was measured (milliseconds)."""
Known = tuple[str, int, float]
"""Metric, step, value: of which MLflow is to hold one each."""


class Handle:
    """An MLflow run, new or gone on with.

    Attributes
    ----------
    status : str
        As MLflow has it.
    """

    def __init__(self, client: MlflowClient, run_id: str, status: str, known: set[Known]) -> None:
        self.client, self.run_id, self.status, self._known = client, run_id, status, known

    @classmethod
    def create(cls, client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str], at: int) -> Handle:
        """Begin a run; `at` is in milliseconds since the epoch."""
        run = client.create_run(experiment, start_time=at, run_name=name, tags=dict(tags))
        return cls(client, run.info.run_id, RUNNING, set())

    @classmethod
    def find_or_create(
        cls, client: MlflowClient, experiment: str, name: str, key: Mapping[str, str], tags: Mapping[str, str], at: int
    ) -> Handle:
        """Go on with the run that `key` tags, which a request without an answer may have made; else begin it."""
        wanted = " and ".join(f"tags.{tag} = '{value}'" for tag, value in key.items())
        for made in client.search_runs([experiment], wanted, max_results=1):
            found = cls.adopt(client, made.info.run_id)
            if found is not None:
                return found
        return cls.create(client, experiment, name, {**tags, **key}, at)

    @classmethod
    def adopt(cls, client: MlflowClient, run_id: str) -> Handle | None:
        """Go on with a run; None if it is no longer there."""
        from mlflow.exceptions import MlflowException

        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        if run.info.lifecycle_stage != "active":
            return None
        points = (point for name in run.data.metrics for point in client.get_metric_history(run_id, name))
        return cls(client, run_id, run.info.status, {(p.key, p.step, p.value) for p in points})

    def log(
        self,
        points: Iterable[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Write points that are not there yet, parameters and tags, in as few calls as MLflow allows."""
        from mlflow.entities import Metric, Param, RunTag

        new: dict[Known, Point] = {}
        for point in points:
            if point[:3] not in self._known:
                new.setdefault(point[:3], point)
        metrics = [Metric(name, value, at, step) for name, step, value, at in new.values()]
        pairs = [Param(entity_key(key), value) for key, value in (params or {}).items()]
        labels = [RunTag(entity_key(key), value) for key, value in (tags or {}).items()]
        cut = chunks(metrics, METRICS_PER_BATCH), chunks(pairs, PER_BATCH), chunks(labels, PER_BATCH)
        for some_metrics, some_pairs, some_labels in zip_longest(*cut, fillvalue=()):
            self.client.log_batch(self.run_id, some_metrics, some_pairs, some_labels)
            self._known.update((metric.key, metric.step, metric.value) for metric in some_metrics)

    def log_dataset(self, about: About) -> None:
        """Name the data as the run's input; MLflow keeps it once however often it is told."""
        self.client.log_inputs(self.run_id, datasets=[dataset_input(about)])

    def reopen(self) -> None:
        """Mark the run as running."""
        if self.status != RUNNING:
            self.client.update_run(self.run_id, status=RUNNING)
            self.status = RUNNING

    def end(self, status: str, at: int) -> None:
        """Close the run; one that is already closed keeps its end."""
        if self.status == RUNNING:
            self.client.set_terminated(self.run_id, status=status, end_time=at)
            self.status = status


def entity_key(name: str) -> str:
    """Return a key MLflow accepts; `/` and `:` may be part of it."""
    return "/".join(entity(part) for part in name.split("/"))


def dataset_input(about: About) -> DatasetInput:
    """Describe the data for MLflow's dataset column: name, variant, digest, where it is from, how much."""
    from mlflow.entities import Dataset as DatasetEntity
    from mlflow.entities import DatasetInput, InputTag

    source: dict[str, Any] = {"url": about.url} if about.url else {"uri": about.data}
    profile = {f"{name}_rows": count for name, count in about.rows.items()}
    described = DatasetEntity(
        name=f"{about.data} ({about.variant})" if about.variant else about.data,
        digest=about.digest[:12] or "unknown",
        source_type="http" if about.url else "local",
        source=json.dumps(source),
        profile=json.dumps({**profile, "classes": list(about.classes), "simulated": about.simulated}),
    )
    return DatasetInput(described, [InputTag("mlflow.data.context", "simulated" if about.simulated else "training")])
