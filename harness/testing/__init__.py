"""The conformance kit for plugin authors: what the harness relies on, checked offer by offer.

``harness check-plugin NAME`` runs all of it on generated data. In a plugin's own tests, call one piece with data that
fits::

    def test_my_model() -> None:
        assert failures(check_model(RECIPE, dataset=my_images())) == []

Every piece yields a `Finding` for each thing it looked at; none of them raises because of what a plugin does.
"""

from harness.testing.adjusters import check_adjuster
from harness.testing.bench import Notes
from harness.testing.executors import check_executor
from harness.testing.features import check_features
from harness.testing.findings import SKIPPED, Finding, failures
from harness.testing.generated import table
from harness.testing.metrics import check_metric
from harness.testing.models import check_model
from harness.testing.offered import check_params
from harness.testing.plugin import check_plugin
from harness.testing.rebalancers import check_rebalancer
from harness.testing.sources import check_source
from harness.testing.splitters import check_splitter

__all__ = [
    "SKIPPED",
    "Finding",
    "Notes",
    "check_adjuster",
    "check_executor",
    "check_features",
    "check_metric",
    "check_model",
    "check_params",
    "check_plugin",
    "check_rebalancer",
    "check_source",
    "check_splitter",
    "failures",
    "table",
]
