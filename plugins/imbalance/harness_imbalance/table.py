"""The data source ``imbalance.table``: a table from CSV or Parquet whose roles are declared in TOML.

Another tabular competition, classification or regression, needs a competition file and nothing else. Nothing heavy is
imported until a table is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import Dataset, DatasetInfo, Examples, TaskType, digest_files
from harness.errors import ConfigError, DataError
from harness.offers import DataRequest, DatasetSource
from harness.params import as_json, param

if TYPE_CHECKING:
    import pandas as pd

    from harness.tabular.columns import Schema
    from harness_imbalance.labels import Labels

ROLES = ("group", "time", "latitude", "longitude", "region")
"""Meta columns of these names are what they say; splits are audited by them."""
READER = "imbalance.table 1"
"""Part of every digest: a change in how files are read makes other data of the same bytes."""
LATER = ("text", "group", "time", "time_format", "encoding")
"""Parameters that came later: no part of a digest where they are empty, so that older runs stay comparable."""


@dataclass(frozen=True)
class TableParams:
    """Roles of a table's columns and files. File names may be patterns (``train.*``) within the data's folder."""

    target: str = param("target", "column to predict")
    id: str = param("", "column that names a row, kept as text; empty: the row's number")
    positive: str = param("", "binary: the positive class, second in the order of classes")
    rest: str = param("", "binary: name under which all classes but the positive one are merged")
    classes: tuple[str, ...] = param((), "order of the classes (binary: positive last); empty: sorted")
    categorical: tuple[str, ...] = param((), "columns of numeric codes that are categories; text always is")
    drop: tuple[str, ...] = param((), "columns to leave out")
    text: tuple[str, ...] = param((), "columns of free text, which features turn into numbers")
    group: str = param("", "column that says which rows belong together; kept beside the inputs")
    time: str = param("", "column that says when a row is from; kept beside the inputs")
    time_format: str = param("", "how the dates in time are written ('%d/%m/%Y'); empty: ISO 8601, or numbers")
    meta: tuple[str, ...] = param((), "columns kept beside the inputs: group, time, ...")
    missing: tuple[str, ...] = param((), "texts that mean a missing value, besides the usual ones")
    separator: str = param(",", "between the values of a CSV")
    encoding: str = param("", "of the characters of a CSV ('cp1252'); empty: UTF-8")
    train: str = param("train.*", "file of the training rows")
    validation: str = param("", "file of a labelled set that resembles the test; never trained on")
    validation_truth: str = param("", "file with the labels of validation, joined by id, if they are apart")
    test: str = param("", "file of the rows to predict")
    sample_submission: str = param("", "the competition's own sample file")
    embedded: str = param("", "instead of files: a real table that an installed package ships")
    rows: int = param(0, "embedded: rows to draw from it; 0: all", low=0)
    holdout: float = param(0.2, "embedded: share of the rows cut off as validation, and again as test", low=0, high=0.4)
    thin: float = param(1.0, "embedded: share of the majority class kept in both hold-outs", low=0, high=1)
    holdout_seed: int = param(0, "embedded: seed of the rows drawn and of the hold-outs", low=0)


@dataclass(frozen=True, eq=False)
class Tables:
    """The parts of a data set as tables, ids and targets still among their columns.

    Attributes
    ----------
    where : mapping of str to str
        Name of each part's file, for messages.
    paths : tuple of Path
        Every file that was read.
    """

    train: pd.DataFrame
    validation: pd.DataFrame | None
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    where: dict[str, str]
    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    url: str = ""
    licence: str = ""


def load(params: TableParams, request: DataRequest) -> Dataset:
    """Read a table, its validation and test sets.

    Inputs are DataFrames: numbers as float64, categories as ``category`` with text levels in an order fixed by the
    training rows. A level that they do not hold becomes a missing value elsewhere. Infinite numbers are refused.

    Raises
    ------
    DataError
        In one line, naming file, column and rows.
    """
    from harness.tabular.columns import learn_schema
    from harness_imbalance.labels import learn_labels

    if request.task_type is TaskType.MULTILABEL:
        raise DataError(f"{request.competition}: imbalance.table reads one target a row; task = 'multilabel' has many")
    if request.path is None and params.embedded and not params.id:
        params = replace(params, id="id")
    facts = {name: value for name, value in as_json(params).items() if name not in LATER or value}
    params = with_roles(params)
    if set(params.meta) & set(params.drop):
        raise ConfigError(f"{request.competition}: data: both in meta and drop: {set(params.meta) & set(params.drop)}")
    tables = read_tables(params, request)
    schema = learn_schema(tables.train, params, tables.where["train"], params.text)
    labels = learn_labels(tables.train, params, request.task_type, tables.where["train"])
    parts = {
        name: _examples(frame, params, schema, labels if name != "test" else None, name, tables.where[name])
        for name, frame in (("train", tables.train), ("valid", tables.validation), ("test", tables.test))
        if frame is not None
    }
    info = DatasetInfo(
        name=request.competition,
        task_type=request.task_type,
        classes=labels.classes,
        columns=schema.columns,
        variant=request.variant,
        notes=tables.notes,
        url=tables.url,
        licence=tables.licence,
        roles=roles_of(params),
        extra={"levels": {name: list(levels) for name, levels in schema.levels.items()}},
    )
    return Dataset(
        info=info,
        train=parts["train"],
        valid=parts.get("valid"),
        test=parts.get("test"),
        digest=digest_files(tables.paths, READER, request.task_type, json.dumps(facts)),
        sample_submission=tables.sample,
    )


def with_roles(params: TableParams) -> TableParams:
    """Return the parameters with the columns of group and time among those kept beside the inputs."""
    named = (name for name in (params.group, params.time) if name)
    return replace(params, meta=tuple(dict.fromkeys((*params.meta, *named))))


def roles_of(params: TableParams) -> dict[str, str]:
    """Return the meta column of each role: the one that is named for it, or the one of its name.

    Examples
    --------
    >>> roles_of(TableParams("y", group="patient", meta=("patient", "time")))
    {'group': 'patient', 'time': 'time'}
    """
    named = {"group": params.group, "time": params.time}
    return {role: named.get(role) or role for role in ROLES if named.get(role) or role in params.meta}


def read_new(params: TableParams, path: Path, info: DatasetInfo) -> Examples:
    """Read new rows to predict, with the columns and levels of the training data; a target column is left out.

    Raises
    ------
    DataError
        If the file cannot be read, or its columns are not those of `info`.
    """
    from harness.tabular.columns import Schema
    from harness.tabular.files import read_table

    params = with_roles(params)
    levels = {name: tuple(values) for name, values in info.extra.get("levels", {}).items()}
    texts = (column.name for column in info.columns if column.kind in ("category", "text"))
    frame = read_table(path, params, texts)
    return _examples(frame, params, Schema(info.columns, levels), None, "test", path.name)


def read_tables(params: TableParams, request: DataRequest) -> Tables:
    """Read what the request asks for: the user's folder or file, what a package ships, or the competition's folder."""
    if request.path is None and params.embedded:
        from harness_imbalance.sample import cut_sample

        return cut_sample(params)
    if request.path is None and not any(request.home.glob(params.train)):
        raise DataError(
            f"{request.competition} ships no data: give a folder that holds {_expected(params)} with --data PATH"
        )
    place = request.path or request.home
    if place.is_file():
        return _read_files(replace(params, validation="", validation_truth="", test="", sample_submission=""), place)
    if not place.is_dir():
        raise DataError(f"{place}: no such folder or file; expected a folder that holds {_expected(params)}")
    return _read_files(params, place)


def _expected(params: TableParams) -> str:
    names = (params.train, params.validation, params.validation_truth, params.test, params.sample_submission)
    return ", ".join(name for name in names if name)


def _read_files(params: TableParams, place: Path) -> Tables:
    from harness.tabular.columns import text_columns
    from harness.tabular.files import join_truth, locate, read_sample, read_table

    names = ("validation", "validation_truth", "test", "sample_submission")
    paths = {"train": place if place.is_file() else locate(place, params.train, "train")}
    # all are found before any is read: a misspelt test file must not cost a long read first
    paths |= {name: locate(place, getattr(params, name), name) for name in names if getattr(params, name)}
    train = read_table(paths["train"], params, (*params.categorical, *params.text))
    texts = text_columns(train)
    valid = read_table(paths["validation"], params, texts) if "validation" in paths else None
    if "validation_truth" in paths and valid is not None:
        valid = join_truth(valid, read_table(paths["validation_truth"], params, ()), params, paths)
    return Tables(
        train=train,
        validation=valid,
        test=read_table(paths["test"], params, texts) if "test" in paths else None,
        sample=read_sample(paths["sample_submission"], params) if "sample_submission" in paths else None,
        where={
            "train": paths["train"].name,
            "valid": paths.get("validation", place).name,
            "test": paths.get("test", place).name,
        },
        paths=tuple(paths.values()),
    )


def _examples(
    frame: pd.DataFrame, params: TableParams, schema: Schema, labels: Labels | None, part: str, where: str
) -> Examples:
    from harness.tabular.columns import inputs_of, row_ids

    ids = row_ids(frame, params, part, where)
    meta = frame.reindex(columns=list(params.meta)).reset_index(drop=True) if params.meta else None
    if meta is not None and params.time in frame:
        meta[params.time] = _times(meta[params.time], params, where)
    targets: Any = None if labels is None else labels.encode(frame, params.target, ids, where)
    return Examples(ids=ids, inputs=inputs_of(frame, params, schema, ids, where), targets=targets, meta=meta)


def _times(values: pd.Series, params: TableParams, where: str) -> pd.Series:
    """Return the column of times as numbers, dates or ISO 8601 text."""
    import pandas as pd

    from harness.tabular.dates import date_forms, read_dates

    if params.time == params.id and not params.time_format:
        numbers = pd.to_numeric(values, errors="coerce")  # ids are read as text
        if numbers.notna().all():
            return numbers
    if pd.api.types.is_numeric_dtype(values.dtype) and not params.time_format:
        return values
    read = read_dates(values, params.time_format)
    strange = values[(read.isna() & values.notna()).to_numpy()]
    if len(strange):
        form = next(iter(date_forms(values)), "") or "%d/%m/%Y"
        found = f"of the form {params.time_format!r}" if params.time_format else "an ISO 8601 date or a number"
        raise DataError(
            f"{where}: time = {params.time!r}: {str(strange.iloc[0])!r} is not {found}, in {len(strange)} rows; say how"
            f" dates are written: time_format = {form!r} under [data.params]"
        )
    return read if params.time_format else values


def datasets() -> Iterable[DatasetSource]:
    """Yield the plugin's data sources."""
    yield DatasetSource("imbalance.table", "a table from CSV or Parquet, also compressed", TableParams, load, read_new)
