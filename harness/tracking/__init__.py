"""What MLflow is told, and what a person then sees in its UI. It only listens; nothing here changes a result.

`Tracker` is a plugin that the driver registers: it keeps the events in a journal and one background thread delivers
them, so that training never waits for MLflow; what could not be delivered waits for `sync`. Importing this package
does not import MLflow.
"""

from harness.tracking.reading import entries_from_tracking, experiment_id_of
from harness.tracking.redact import shown_uri
from harness.tracking.server import resolve_uri, ui_command, ui_url
from harness.tracking.sync import Delivered, sync
from harness.tracking.tracker import Tracker

__all__ = [
    "Delivered",
    "Tracker",
    "entries_from_tracking",
    "experiment_id_of",
    "resolve_uri",
    "shown_uri",
    "sync",
    "ui_command",
    "ui_url",
]
