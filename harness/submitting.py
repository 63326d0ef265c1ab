"""From adjusted test predictions to files that can be handed in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.contract import problems_in
from harness.data import Predictions, Submission
from harness.errors import PluginError, StoreError, SubmissionError, listed
from harness.files import atomic_write, read_json, slug, write_json
from harness.fingerprint import FILE, fingerprint_of, write_fingerprint
from harness.plugins import LOCAL
from harness.prepare import Prepared
from harness.submission_file import write_submission


def make_submission(prepared: Prepared, test: Predictions | None, decisions: Predictions | None) -> Submission | None:
    """Ask the competition's own plugin, its data source's, then the built-in, for the submission table.

    None where there is no test set.

    Raises
    ------
    HarnessError
        If nobody can make it, or a plugin answers with something else.
    """
    if test is None:
        return None
    for plugin in dict.fromkeys((LOCAL, prepared.competition.data.source.partition(".")[0], "submission")):
        for _, answer in prepared.plugins.ask(
            "harness_make_submission",
            only=[plugin],
            competition=prepared.competition,
            dataset=prepared.dataset,
            predictions=test,
            decisions=decisions,
        ):
            if isinstance(answer, Submission):
                return answer
            if answer is not None:
                raise PluginError(f"plugin {plugin!r} made a {type(answer).__name__}, expected a Submission")
    raise PluginError(f"no plugin makes submissions of {prepared.competition.id}")


def problems_of(prepared: Prepared, submission: Submission) -> list[str]:
    """Return every problem that the built-in checks and the plugins find, one line each."""
    problems: list[str] = []
    hook = "harness_check_submission"
    for plugin, answer in prepared.plugins.ask(
        hook,
        competition=prepared.competition,
        dataset=prepared.dataset,
        submission=submission,
    ):
        problems += problems_in(answer, plugin, hook)
    return problems


def write_checked(prepared: Prepared, submission: Submission, path: Path) -> None:
    """Check a submission and write it atomically, its fingerprint beside it; nothing is written if there is a problem.

    Raises
    ------
    SubmissionError
        With the first problems.
    """
    problems = problems_of(prepared, submission)
    if problems:
        raise SubmissionError(f"the submission is not valid: {listed(problems, 3)}")
    write_submission(path, submission)
    write_fingerprint(path.with_name(FILE), fingerprint_of(submission.frame, path.stat().st_size))


def publish(source: Path, folder: Path, name: str) -> Path:
    """Copy a run's submission to the folder of submissions under its strategy's name.

    Returns
    -------
    Path
        ``<folder>/<name>.csv``.
    """
    target = folder / f"{slug(name)}.csv"
    with source.open("rb") as given, atomic_write(target) as file:
        shutil.copyfileobj(given, file)
    return target


def replaced_of_other_data(files: Sequence[Path], digest: str, record: Path) -> list[str]:
    """Return the names of published files that were of other data before, and write down of which each is now.

    Parameters
    ----------
    digest : str
        Of the data that the files answer.
    record : Path
        Where that is kept; one that cannot be read tells of no file.
    """
    known: dict[str, str] = {}
    with suppress(StoreError):
        known = read_json(record) if record.is_file() else {}
    places = {str(path.resolve()): path.name for path in files}
    replaced = [name for place, name in places.items() if known.get(place, digest) != digest]
    write_json(record, {**known, **dict.fromkeys(places, digest)})
    return replaced


def submission_names(strategy: str, seeds: Sequence[int], fast: bool) -> dict[int | None, str]:
    """Name the submissions of a strategy: one seed takes its name; of several, their mean does.

    Returns
    -------
    dict of seed to str
        None is the mean over seeds.

    Examples
    --------
    >>> submission_names("smote", [0], fast=False)
    {0: 'smote'}
    >>> submission_names("smote", [0, 1], fast=True)
    {0: 'smote-seed0-fast', 1: 'smote-seed1-fast', None: 'smote-fast'}
    """
    end = "-fast" if fast else ""
    if len(seeds) == 1:
        return {seeds[0]: strategy + end}
    return {**{seed: f"{strategy}-seed{seed}{end}" for seed in seeds}, None: strategy + end}
