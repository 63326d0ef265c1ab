"""An edition's tables and its scanned files made into a data set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.data import Dataset, DatasetInfo, Examples, TaskType, digest_files
from harness.errors import ConfigError, DataError, listed
from harness.files import atomic_directory, listed_in
from harness.offers import DataRequest
from harness.params import as_json
from harness_birdclef.editions import Layout, Tables, read_edition
from harness_birdclef.editions.edition_2022 import split_row_id
from harness_birdclef.recordings import Files, Recordings
from harness_birdclef.rows import rows_of
from harness_birdclef.sound.decoded import Decoded
from harness_birdclef.sound.scan import Scanned, notes_on, scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_birdclef.source import RecordingsParams

READER = "birdclef.recordings 1"
"""Part of every digest: a change in how files are read makes other data of the same bytes."""
SIMULATION = 1
"""Counts changes to what is simulated, so that an older one in the cache is not taken for it."""
GB = 1e9
SOUNDSCAPES = "soundscapes"
BAD = "bad-files.txt"
"""Where all of them are named, in the cache."""


def assemble(params: RecordingsParams, request: DataRequest) -> Dataset:
    """Read, scan and join; see `harness_birdclef.source.load`."""
    if request.task_type not in (TaskType.MULTILABEL, TaskType.MULTICLASS):
        raise ConfigError(
            f"{request.competition}: birdclef.recordings reads multilabel and multiclass tasks,"
            f" found {request.task_type.value!r}"
        )
    root, simulated = _root(params, request)
    tables = read_edition(root, params.edition, _layout(params), params.unknown_label)
    store = Decoded(request.cache / "decoded", params.rate, params.cache_gb * GB)
    scanned = scan(root, _paths(tables), store)
    tables, notes = _without_bad(tables, scanned, request.skip_bad or params.bad_files == "skip", request.cache)
    files = Files(root, tuple(scanned), tuple(file.facts for file in scanned.values()), store)
    whole_files = tables.test is not None and bool(tables.test["end"].isna().all())
    info = DatasetInfo(
        name=request.competition,
        task_type=request.task_type,
        classes=tables.classes,
        variant=request.variant,
        simulated=simulated,
        notes=(*tables.notes, *notes, *notes_on(scanned.values(), params.rate)),
        roles={"group": "group"},
        extra={
            "rate": params.rate,
            "window": params.window,
            "edition": params.edition,
            "whole_files": whole_files,
            "asked": asked_species(tables, params.edition),
        },
    )
    return Dataset(
        info=info,
        train=_train(tables, files, params, request.task_type),
        test=None if tables.test is None else rows_of(tables.test, files, "window", params),
        unlabelled={SOUNDSCAPES: rows_of(_whole(tables.soundscapes), files, "clip", params)}
        if tables.soundscapes
        else {},
        digest=_digest(root, tables, scanned, params, request, simulated),
        sample_submission=tables.sample_submission,
    )


def _root(params: RecordingsParams, request: DataRequest) -> tuple[Path, bool]:
    if request.path is not None:
        if not request.path.is_dir():
            raise DataError(f"{request.path} is no folder; expected one in the layout of edition {params.edition}")
        return request.path, False
    if not params.simulate:
        return request.home, False
    from harness_birdclef.simulation import Scene, simulate

    scene = Scene(
        species=params.simulate_species,
        clips=params.simulate_clips,
        soundscapes=params.simulate_soundscapes,
        test_soundscapes=params.simulate_test_soundscapes,
        minutes=params.simulate_minutes,
        seed=params.simulate_seed,
    )
    name = "-".join(str(value) for value in (SIMULATION, params.edition, *asdict(scene).values()))
    folder = request.cache / f"simulated-{name}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_directory(folder) as out:
            simulate(out, params.edition, scene)
    return folder, True


def asked_species(tables: Tables, edition: str) -> list[str]:
    """Return the species that 2022's submission asks for, in the order of the classes; of other editions nothing."""
    if edition != "2022" or tables.sample_submission is None:
        return []
    asked = {split_row_id(str(name))[1] for name in tables.sample_submission.iloc[:, 0]}
    return [name for name in tables.classes if name in asked]


def _layout(params: RecordingsParams) -> Layout:
    return Layout(
        train_audio=params.train_audio,
        train_table=params.train_table,
        labels_table=params.labels_table,
        train_soundscapes=params.train_soundscapes,
        test_audio=params.test_audio,
        test_table=params.test_table,
        sample_submission=params.sample_submission,
    )


