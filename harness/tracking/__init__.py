"""What MLflow is told, and what a person then sees in its UI. It only listens; nothing here changes a result.

`Tracker` is a plugin that the driver registers: it queues the events and one background thread writes them, so that
training never waits for MLflow. Importing this package does not import MLflow.
"""

from harness.tracking.reading import entries_from_tracking, experiment_id_of
from harness.tracking.server import resolve_uri, shown_uri, ui_command, ui_url
from harness.tracking.tracker import Tracker

__all__ = ["Tracker", "entries_from_tracking", "experiment_id_of", "resolve_uri", "shown_uri", "ui_command", "ui_url"]
