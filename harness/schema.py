"""The shape of a competition's submission: from its TOML, or from its own sample file.

How a sample file is understood
-------------------------------
The first column is the id; the others hold values:

1. A regression has one value column: ``point``.
2. Several columns of a classification are probabilities, each column of one class: named as the class itself, or as
   ``<prefix><class>`` with one prefix for all (``target_0`` for the class ``0``, ``p_cat`` for ``cat``), or as
   ``<prefix>0`` .. ``<prefix><k-1>``, which count the classes in their order.
3. A single column of numbers that is named as a class holds that class's probability.
4. Any other single column of a binary task holds labels if its sample values are classes, and the probability of the
   positive (second) class if they are numbers. Where both are true (a column of 0 or 1 for the classes ``0`` and ``1``)
   the file cannot tell, and ``[submission]`` must.
5. A single column of a multiclass task holds labels. Of a multilabel task too: words separated by spaces; one word
   that is not a class stands for "nothing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.competition import Competition, SubmissionSchema
from harness.data import POINT, Dataset, DatasetInfo, TaskType
from harness.errors import ConfigError, listed, nearest

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"
"""Output of a column that holds decided classes."""


def schema_of(competition: Competition, dataset: Dataset) -> SubmissionSchema:
    """Return the schema of a competition's submissions.

    That of ``[submission]``; else derived from the sample file; else an ``id`` column and one column per output.

    Raises
    ------
    ConfigError
        If the two contradict each other, or the file does not tell.
    """
    info, sample = dataset.info, dataset.sample_submission
    if competition.submission is not None:
        schema = _checked(competition.submission, info, competition.id)
        if sample is not None and set(sample.columns) != {schema.id, *schema.columns}:
            raise ConfigError(
                f"{competition.id}: [submission] has the columns {listed([schema.id, *schema.columns])}, the sample"
                f" file has {listed(sample.columns)}; make them the same, or leave [submission] out"
            )
        return schema
    if sample is not None:
        return derive_schema(sample, info.classes, info.task_type)
    values = "point" if info.task_type is TaskType.REGRESSION else "probabilities"
    return SubmissionSchema("id", {output: output for output in info.outputs}, values)


def _checked(schema: SubmissionSchema, info: DatasetInfo, where: str) -> SubmissionSchema:
    if schema.per_class:
        return schema
    single = {"point": POINT, "labels": LABEL}.get(schema.values)
    if single and len(schema.columns) == 1:
        (column,) = schema.columns
        if schema.columns[column] in (single, column):
            return replace(schema, columns={column: single})
    allowed = {"point": (POINT, "lower", "upper"), "labels": (LABEL,)}.get(schema.values, info.classes)
    for column, output in schema.columns.items():
        if output not in allowed:
            raise ConfigError(
                f"{where}: [submission] column {column!r} holds {output!r}, which is no output of"
                f" {info.task_type} {schema.values}{nearest(output, allowed)}"
            )
    lacking = [name for name in info.classes if name not in schema.columns.values()]
    if lacking and schema.values == "probabilities" and info.task_type is TaskType.MULTICLASS:
        raise ConfigError(f"{where}: [submission] has no column for {listed(lacking)}, classes of the training rows")
    return schema


def derive_schema(sample: pd.DataFrame, classes: Sequence[str], task: TaskType) -> SubmissionSchema:
    """Derive the schema from a competition's own sample file, by the rules at the top of this module.

    Parameters
    ----------
    sample : DataFrame
        The sample file, every value a string.
    classes : sequence of str
        Global class order; empty for a regression.

    Raises
    ------
    ConfigError
        If the file fits no rule, telling what was found and what ``[submission]`` must say.

    Examples
    --------
    >>> import pandas as pd
    >>> sample = pd.DataFrame({"ID": ["a"], "target_0": ["0.5"], "target_1": ["0.5"]})
    >>> dict(derive_schema(sample, ("cat", "dog"), TaskType.BINARY).columns)
    {'target_0': 'cat', 'target_1': 'dog'}
    """
    key, *columns = (str(column) for column in sample.columns)
    if not columns:
        raise _undecided(f"it has the one column {key!r}", "an id column and at least one value column")
    if task is TaskType.REGRESSION:
        if len(columns) > 1:
            raise _undecided(f"it has the value columns {listed(columns)}", "one value column for a regression")
        return SubmissionSchema(key, {columns[0]: POINT}, "point")
    matched = match_classes(columns, classes)
    if matched and (len(columns) > 1 or all(_is_number(cell) for cell in sample[columns[0]].unique())):
        return SubmissionSchema(key, matched, "probabilities")
    if len(columns) == 1:
        return _single_column(key, columns[0], sample[columns[0]], classes, task)
    missing = [name for name in classes if name not in columns]
    raise _undecided(
        f"the columns {listed(columns)} do not match the {len(classes)} classes (without a column:"
        f" {listed(missing) or 'none'})",
        "a column per class, or target_0 .. target_<k-1>",
    )


def match_classes(columns: Sequence[str], classes: Sequence[str]) -> Mapping[str, str]:
    """Match value columns with classes (rules 2 and 3).

    Returns
    -------
    mapping of str to str
        Column -> class in the order of `columns`; empty if they do not match.

    Examples
    --------
    >>> match_classes(["p_b", "p_a"], ["a", "b"])
    {'p_b': 'b', 'p_a': 'a'}
    >>> match_classes(["target_0", "target_1"], ["1", "2"])
    {'target_0': '1', 'target_1': '2'}
    >>> match_classes(["x", "y"], ["a", "b"])
    {}
    """
    if set(columns) == set(classes) or (len(columns) == 1 and columns[0] in classes):
        return {column: column for column in columns}
    if len(columns) != len(classes) or len(columns) < 2:
        return {}
    positions = {str(position): name for position, name in enumerate(classes)}
    for by_suffix in ({name: name for name in classes}, positions):
        for length in range(1, min(len(column) for column in columns)):
            suffixes = [column[length:] for column in columns]
            if len({column[:length] for column in columns}) == 1 and set(suffixes) == set(by_suffix):
                return {column: by_suffix[suffix] for column, suffix in zip(columns, suffixes, strict=True)}
    return {}


def _single_column(
    id: str, column: str, values: pd.Series[str], classes: Sequence[str], task: TaskType
) -> SubmissionSchema:
    found = [str(value) for value in values.unique()]
    labels = SubmissionSchema(id, {column: LABEL}, "labels")
    if task is TaskType.MULTILABEL:
        strange = sorted({word for value in found for word in value.split()} - set(classes))
        if len(strange) <= 1 and all(value in strange or set(value.split()) <= set(classes) for value in found):
            return replace(labels, nothing="".join(strange))
        raise _undecided(
            f"the words {listed(strange)} of the column {column!r} are no classes", "at most one such word"
        )
    are_labels = set(found) <= set(classes)
    are_numbers = all(_is_number(value) for value in found)
    if task is TaskType.BINARY and are_labels != are_numbers:
        return labels if are_labels else SubmissionSchema(id, {column: classes[1]}, "probabilities")
    if task is TaskType.MULTICLASS and are_labels:
        return labels
    if are_labels:
        raise _undecided(f"{listed(found)} in the column {column!r} may be labels or probabilities", "one of the two")
    raise _undecided(f"the column {column!r} holds {listed(found)}", f"one of the classes {listed(classes)}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _undecided(found: str, expected: str) -> ConfigError:
    return ConfigError(
        f"the sample submission does not tell what to submit: {found}, expected {expected}; name id, columns and values"
        " under [submission] in competition.toml"
    )
