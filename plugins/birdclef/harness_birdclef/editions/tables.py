"""What every edition is read into, where each keeps its files, and the way to read one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from harness.errors import ConfigError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

UnknownLabel = Literal["refuse", "drop"]


@dataclass(frozen=True, eq=False)
class Tables:
    """An edition's folder, read.

    Strings are never parsed as numbers; "" is unknown. Paths are relative to the edition's folder, with ``/``.

    Attributes
    ----------
    classes : tuple of str
        Global class order: that of the sample submission's columns where it has a column for each class, else sorted.
    clips : DataFrame
        Training recordings: id (``<label>/<stem>``), path, label, secondary (tuple of str), author, site, latitude,
        longitude (degrees, NaN unknown), date (ISO), time (HH:MM[:SS]).
    windows : DataFrame or None
        Labelled windows of soundscapes: id, path, start, end (s), labels (tuple of str; empty means nocall), site,
        date, time.
    test : DataFrame or None
        id, path ("" where the file is not there), start, end (s; both NaN for a whole file), site, date, time,
        latitude, longitude.
    soundscapes : tuple of str
        Paths of soundscapes without labels.
    sample_submission : DataFrame or None
        Every value the string that is in the file.
    missing : tuple of str
        Recordings that a table names and that are not there: ``<label>/<file>``, or the soundscape's name.
    strays : tuple of str
        Audio files among the training recordings that no row names.
    notes : tuple of str
        What a reader of scores must know.
    files : tuple of str
        The tables that were read.
    """

    classes: tuple[str, ...]
    clips: pd.DataFrame
    windows: pd.DataFrame | None
    test: pd.DataFrame | None
    soundscapes: tuple[str, ...]
    sample_submission: pd.DataFrame | None
    missing: tuple[str, ...]
    strays: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Names of an edition's files and folders, relative to its folder; "" stands for the edition's own.

    Attributes
    ----------
    train_audio, train_soundscapes, test_audio : str
        Folders. Those of 2024's soundscapes without labels are its ``train_soundscapes``.
    train_table, labels_table, test_table, sample_submission : str
        CSV files; the labels are those of windows of training soundscapes.
    """

    train_audio: str = ""
    train_table: str = ""
    labels_table: str = ""
    train_soundscapes: str = ""
    test_audio: str = ""
    test_table: str = ""
    sample_submission: str = ""

    def over(self, other: Layout) -> Layout:
        """Return this layout, and the other's names where this one has none.

        Examples
        --------
        >>> Layout(test_audio="mine").over(Layout("train_audio", test_audio="theirs")).test_audio
        'mine'
        """
        return Layout(**{one.name: getattr(self, one.name) or getattr(other, one.name) for one in fields(self)})


_SAMPLE = "sample_submission.csv"
_METADATA = "train_metadata.csv"
_TEST = "test_soundscapes"

LAYOUTS = {
    "2021": Layout(
        "train_short_audio", _METADATA, "train_soundscape_labels.csv", "train_soundscapes", _TEST, "test.csv", _SAMPLE
    ),
    "2022": Layout("train_audio", _METADATA, "", "", _TEST, "test.csv", _SAMPLE),
    "2023": Layout("train_audio", _METADATA, "", "", _TEST, "", _SAMPLE),
    "2024": Layout("train_audio", _METADATA, "", "unlabeled_soundscapes", _TEST, "", _SAMPLE),
    "2025": Layout("train_audio", "train.csv", "", "train_soundscapes", _TEST, "", _SAMPLE),
    "2026": Layout("train_audio", "train.csv", "train_soundscapes_labels.csv", "train_soundscapes", _TEST, "", _SAMPLE),
    "folders": Layout("train", test_audio="test"),
}
EDITIONS: tuple[str, ...] = tuple(LAYOUTS)


def read_edition(root: Path, edition: str, layout: Layout, unknown_label: UnknownLabel) -> Tables:
    """Read the folder of an edition; no audio is decoded.

    Parameters
    ----------
    edition : str
        One of `EDITIONS`.
    unknown_label : str
        What to do with labels that are no class: ``refuse``, or ``drop`` and count them in a note.

    Raises
    ------
    ConfigError
        If the edition is unknown, or the layout names a file that the edition does not have.
    DataError
        In one line, if a file, folder or column is missing, or what stands in it cannot be used.
    """
    from harness_birdclef.editions import edition_2021, edition_2022, edition_2023, label_folders
    from harness_birdclef.editions.folder import EditionFolder

    _check(edition)
    folder = EditionFolder(root, edition, layout.over(LAYOUTS[edition]), given=layout)
    known = {"2021": edition_2021.read, "2022": edition_2022.read, "folders": label_folders.read}
    read = known.get(edition, edition_2023.read)
    return read(folder, unknown_label)


def read_window_labels(path: Path, edition: str) -> pd.DataFrame:
    """Read an edition's table of labelled windows alone, whether the soundscapes are there or not.

    Returns
    -------
    DataFrame
        As `Tables.windows`, with ``recording``, what the table calls the soundscape, in place of ``path``.

    Raises
    ------
    ConfigError
        If the edition is unknown.
    DataError
        If the table cannot be read.
    """
    from harness_birdclef.editions import edition_2021, edition_2026

    _check(edition)
    labels = edition_2021.read_labels if edition == "2021" else edition_2026.read_labels
    return labels(path.parent, path.name).frame


def _check(edition: str) -> None:
    if edition not in EDITIONS:
        raise ConfigError(f"data: edition = {edition!r}: there is no such edition{nearest(edition, EDITIONS)}")
