"""The built-in submission: the schema's columns filled by id, and checked without answers."""

from __future__ import annotations

from collections.abc import Iterable

from harness.competition import Competition
from harness.data import Dataset, Predictions, Submission
from harness.hookspecs import hookimpl


@hookimpl
def harness_make_submission(
    competition: Competition, dataset: Dataset, predictions: Predictions, decisions: Predictions | None
) -> Submission | None:
    from harness.submission import expected_ids, fill, schema_of

    sample = dataset.sample_submission
    ids = predictions.ids if dataset.test is None else dataset.test.ids
    return fill(schema_of(competition, dataset), predictions, decisions, expected_ids(sample, ids))


@hookimpl
def harness_check_submission(competition: Competition, dataset: Dataset, submission: Submission) -> Iterable[str]:
    from harness.submission import check, expected_ids, schema_of

    if dataset.test is None and dataset.sample_submission is None:
        return ["there is neither a test set nor a sample file, so no submission can be checked"]
    ids = () if dataset.test is None else dataset.test.ids
    expected = expected_ids(dataset.sample_submission, ids)
    return check(schema_of(competition, dataset), submission, expected, dataset.info)
