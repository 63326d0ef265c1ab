"""Versions of a competition's model in MLflow's registry: packed runs, one version a run."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import StoreError
from harness.tracking.note import value_of
from harness.tracking.reading import experiment_id_of
from harness.tracking.redact import reason_of, shown_uri
from harness.tracking.server import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run as MlflowRun
    from mlflow.entities.model_registry import ModelVersion

ARTIFACT = "model"
LOADER = "harness.pyfunc"
BEST = "best"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model.

    Attributes
    ----------
    name : str
        The competition.
    new : bool
        False if the run was registered before.
    aliases : tuple of str
        What was pointed at it now.
    """

    name: str
    version: str
    run_id: str
    uri: str
    new: bool
    aliases: tuple[str, ...] = ()


def register(
    uri: str,
    competition: str,
    entry: Mapping[str, Any],
    metric: str,
    on: str,
    aliases: tuple[str, ...],
    pack: Callable[[Path], None],
) -> Registered:
    """Upload a packed run to its MLflow run and make it a version of the competition's model.

    Parameters
    ----------
    entry : mapping
        The run's line of the board.
    pack : callable
        Writes the packed run into a folder that it makes; not called if the run has a version.

    Raises
    ------
    StoreError
        If MLflow cannot be reached or does not know the run.
    """
    experiment = experiment_id_of(uri, competition)
    client = open_client(uri)
    try:
        run = _run_of(client, experiment, str(entry["run_id"]))
        if run is None:
            raise StoreError(f"{shown_uri(uri)} does not know {entry['run_id']}; it was run elsewhere or untracked")
        version = _version_of(client, competition, run)
        new = version is None
        if version is None:
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder) / ARTIFACT
                pack(home / "data")
                _describe(home, run, entry)
                client.log_artifacts(run.info.run_id, str(home), ARTIFACT)
            version = _new_version(client, competition, run, entry, metric, on)
        for alias in aliases:
            client.set_registered_model_alias(competition, alias, version.version)
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"MLflow at {shown_uri(uri)}: {reason_of(error, uri)}") from None
    where = f"models:/{competition}/{version.version}"
    return Registered(competition, str(version.version), str(entry["run_id"]), where, new, aliases)


def _run_of(client: MlflowClient, experiment: str, run_id: str) -> MlflowRun | None:
    wanted = f"tags.harness_run = '{run_id}' and tags.level = 'run'"
    found: list[MlflowRun] = client.search_runs([experiment], wanted, max_results=1)
    return found[0] if found else None


def _version_of(client: MlflowClient, name: str, run: MlflowRun) -> ModelVersion | None:
    found = [one for one in client.search_model_versions(f"run_id = '{run.info.run_id}'") if one.name == name]
    return found[0] if found else None


def _describe(home: Path, run: MlflowRun, entry: Mapping[str, Any]) -> None:
    """Write the ``MLmodel`` file by which ``mlflow.pyfunc.load_model`` finds the loader, and what must be installed."""
    from mlflow import pyfunc
    from mlflow.models import Model

    about = {"run": str(entry["run_id"]), "strategy": str(entry["name"]), "board": str(entry["board"])}
    model = Model(artifact_path=ARTIFACT, run_id=run.info.run_id, metadata=about)
    pyfunc.add_to_model(model, loader_module=LOADER, data="data")
    model.save(str(home / "MLmodel"))
    points = importlib.metadata.entry_points(group="harness")
    needed = {point.dist.name: point.dist.version for point in points if point.dist is not None}
    needed["competition-harness"] = importlib.metadata.version("competition-harness")
    lines = [f"{name}=={version}" for name, version in sorted(needed.items())]
    (home / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _new_version(
    client: MlflowClient, name: str, run: MlflowRun, entry: Mapping[str, Any], metric: str, on: str
) -> ModelVersion:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags={"competition": name}, description=f"Runs of the competition {name}.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    score = value_of(entry, metric, on)
    told = f"{entry['name']}: {metric} {score:.4g} ({on})" if score is not None else str(entry["name"])
    tags = {"harness_run": str(entry["run_id"]), "strategy": str(entry["name"]), "marks": ", ".join(entry["marks"])}
    tags |= {metric: f"{score:.6g}"} if score is not None else {}
    source = f"{run.info.artifact_uri}/{ARTIFACT}"
    return client.create_model_version(
        name, source, run.info.run_id, tags={key: text for key, text in tags.items() if text}, description=told
    )
