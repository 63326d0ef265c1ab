"""New data through a finished run: its features, the mean of its fold models, its adjusters; or through its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.adjusting import apply_chain, chain_of, columns_after, default_decisions, restore_chain
from harness.competition import SubmissionSchema, VariantSpec
from harness.competition_file import read_competition
from harness.data import PROBLEM, Dataset, Examples, Predictions
from harness.derived import mean_of, stacked
from harness.errors import DataError, StoreError
from harness.files import atomic_write
from harness.finding import find_competition
from harness.offers import DatasetSource, Metric, Splitter
from harness.planning import strategy_from_record
from harness.plugins import load_plugins
from harness.prepare import Prepared, Setting, load_dataset, source_of
from harness.records import info_from, read_scored
from harness.schema import schema_of
from harness.spreadsheets import defused
from harness.store import Stored, Workspace, find_run, stored_tasks
from harness.stored_task import load_fold
from harness.submission_check import warnings_of
from harness.submission_file import write_submission
from harness.submitting import make_submission, write_checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predicted:
    """What was predicted.

    Attributes
    ----------
    rows : int
    problems : tuple of str
        What is dangerous about the ids, and a line for each row that the data source had to mend, as
        `harness.data.PROBLEM` has it.
    """

    rows: int
    problems: tuple[str, ...] = ()


def predict_new(workspace: Workspace, name: str, source: Path, output: Path, competitions: Path | None) -> Predicted:
    """Predict new rows; write them as their data source does, else in the submission's columns.

    Parameters
    ----------
    name : str
        A run's id, a beginning of it that fits one only, or its folder.
    source : Path
        A file in the layout of the test file.

    Raises
    ------
    HarnessError
        If the run has no models (an import), a stored file is damaged, or the data does not fit.
    """
    stored = find_run(workspace, name)
    prepared, params = _without_rows(stored, workspace, competitions)
    offer = _source(prepared)
    assert offer.read_new is not None
    examples = offer.read_new(params, source, prepared.dataset.info)
    predictions, decided = _predicted(workspace, stored, prepared, examples)
    info = prepared.dataset.info
    if offer.table_new is not None:
        with atomic_write(output) as file:
            defused(offer.table_new(params, examples, predictions)).to_csv(file, index=False)
        return Predicted(len(examples), _problems(examples))
    decisions = None if decided is None else Predictions(examples.ids, decided, info.outputs)
    prepared = replace(prepared, dataset=replace(prepared.dataset, test=examples))
    submission = make_submission(prepared, predictions, decisions)
    assert submission is not None
    write_submission(output, submission)
    warnings = warnings_of(schema_of(prepared.competition, prepared.dataset), submission)
    return Predicted(len(examples), (*warnings, *_problems(examples)))


def predict_test(
    workspace: Workspace, name: str, data: str, output: Path, competitions: Path | None, cache: Path
) -> Predicted:
    """Predict the test set of a data set and write the submission, as the run itself did.

    Parameters
    ----------
    data : str
        A variant of the competition, or where its files lie.
    cache : Path
        A folder that the data source may fill.

    Raises
    ------
    HarnessError
        If the run has no models (an import), the data cannot be read or has no test set, or the result is not valid.
    """
    stored = find_run(workspace, name)
    prepared, _ = _without_rows(stored, workspace, competitions)
    setting = replace(prepared.setting, data=data, cache=cache.resolve())
    dataset = load_dataset(prepared.competition, prepared.plugins, setting)
    if dataset.test is None:
        raise DataError(f"{data or 'the data'} has no test set to predict")
    predictions, decided = _predicted(workspace, stored, prepared, dataset.test)
    decisions = None if decided is None else Predictions(dataset.test.ids, decided, prepared.dataset.info.outputs)
    prepared = replace(prepared, setting=setting, dataset=dataset)
    submission = make_submission(prepared, predictions, decisions)
    assert submission is not None
    write_checked(prepared, submission, output)
    return Predicted(len(dataset.test), _problems(dataset.test))


def _problems(examples: Examples) -> tuple[str, ...]:
    if examples.meta is None or PROBLEM not in examples.meta:
        return ()
    texts = examples.meta[PROBLEM].astype(str).tolist()
    return tuple(f"{row}: {text}" for row, text in zip(examples.ids.tolist(), texts, strict=True) if text)


def _predicted(
    workspace: Workspace, stored: Stored, prepared: Prepared, examples: Examples
) -> tuple[Predictions, Floats | None]:
    """Predict as a run does, with decisions: by its models, or by its members'."""
    members: Sequence[str] = stored.result.get("members", ())
    if members:
        return _together(workspace, stored, prepared, examples, [find_run(workspace, member) for member in members])
    import numpy as np

    tasks, info = stored_tasks(workspace, stored), prepared.dataset.info
    if not tasks:
        raise StoreError(f"{stored.directory.name} has no models of its own")
    strategy = strategy_from_record(stored.run)
    values = np.mean([load_fold(task, strategy, prepared)(examples).values for task in tasks], axis=0)
    chain = restore_chain(chain_of(strategy, prepared), prepared, stored.result["adjusters"])
    adjusted, decided = apply_chain(chain, values, None, prepared.competition.task, examples.meta)
    return Predictions(examples.ids, adjusted, columns_after(chain, info.named(values.shape[1]))), decided


