"""Where MLflow keeps its records, how it is started quietly, and the link that opens an experiment's leaderboard."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.errors import ConfigError
from harness.tracking.redact import shown_uri
from harness.tracking.view import VIEW

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Set only where the user has not.

A server that is away must not hold up the end of a command for minutes. Nor may a request to make a run be repeated
by MLflow itself: the first one may have been heard, and there would be two. `harness.tracking.delivery` looks first.
"""
OPENING = 300.0
"""Seconds to wait for other commands that open the same database: the first makes its tables."""


def resolve_uri(option: str | None, workspace: Path) -> str:
    """Choose where runs are tracked: the option, else ``MLFLOW_TRACKING_URI``, else a database in the workspace.

    Returns
    -------
    str
        ``sqlite:////absolute/workspace/mlflow.db`` by default.

    Raises
    ------
    ConfigError
        For a plain folder or ``file:`` URI: MLflow's file store is retired.

    Examples
    --------
    >>> resolve_uri("http://team:5000", Path("."))
    'http://team:5000'
    """
    uri = option or os.environ.get("MLFLOW_TRACKING_URI") or ""
    if not uri:
        return f"sqlite:///{(workspace.resolve() / DATABASE).as_posix()}"
    if uri.partition(":")[0].partition("+")[0] not in SCHEMES:
        origin = "--tracking-uri" if option else "MLFLOW_TRACKING_URI"
        raise ConfigError(
            f"{origin} is {shown_uri(uri)!r}; expected a database or a server (MLflow's file store is retired):"
            " sqlite:///mlflow.db, postgresql://..., http://..."
        )
    return uri


def database_path(uri: str) -> Path | None:
    """Return the file of a SQLite URI, None for any other.

    Examples
    --------
    >>> database_path("sqlite:////tmp/mlflow.db").as_posix(), database_path("http://team:5000")
    ('/tmp/mlflow.db', None)
    """
    if not uri.startswith("sqlite:///"):
        return None
    path = uri.removeprefix("sqlite:///").partition("?")[0]
    return Path(path).resolve() if path else None


def place_of(uri: str) -> str:
    """Return a URI by which two are seen to be the same place: without credentials, a database with its whole path.

    Examples
    --------
    >>> place_of("http://me:secret@team:5000/") == place_of("http://team:5000")
    True
    """
    database = database_path(uri)
    return shown_uri(uri).rstrip("/") if database is None else f"sqlite:///{database.as_posix()}"


def artifact_location(uri: str, competition: str) -> str | None:
    """Return where a new experiment keeps its files: beside a SQLite database, else where the server wants them."""
    database = database_path(uri)
    return None if database is None else (database.parent / ARTIFACTS / competition).as_uri()


def open_client(uri: str) -> MlflowClient:
    """Import MLflow, quietly and without telemetry, and open a client; a new database gets its tables (2 s).

    Notes
    -----
    Telemetry is switched off as https://mlflow.org/docs/latest/community/usage-tracking.html describes.
    """
    from filelock import FileLock

    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic", "urllib3"):
        # whatever matters is raised too, and told without the credentials that an address may hold
        logging.getLogger(name).setLevel(logging.CRITICAL)
    database = database_path(uri)
    if database is None:
        return MlflowClient(tracking_uri=uri)
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # takes a second, in which others need not wait

    database.parent.mkdir(parents=True, exist_ok=True)
    # two commands that create the same database at once would both write its tables
    with FileLock(f"{database}.lock", timeout=OPENING):
        return MlflowClient(tracking_uri=uri)


def ui_command(uri: str, host: str = "127.0.0.1", port: int = 5000) -> list[str]:
    """Return the command that serves the UI; on the loopback interface unless asked otherwise."""
    options = ["--backend-store-uri", uri, "--host", host, "--port", str(port), "--workers", "1"]
    database = database_path(uri)
    if database is not None:
        options += ["--artifacts-destination", (database.parent / ARTIFACTS).as_uri()]
    # warnings of the server's own libraries are not for the person who opens a leaderboard
    return [sys.executable, "-W", "ignore", "-m", "mlflow", "server", *options]


def ui_url(host: str, port: int, experiment_id: str, *, charts: bool = False, base: str | None = None) -> str:
    """Return the link that opens an experiment's leaderboard: its columns, its order, folds hidden.

    Parameters
    ----------
    charts : bool
        Open the charts instead of the table; a switch in the page goes from one to the other.
    base : str, optional
        A team's server, ``http://mlflow.team:5000``, in place of `host` and `port`.

    Examples
    --------
    >>> ui_url("127.0.0.1", 5000, "1")
    'http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=leaderboard'
    """
    root = (base or f"http://{host}:{port}").rstrip("/")
    mode = "&compareRunsMode=CHART" if charts else ""
    return (
        f"{root}/#/experiments/{quote(experiment_id)}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}{mode}"
    )
