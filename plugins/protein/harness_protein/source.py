"""The data source ``protein.sequences``: sequences with a class each, from FASTA or tables, and corpora without."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data import Dataset, DatasetInfo, Examples, check_unique
from harness.errors import DataError, listed
from harness.offers import DataRequest, DatasetSource
from harness_protein.params import SequencesParams

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from harness_protein.reading.tables import Sequences

READER = "protein.sequences 1"
"""Part of every digest."""
SHOWN = 3


@dataclass(eq=False)
class Parts:
    """What was read, before it is cleaned."""

    train: Sequences
    valid: Sequences | None = None
    test: Sequences | None = None
    sample: pd.DataFrame | None = None
    corpora: dict[str, Sequences] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    simulated: bool = False
    licence: str = ""
    url: str = ""
    notes: list[str] = field(default_factory=list)


def load(params: SequencesParams, request: DataRequest) -> Dataset:
    """Read sequences, their classes, and the corpora that were declared.

    Inputs are an object array of str over `ALPHABET` and `UNKNOWN`; `harness_protein.reading.policy` says how they get
    there. ``meta`` has ``length`` (residues) and, where the data has them, ``organism`` and ``group``.

    Raises
    ------
    DataError
        In one line, naming file, column and rows.
    """
    from harness_protein.reading.findings import digest_rows, told
    from harness_protein.reading.tables import with_class

    if not request.task_type.single_label:
        raise DataError(f"{request.competition}: protein.sequences reads one class a row; task = {request.task_type!r}")
    parts, skip_bad = _parts(params, request), request.skip_bad
    for part in ("train", "valid"):
        if (rows := getattr(parts, part)) is not None:
            setattr(parts, part, with_class(rows, skip_bad))
    notes = [*parts.notes, *parts.train.notes]
    classes = parts.classes or _classes(parts.train)
    if params.families:
        classes = _largest(parts, classes, params.families, notes)
    train = _examples(parts.train, classes, "train", notes, skip_bad=skip_bad)
    valid = None if parts.valid is None else _examples(parts.valid, classes, "valid", notes, skip_bad=skip_bad)
    test = None if parts.test is None else _examples(parts.test, None, "test", notes, to_predict=True)
    known = {"test": test, "validation": valid, "training": train}
    given = _corpora(parts, params, request)
    corpora = {name: _corpus(rows, name, known, notes) for name, rows in given.items()}
    notes += told(train, test, classes)
    info = DatasetInfo(
        name=request.competition,
        task_type=request.task_type,
        classes=classes,
        variant=request.variant,
        simulated=parts.simulated,
        notes=tuple(notes),
        url=parts.url,
        licence=parts.licence,
        roles={"group": "group"} if train.meta is not None and "group" in train.meta else {},
        extra={"corpora": list(corpora), "test": test is not None},
    )
    return Dataset(
        info=info,
        train=train,
        valid=valid,
        test=test,
        unlabelled=corpora,
        unlabelled_digest=digest_rows(corpora, READER),
        digest=digest_rows(
            {"train": train, "valid": valid, "test": test}, READER, request.task_type, json.dumps(classes)
        ),
        sample_submission=parts.sample,
    )


def read_new(params: SequencesParams, path: Path, info: DatasetInfo) -> Examples:
    """Read rows to predict from a FASTA file, a table, or the test part of a folder; every row gets an answer.

    Raises
    ------
    DataError
        If the file cannot be read, or the folder has no such part.
    """
    from harness_protein.reading.layouts import find_part
    from harness_protein.reading.tables import read_sequences

    paths = find_part(path, "test", params) if path.is_dir() else [path]
    if not paths:
        raise DataError(f"{path}: no file named test.*; expected Test.csv, or give the file itself")
    return _examples(read_sequences(paths, params, labelled=False), None, info.name, [], to_predict=True)


def _parts(params: SequencesParams, request: DataRequest) -> Parts:
    from harness_protein.reading.layouts import read_folder
    from harness_protein.reading.tables import read_sequences

    if request.path is None and params.sample == "families":
        from harness_protein.samples.families import families

        return families(params)
    if request.path is None and params.sample == "phage":
        from harness_protein.samples.phage import phage

        return phage(params)
    if request.path is None:
        raise DataError(f"{request.competition} ships no data: give a folder, a table or FASTA with --data PATH")
    if request.path.is_dir():
        return read_folder(request.path, params)
    return Parts(read_sequences([request.path], params, labelled=True))


def _corpora(parts: Parts, params: SequencesParams, request: DataRequest) -> dict[str, Sequences]:
    from harness_protein.reading.layouts import read_corpus

    found = dict(parts.corpora)
    for path in request.unlabelled:
        name = path.name.removesuffix(".gz").rsplit(".", 1)[0]
        if name in found:
            raise DataError(f"two unlabelled corpora are named {name!r}: rename one of them")
        found[name] = read_corpus(path, params)
    return found


def _classes(train: Sequences) -> tuple[str, ...]:
    names = set(train.labels or [])
    if all(name.isascii() and name.isdigit() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _largest(parts: Parts, classes: tuple[str, ...], count: int, notes: list[str]) -> tuple[str, ...]:
    """Keep rows of the largest classes only, in every part whose classes are known."""
    sizes = Counter(parts.train.labels)
    kept = set(sorted(classes, key=lambda name: (-sizes[name], name))[:count])
    for part in ("train", "valid", "test"):
        rows = getattr(parts, part)
        if rows is not None and rows.labels is not None:
            setattr(parts, part, rows.take([row for row, label in enumerate(rows.labels) if label in kept]))
    if len(kept) < len(classes):
        notes.append(f"the {len(kept)} largest of {len(classes):,} classes; rows of others are left out")
    return tuple(name for name in classes if name in kept)


def _examples(
    rows: Sequences,
    classes: tuple[str, ...] | None,
    part: str,
    notes: list[str],
    *,
    to_predict: bool = False,
    skip_bad: bool = False,
) -> Examples:
    import numpy as np
    import pandas as pd

    from harness_protein.reading.policy import clean

    check_unique(rows.ids, rows.where)
    cleaned = clean(rows.sequences, rows.ids, rows.where, to_predict=to_predict, skip_bad=skip_bad)
    notes += cleaned.notes
    if not len(cleaned.inputs):
        raise DataError(f"{rows.where}: no row of {part} has a sequence")
    kept = rows.take(cleaned.kept.tolist())
    meta = pd.DataFrame({"length": np.array([len(sequence) for sequence in cleaned.inputs], np.int64)})
    if kept.organisms is not None:
        meta["organism"] = np.array(kept.organisms, object)
    if kept.groups is not None:
        meta["group"] = np.array(kept.groups, object)
    targets = None if classes is None else _codes(kept, classes)
    return Examples(np.array(kept.ids, object), cleaned.inputs, targets, meta)


def _codes(rows: Sequences, classes: tuple[str, ...]) -> NDArray[Any]:
    import numpy as np

    labels = rows.labels or []
    places = {name: code for code, name in enumerate(classes)}
    unknown = sorted({label for label in labels if label not in places})
    if unknown:
        raise DataError(f"{rows.where} has classes that the training rows lack: {listed(unknown, SHOWN)}")
    return np.array([places[label] for label in labels], np.int64)


def _corpus(rows: Sequences, name: str, known: dict[str, Examples | None], notes: list[str]) -> Examples:
    """Return a corpus without doubles and without the sequences of the data set itself.

    What is to be predicted must not be read beforehand, out of fold no more than in the test set; and each fold reads
    its own training rows anyway.
    """
    import numpy as np

    from harness_protein.reading.policy import clean

    cleaned = clean(rows.sequences, rows.ids, f"corpus {name}", skip_bad=True)
    kept, without = dict.fromkeys(cleaned.inputs), []
    for part, examples in known.items():
        held = [] if examples is None else [sequence for sequence in dict.fromkeys(examples.inputs) if sequence in kept]
        for sequence in held:
            del kept[sequence]
        without += [f"{len(held):,} of the {part} set"] if held else []
    if not kept:
        raise DataError(f"{rows.where}: no sequence of the corpus {name!r} is left" + _left_out(without))
    notes += [f"corpus {name}: {len(kept):,} sequences" + _left_out(without), *cleaned.notes]
    inputs = np.empty(len(kept), object)
    inputs[:] = list(kept)
    return Examples(np.array([f"{name}:{row}" for row in range(len(kept))], object), inputs)


def _left_out(without: list[str]) -> str:
    return f"; left out: {', '.join(without)}" if without else ""


def datasets() -> Iterable[DatasetSource]:
    """Yield the plugin's data source."""
    yield DatasetSource(
        "protein.sequences",
        "protein sequences with a class each: FASTA, CSV or TSV, UniProt tables, the Pfam seed split",
        SequencesParams,
        load,
        read_new,
    )
