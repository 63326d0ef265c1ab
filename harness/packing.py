"""A finished run as a folder that predicts without its workspace: the competition's files, its record, its models.

It is a small workspace: ``runs`` and ``tasks`` as the store has them, ``competitions`` beside them, and ``pack.json``
that names the run. Means and blends bring their members.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from harness.errors import StoreError
from harness.files import read_json, write_checksums, write_json
from harness.finding import find_competition
from harness.plugins import load_plugins
from harness.predict import Predicted, predict_new, predict_test
from harness.store import RESULT, RUN, Stored, Workspace, find_run, stored_tasks

PACK = "pack.json"
FORMAT = 1
FOLDERS = ("model", "features")
"""What of a task predicts; its rows and logs stay behind."""
LEFT_OUT = ("__pycache__", ".*", "*.pyc")


def pack_run(workspace: Workspace, stored: Stored, competitions: Path | None, folder: Path) -> None:
    """Write a run, its models and its competition's files into a new folder.

    Raises
    ------
    StoreError
        If the run has no models (an import), a file is damaged, or a model is stored as a pickle, which could run
        anything on the machine that loads it.
    """
    root, competition = workspace.root.resolve(), str(stored.result["competition"])
    home = find_competition(competition, competitions, load_plugins())
    for run in _with_members(workspace, stored):
        tasks = stored_tasks(workspace, run)
        if _is_bare(run):
            raise StoreError(f"{run.directory.name} has no models of its own; there is nothing to pack")
        for task in tasks:
            _copy_task(task, folder / task.resolve().relative_to(root))
        copy = folder / run.directory.resolve().relative_to(root)
        copy.mkdir(parents=True, exist_ok=True)
        for name in (RUN, RESULT, "oof.parquet"):  # a blend by ranks knows its members' OOF predictions
            if (run.directory / name).exists():
                shutil.copyfile(run.directory / name, copy / name)
    shutil.copytree(home, folder / "competitions" / competition, ignore=shutil.ignore_patterns(*LEFT_OUT))
    write_json(folder / PACK, {"format": FORMAT, "run": stored.directory.name, "competition": competition})


def has_models(workspace: Workspace, stored: Stored) -> bool:
    """Tell whether a run and all its members have models, which imported predictions have not."""
    return not any(_is_bare(run) for run in _with_members(workspace, stored))


def _is_bare(run: Stored) -> bool:
    """Whether there is nothing of a run but its predictions: an import."""
    return not run.result["tasks"] and not run.result.get("members")


def predict_packed(folder: Path, source: Path, output: Path) -> Predicted:
    """Predict a file in the layout of the test file with a packed run.

    Raises
    ------
    HarnessError
        If the pack is damaged or of a newer format, a plugin it needs is missing, or the file does not fit.
    """
    return predict_new(Workspace(folder), _packed(folder), source, output, folder / "competitions")


def submit_packed(folder: Path, data: str, output: Path, cache: Path) -> Predicted:
    """Predict the test set of a data set with a packed run, and write the submission.

    Parameters
    ----------
    data : str
        A variant of the competition, or where its files lie.
    cache : Path
        A folder that the data source may fill; the pack itself is not written to.

    Raises
    ------
    HarnessError
        As `predict_packed`, or if there is no test set.
    """
    return predict_test(Workspace(folder), _packed(folder), data, output, folder / "competitions", cache)


def _packed(folder: Path) -> str:
    """Return the name of the packed run."""
    known = read_json(folder / PACK)
    if known.get("format") != FORMAT:
        raise StoreError(f"{folder / PACK} has format {known.get('format')}, expected {FORMAT}; update the harness")
    return str(known["run"])


def _with_members(workspace: Workspace, stored: Stored) -> Iterator[Stored]:
    yield stored
    for member in stored.result.get("members", ()):
        yield from _with_members(workspace, find_run(workspace, member))


def _copy_task(task: Path, copy: Path) -> None:
    if copy.exists():  # runs of a board share tasks
        return
    copy.mkdir(parents=True)
    shutil.copyfile(task / RESULT, copy / RESULT)
    for name in FOLDERS:
        if (task / name).is_dir():
            shutil.copytree(task / name, copy / name)
    for path in copy.rglob("*"):
        if path.is_file() and is_pickle(path):
            raise StoreError(
                f"{task / path.relative_to(copy)} is a pickle, which is not shared; store the model otherwise"
            )
    write_checksums(copy)


def is_pickle(path: Path) -> bool:
    """Tell whether a file is a pickle, or an archive that holds one, as ``torch.save`` writes it.

    Examples
    --------
    >>> import pickle, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "model.bin"
    >>> _ = path.write_bytes(pickle.dumps({"a": [1]}))
    >>> is_pickle(path)
    True
    """
    with path.open("rb") as file:
        head = file.read(2)
        if head[:1] == b"\x80" and len(head) == 2 and head[1] <= 5:  # PROTO and its number open every one since 2
            file.seek(-1, 2)
            return file.read(1) == b"."  # and STOP ends it
    if head != b"PK" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(".pkl") for name in archive.namelist())
