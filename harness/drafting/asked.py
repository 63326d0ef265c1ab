"""What a submission looks like and how it is likely scored: from the sample file's form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.competition import SubmissionSchema
from harness.data import POINT, Dataset, TaskType
from harness.errors import ConfigError
from harness.offers import Metric
from harness.plugins import Plugins
from harness.prepare import class_shares
from harness.schema import LABEL, derive_schema

if TYPE_CHECKING:
    import pandas as pd

RARE = 0.25
"""A rarest class of less than this share of the commonest makes accuracy a poor measure."""
BESIDE = {
    "probabilities": ("log_loss", "roc_auc", "accuracy", "macro_f1"),
    "labels": ("accuracy", "macro_f1", "log_loss"),
    "point": ("rmse", "mae", "r2"),
}
"""Metrics that are shown, by the values of the submission."""


@dataclass(frozen=True)
class Asked:
    """What a submission holds, and what the board is ranked by, with the reasons."""

    schema: SubmissionSchema
    schema_why: str
    metrics: tuple[str, ...]
    metric_why: str


def what_is_asked(dataset: Dataset, plugins: Plugins, metric: str, names: tuple[str, str]) -> Asked:
    """Choose schema and metrics.

    Parameters
    ----------
    metric : str
        The primary one, if a person says so.
    names : (str, str)
        What ids and numbers are called where no sample file says it.

    Raises
    ------
    HarnessError
        If the sample file may ask for two things, or the metric does not exist or fit.
    """
    task = dataset.info.task_type
    wanted = plugins.find(Metric, metric, "--metric") if metric else None
    if wanted is not None and task not in wanted.tasks:
        fitting = [name for name, one in plugins.offers(Metric).items() if task in one.tasks and "." not in name]
        raise ConfigError(f"--metric {metric}: it does not fit a {task.value} task; these do: {', '.join(fitting)}")
    schema, schema_why = _schema(dataset, wanted, names)
    primary, why = (metric, "as --metric says") if wanted is not None else _metric(schema, dataset)
    beside = [name for name in BESIDE[_kind(schema)] if name != primary]
    return Asked(schema, schema_why, (primary, *beside), why)


def _kind(schema: SubmissionSchema) -> str:
    return "labels" if schema.values == "decisions" else schema.values


def _schema(dataset: Dataset, wanted: Metric | None, names: tuple[str, str]) -> tuple[SubmissionSchema, str]:
    info, sample = dataset.info, dataset.sample_submission
    key, number = names
    if sample is None:
        without = "there is no sample file"
        if info.task_type is TaskType.REGRESSION:
            return SubmissionSchema(key, {number: POINT}, "point"), f"{without}: a number for each id"
        if wanted is not None and wanted.needs == "decisions" and info.task_type.single_label:
            return SubmissionSchema(key, {number: LABEL}, "labels"), f"{without}: the label, which {wanted.name} scores"
        columns = {name: name for name in info.classes}
        return SubmissionSchema(key, columns, "probabilities"), f"{without}: a probability for each class"
    if info.task_type is TaskType.BINARY and _could_be_either(sample, info.classes):
        return _either(sample, info.classes, wanted)
    try:
        schema = derive_schema(sample, info.classes, info.task_type)
    except ConfigError as error:
        # there is no competition file yet in which one could name it
        told = str(error).partition("; name id")[0]
        raise ConfigError(
            f"{told}; is it the sample of this task? --task and --target change that, and without --sample a schema is"
            " proposed"
        ) from None
    return schema, _told(schema, dataset)


def _could_be_either(sample: pd.DataFrame, classes: tuple[str, ...]) -> bool:
    """Whether the one column of a binary task holds names of classes that are numbers from 0 to 1."""
    if sample.shape[1] != 2 or str(sample.columns[1]) in classes:
        return False
    return set(sample.iloc[:, 1]) <= set(classes) and set(classes) <= {"0", "1", "0.0", "1.0"}


def _either(sample: pd.DataFrame, classes: tuple[str, ...], wanted: Metric | None) -> tuple[SubmissionSchema, str]:
    key, column = (str(name) for name in sample.columns)
    found = sorted(set(sample[column]))
    labels = SubmissionSchema(key, {column: LABEL}, "labels")
    chances = SubmissionSchema(key, {column: classes[1]}, "probabilities")
    if wanted is not None:
        told = f"{wanted.name} scores {'labels' if wanted.needs == 'decisions' else 'probabilities'}"
        return (labels if wanted.needs == "decisions" else chances), told
    if len(found) > 1:
        return labels, f"the sample file's column {column!r} holds both classes, {' and '.join(found)}, as labels"
    raise ConfigError(
        f"the sample file's column {column!r} holds {found[0]} in every row, which may stand for labels or for"
        " probabilities; say how it is scored: --metric accuracy, f1, ... (labels) or --metric roc_auc, log_loss, ..."
    )


def _told(schema: SubmissionSchema, dataset: Dataset) -> str:
    if schema.values == "point":
        return "the sample file has one column of numbers"
    if schema.values == "labels":
        return "the sample file has one column that holds names of classes"
    if len(schema.columns) == 1:
        (output,) = schema.columns.values()
        return f"the sample file has one column of probabilities: that of {output!r}"
    return f"the sample file has a column for each of the {len(dataset.info.classes)} classes"


def _metric(schema: SubmissionSchema, dataset: Dataset) -> tuple[str, str]:
    if schema.values == "point":
        return "rmse", "numbers are asked for"
    if schema.values in ("labels", "decisions"):
        shares = class_shares(dataset.train, dataset.info.classes)
        rarest, commonest = min(shares.values()), max(shares.values())
        if rarest < RARE * commonest:
            return (
                "macro_f1",
                f"labels are asked for, and classes are uneven: from {rarest:.1%} to {commonest:.1%} of rows",
            )
        return "accuracy", f"labels are asked for, and classes are even enough: {rarest:.0%} of rows or more"
    if len(schema.columns) == 1:
        return "roc_auc", "one probability a row is asked for; log_loss if their size counts, not only their order"
    return "log_loss", "a probability for each class is asked for"
