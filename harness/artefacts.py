"""Two runs compared in the order of the flow: folds, stages, raw predictions, OOF, scores, submission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.files import CHECKSUMS, read_json, verify_checksums
from harness.planning import flatten
from harness.store import RESULT, Stored, Workspace, digest_of

if TYPE_CHECKING:
    import pandas as pd

SAME, DIFFERS, ABSENT = "same", "differs", "not stored"
LATER = ("adjusters", "refit", "evaluation")
"""Parts of a run's identity that its raw predictions do not depend on."""


@dataclass(frozen=True)
class Compared:
    """One artefact of a run and of its rebuilding.

    Attributes
    ----------
    artefact : str
        ``fold 2: oof.npy``
    state : str
        `SAME`, `DIFFERS`, or `ABSENT` where the earlier one is not stored (any more).
    detail : str
        How it differs.
    """

    artefact: str
    state: str
    detail: str = ""


def tasks_of(stored: Stored, workspace: Workspace) -> Path | None:
    """Return the folder of a run's tasks, None for one that was not trained."""
    identity = stored.run["identity"]
    if "model" not in identity:
        return None
    training = {name: value for name, value in identity.items() if name not in LATER}
    return workspace.runs(stored.result["competition"]) / "tasks" / digest_of(training)[:16]


def compare_folds(stored: Stored, ids: Any, folds: Any) -> Compared:
    """Compare which rows are in which fold, before anything is trained.

    Parameters
    ----------
    ids, folds : (n,) arrays
        Of the OOF rows, in their order.
    """
    import numpy as np
    import pandas as pd

    known = pd.read_parquet(stored.directory / "oof.parquet", columns=["id", "fold"])
    if len(known) != len(ids) or not np.array_equal(known["id"].to_numpy(object), ids):
        return Compared("folds", DIFFERS, f"{len(known):,} rows were predicted, now {len(ids):,}, or others")
    moved = int((known["fold"].to_numpy() != folds).sum())
    return Compared("folds", DIFFERS, f"{moved:,} rows are in another fold") if moved else Compared("folds", SAME)


def compare_stages(before: Path, now: Path) -> Iterator[Compared]:
    """Compare the stages that a rebuilding ran with those of the same key in the earlier cache."""
    for made in sorted(path for path in (now / "stages").glob("*") if (path / CHECKSUMS).is_file()):
        name, known = f"stage {made.name}", before / "stages" / made.name
        if not (known / CHECKSUMS).is_file():
            yield Compared(name, ABSENT)
            continue
        old, new = read_json(known / CHECKSUMS), read_json(made / CHECKSUMS)
        wrong = [file for file in sorted({*old, *new}) if old.get(file) != new.get(file)]
        yield Compared(name, DIFFERS, f"file {wrong[0]}") if wrong else Compared(name, SAME)


def compare_tasks(before: Path, now: Path) -> Iterator[Compared]:
    """Compare the raw predictions of each fold, and of the refit."""
    for made in sorted((path for path in now.iterdir() if (path / RESULT).is_file()), key=_position):
        name = made.name if made.name == "refit" else f"fold {made.name}"
        known = before / made.name
        if not (known / RESULT).is_file():
            yield Compared(name, ABSENT)
            continue
        for file in ("oof.npy", "valid.npy", "test.npy"):
            if (made / file).is_file():
                yield _compare_values(f"{name}: {file}", known, made, file)


def _position(path: Path) -> tuple[int, str]:
    return (int(path.name), "") if path.name.isdecimal() else (1 << 30, path.name)


def _compare_values(name: str, before: Path, now: Path, file: str) -> Compared:
    import numpy as np

    problems = [problem for problem in verify_checksums(before) if f"/{file} " in problem]
    if problems:
        return Compared(name, DIFFERS, f"the stored file was changed since it was written: {problems[0]}")
    return Compared(name, *_states(np.load(before / file, allow_pickle=False), np.load(now / file, allow_pickle=False)))


def _states(old: Any, new: Any) -> tuple[str, str]:
    import numpy as np

    if old.shape != new.shape:
        return DIFFERS, f"shape {old.shape} -> {new.shape}"
    apart = np.abs(np.nan_to_num(old) - np.nan_to_num(new))
    wrong = (apart > 0) | (np.isnan(old) != np.isnan(new))
    if not wrong.any():
        return SAME, ""
    return DIFFERS, f"{int(wrong.any(axis=-1).sum()):,} of {len(old):,} rows, by up to {apart.max():.3g}"


def compare_results(before: Stored, now: Stored) -> Iterator[Compared]:
    """Compare what lies in the folders of two runs: predictions, scores, submission."""
    import pandas as pd

    for file in ("oof.parquet", "valid.parquet", "test.parquet"):
        old, new = before.directory / file, now.directory / file
        if new.is_file() and old.is_file():
            yield Compared(file, *_compare_tables(pd.read_parquet(old), pd.read_parquet(new)))
        elif new.is_file() or old.is_file():
            yield Compared(file, DIFFERS, "only one of the two runs has it")
    yield Compared("scores", *_compare_scores(before.result["scores"], now.result["scores"]))
    old, new = before.directory / "submission.csv", now.directory / "submission.csv"
    if old.is_file() and new.is_file():
        same = old.read_bytes() == new.read_bytes()
        yield Compared("submission.csv", SAME if same else DIFFERS, "" if same else "other bytes")
    elif old.is_file() or new.is_file():
        yield Compared("submission.csv", DIFFERS, "only one of the two runs has it")


def _compare_tables(old: pd.DataFrame, new: pd.DataFrame) -> tuple[str, str]:
    import pandas as pd

    if list(old.columns) != list(new.columns) or len(old) != len(new):
        return DIFFERS, f"{old.shape[0]:,} rows and {old.shape[1]} columns -> {new.shape[0]:,} and {new.shape[1]}"
    for name in old.columns:
        if old[name].equals(new[name]):
            continue
        rows = int(((old[name] != new[name]) & ~(old[name].isna() & new[name].isna())).sum())
        numeric = pd.api.types.is_numeric_dtype(old[name]) and pd.api.types.is_numeric_dtype(new[name])
        most = f", by up to {(old[name].astype(float) - new[name].astype(float)).abs().max():.3g}" if numeric else ""
        return DIFFERS, f"column {name!r}: {rows:,} of {len(old):,} rows{most}"
    return SAME, ""


def _compare_scores(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str]:
    before, now = dict(flatten(old)), dict(flatten(new))
    for name in [*before, *(name for name in now if name not in before)]:
        if before.get(name) != now.get(name):
            return DIFFERS, f"{name}: {before.get(name, '-')} -> {now.get(name, '-')}"
    return SAME, ""
