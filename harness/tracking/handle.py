"""One MLflow run that is written in batches and never twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness.data import Dataset
from harness.tracking.content import chunks, entity

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

FINISHED, FAILED, KILLED, RUNNING = "FINISHED", "FAILED", "KILLED", "RUNNING"
PER_BATCH, METRICS_PER_BATCH = 100, 900
Point = tuple[str, int, float]
"""Metric, step, value."""


class Handle:
    """An MLflow run, new or gone on with.

    Attributes
    ----------
    status : str
        As MLflow has it.
    """

    def __init__(self, client: MlflowClient, run_id: str, status: str, known: set[Point]) -> None:
        self.client, self.run_id, self.status, self._known = client, run_id, status, known

    @classmethod
    def create(cls, client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str], at: int) -> Handle:
        """Begin a run; `at` is in milliseconds since the epoch."""
        run = client.create_run(experiment, start_time=at, run_name=name, tags=dict(tags))
        return cls(client, run.info.run_id, RUNNING, set())

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
        at: int,
        points: Iterable[Point] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Write points that are not there yet, parameters and tags, in as few calls as MLflow allows."""
        from mlflow.entities import Metric, Param, RunTag

        new = [point for point in dict.fromkeys(points) if point not in self._known]
        self._known.update(new)
        metrics = [Metric(name, value, at, step) for name, step, value in new]
        pairs = [Param(entity_key(key), value) for key, value in (params or {}).items()]
        labels = [RunTag(entity_key(key), value) for key, value in (tags or {}).items()]
        cut = chunks(metrics, METRICS_PER_BATCH), chunks(pairs, PER_BATCH), chunks(labels, PER_BATCH)
        for some_metrics, some_pairs, some_labels in zip_longest(*cut, fillvalue=()):
            self.client.log_batch(self.run_id, some_metrics, some_pairs, some_labels)

    def log_dataset(self, dataset: Dataset) -> None:
        """Name the data as the run's input; MLflow keeps it once however often it is told."""
        self.client.log_inputs(self.run_id, datasets=[dataset_input(dataset)])

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


def dataset_input(dataset: Dataset) -> DatasetInput:
    """Describe the data for MLflow's dataset column: name, variant, digest, where it is from, how much."""
    from mlflow.entities import Dataset as DatasetEntity
    from mlflow.entities import DatasetInput, InputTag

    info = dataset.info
    source: dict[str, Any] = {"url": info.url} if info.url else {"uri": info.name}
    sizes = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    profile = {f"{name}_rows": len(rows) for name, rows in sizes.items() if rows is not None}
    described = DatasetEntity(
        name=f"{info.name} ({info.variant})" if info.variant else info.name,
        digest=dataset.digest[:12] or "unknown",
        source_type="http" if info.url else "local",
        source=json.dumps(source),
        profile=json.dumps({**profile, "classes": list(info.classes), "simulated": info.simulated}),
    )
    return DatasetInput(described, [InputTag("mlflow.data.context", "simulated" if info.simulated else "training")])