def _whole(paths: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": [Path(path).stem for path in paths], "path": list(paths)})


def _paths(tables: Tables) -> list[str]:
    paths: list[str] = list(tables.clips["path"])
    for part in (tables.windows, tables.test):
        paths += [] if part is None else list(part["path"])
    return [path for path in dict.fromkeys([*paths, *tables.soundscapes]) if path]


def _without_bad(
    tables: Tables, scanned: dict[str, Scanned], skip: bool, cache: Path
) -> tuple[Tables, tuple[str, ...]]:
    """Apply the policy to recordings that cannot be used; rows to predict stay."""
    from dataclasses import replace

    bad = {path: file.problem for path, file in scanned.items() if file.problem}
    test = set() if tables.test is None else set(tables.test["path"])
    of_train = {path: problem for path, problem in bad.items() if path not in test}
    told = [f"{path} {problem}" for path, problem in of_train.items()]
    if told and not skip:
        raise DataError(
            f"{len(told)} training recordings cannot be used: {listed_in(told, cache / BAD)};"
            " mend them, or leave them out with --skip-bad"
        )
    notes = [f"{len(told)} training recordings left out: {listed(told, 5)}"] if told else []
    silent = [f"{path} {bad[path]}" for path in bad if path in test]
    if silent:
        notes.append(f"{len(silent)} recordings to predict are taken for silence: {listed(silent, 5)}")
    clips = tables.clips[~tables.clips["path"].isin(list(of_train))].reset_index(drop=True)
    windows = tables.windows
    if windows is not None:
        windows = windows[~windows["path"].isin(list(of_train))].reset_index(drop=True)
        beyond = sum(
            start >= scanned[path].seconds for path, start in zip(windows["path"], windows["start"], strict=True)
        )
        if beyond:
            notes.append(f"{beyond} labelled windows lie beyond the end of their recording; they are silence")
    soundscapes = tuple(path for path in tables.soundscapes if path not in of_train)
    if not len(clips) and (windows is None or not len(windows)):
        raise DataError("no training recording is left that can be used")
    return replace(tables, clips=clips, windows=windows, soundscapes=soundscapes), tuple(notes)


def _train(tables: Tables, files: Files, params: RecordingsParams, task: TaskType) -> Examples:
    """Join recordings and labelled windows; where there are such windows, only they are scored."""
    clips = rows_of(tables.clips, files, "clip", params)
    labels = [
        (label, *secondary) for label, secondary in zip(tables.clips["label"], tables.clips["secondary"], strict=True)
    ]
    if tables.windows is None or not len(tables.windows):
        return _labelled([clips], labels, tables.classes, task, None)
    if task is not TaskType.MULTILABEL:
        raise ConfigError("labelled soundscapes need task = 'multilabel': a window may hold several species, or none")
    windows = rows_of(tables.windows, files, "window", params)
    scored = np.concatenate([np.zeros(len(clips), dtype=bool), np.ones(len(windows), dtype=bool)])
    return _labelled([clips, windows], [*labels, *tables.windows["labels"]], tables.classes, task, scored)


def _labelled(
    parts: Sequence[Examples],
    labels: Sequence[tuple[str, ...]],
    classes: tuple[str, ...],
    task: TaskType,
    scored: NDArray[np.bool_] | None,
) -> Examples:
    codes = {name: code for code, name in enumerate(classes)}
    targets: NDArray[Any]
    if task is TaskType.MULTICLASS:
        targets = np.array([codes[names[0]] for names in labels], dtype=np.int64)
    else:
        targets = np.zeros((len(labels), len(classes)), dtype=np.int8)
        for row, names in enumerate(labels):
            targets[row, [codes[name] for name in names]] = 1
    first = parts[0].inputs
    inputs = Recordings(
        first.files,
        np.concatenate([part.inputs.which for part in parts]),
        np.concatenate([part.inputs.start for part in parts]),
        np.concatenate([part.inputs.end for part in parts]),
    )
    meta = pd.concat([part.meta for part in parts], ignore_index=True)
    meta["label"] = [
        names[0] if names and kind == "clip" else "" for names, kind in zip(labels, meta["kind"], strict=True)
    ]
    return Examples(np.concatenate([part.ids for part in parts]), inputs, targets, meta, scored=scored)


def _digest(
    root: Path,
    tables: Tables,
    scanned: dict[str, Scanned],
    params: RecordingsParams,
    request: DataRequest,
    simulated: bool,
) -> str:
    """Digest tables, recordings and parameters; a simulation by its parameters, as its Vorbis files are never equal."""
    kept = {name: value for name, value in as_json(params).items() if name != "cache_gb"}
    facts = [READER, f"simulation {SIMULATION}", request.task_type.value, json.dumps(kept)]
    if simulated:
        return digest_files((), *facts)
    audio: Iterable[str] = (f"{path} {file.digest}" for path, file in sorted(scanned.items()))
    return digest_files([root / name for name in tables.files], *facts, *audio)