def _together(
    workspace: Workspace, stored: Stored, prepared: Prepared, examples: Examples, members: Sequence[Stored]
) -> tuple[Predictions, Floats | None]:
    """Predict with a mean over seeds, or with a blend and the weights that it learned."""
    import numpy as np

    from harness.builtin.blends import apply

    task, info = prepared.competition.task, prepared.dataset.info
    each = [_predicted(workspace, member, prepared, examples) for member in members]
    how = stored.result.get("blend")
    if how is None:
        values, decided = mean_of([found.values for found, _ in each], [votes for _, votes in each], task)
        return Predictions(examples.ids, values, each[0][0].columns), decided
    weights = np.array([how["weights"][name] for name in how["of"]])
    known = [read_scored(member.directory / "oof.parquet", info).predictions for member in members]
    values = apply(how["method"], weights, stacked([found for found, _ in each]), task, stacked(known))
    return Predictions(examples.ids, values, info.named(values.shape[1])), default_decisions(values, task)


def _without_rows(stored: Stored, workspace: Workspace, competitions: Path | None) -> tuple[Prepared, Any]:
    """Prepare a competition with what is known of its data, but none of its rows."""
    import numpy as np

    home = find_competition(stored.result["competition"], competitions, load_plugins())
    competition = read_competition(home)
    if competition.submission is None and "schema" in stored.result:  # it came from the sample file, which is not here
        competition = replace(competition, submission=SubmissionSchema(**stored.result["schema"]))
    plugins = load_plugins(competition.plugin)
    info = info_from(stored.result["data"]["info"])
    setting = Setting(home, workspace.cache.resolve(), stored.result["data"]["given"])
    variant = competition.data.variants.get(info.variant, VariantSpec(info.variant))
    _, params = source_of(competition, plugins, variant)
    nobody = Examples(np.empty(0, dtype=object), [])
    prepared = Prepared(
        setting=setting,
        competition=competition,
        plugins=plugins,
        dataset=Dataset(info, nobody),
        splitter=plugins.find(Splitter, competition.split.name, competition.id),
        split={},
        folds=(),
        metrics=tuple(plugins.find(Metric, metric, competition.id) for metric in competition.metrics),
        target_prior=None,
    )
    return prepared, params


def _source(prepared: Prepared) -> DatasetSource:
    name = prepared.competition.data.source
    source = prepared.plugins.find(DatasetSource, name, prepared.competition.id)
    if source.read_new is None:
        raise DataError(f"dataset source {name!r} cannot read new data")
    return source
