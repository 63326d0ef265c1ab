"""The score that a competition's site gave to a run, beside the run's own scores in MLflow."""

from __future__ import annotations

from harness.errors import StoreError
from harness.standings import Sent
from harness.tracking.reading import experiment_id_of
from harness.tracking.redact import reason_of, shown_uri
from harness.tracking.server import open_client

METRICS = {"public": "public_score", "private": "private_score"}


def note_site_score(uri: str, competition: str, run_id: str, sent: Sent) -> None:
    """Write a submission's scores, its site and its id there to the MLflow run; the same again changes nothing.

    Raises
    ------
    StoreError
        If MLflow cannot be reached or does not know the run.
    """
    experiment = experiment_id_of(uri, competition)
    client = open_client(uri)
    try:
        found = client.search_runs([experiment], f"tags.harness_run = '{run_id}' and tags.level = 'run'", max_results=1)
        if not found:
            raise StoreError(f"MLflow at {shown_uri(uri)} does not know {run_id}; it was run elsewhere or untracked")
        (run,) = found
        tags = {"site": sent.site, "site_submission": sent.submission, "site_status": sent.status}
        for key, value in tags.items():
            client.set_tag(run.info.run_id, key, value)
        for field, name in METRICS.items():
            score = getattr(sent, field)
            if score is not None and run.data.metrics.get(name) != score:
                client.log_metric(run.info.run_id, name, score)
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"MLflow at {shown_uri(uri)}: {reason_of(error, uri)}") from None
