"""The plugin's answer to ``harness new competition``: a folder with a folder of recordings for each label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import soundfile

from harness.competition import Strategy, Use
from harness.data import TaskType
from harness.errors import ConfigError, DataError, listed
from harness.proposal import Chosen, Given, Proposal
from harness_birdclef.editions.folder import AUDIO_SUFFIXES

LOOKED_AT = 50
"""Recordings whose rate and length are looked at."""
RATES = (8000, 32000)
SECONDS = (1.0, 5.0)
EXAMPLES = (300, 1500)


def propose(given: Given) -> Iterator[Proposal]:
    """Propose what to make of a folder of recordings; nothing if most of its files are something else.

    Raises
    ------
    HarnessError
        If the recordings do not lie in a folder for each label.
    """
    if not given.train.is_dir():
        return
    files = [path for path in given.train.rglob("*") if path.is_file() and not path.name.startswith(".")]
    sounds = sorted(path for path in files if path.suffix.lower() in AUDIO_SUFFIXES)
    if not sounds or len(sounds) < len(files) / 2:
        return
    _check(given)
    labels = _labels(given.train, sounds)
    rate, seconds = _form(sounds)
    root = Path(os.path.commonpath([path.parent for path in (given.train, given.test, given.sample) if path]))
    yield Proposal(
        source="birdclef.recordings",
        about=f"{len(sounds):,} recordings in a folder for each of {len(labels)} labels",
        sure=len(sounds) / len(files),
        path=root,
        task=_task(given, labels),
        params=_params(given, root, rate),
        strategies=_strategies(len(sounds), rate, seconds),
    )


def _check(given: Given) -> None:
    for option, value in {"target": given.target, "id": given.id, "group": given.group, "time": given.time}.items():
        if value:
            raise ConfigError(
                f"--{option} {value!r}: folders of recordings have no columns; a label is a folder's name"
            )
    if given.test is not None:
        found = given.test.rglob("*") if given.test.is_dir() else ()
        if not any(path.suffix.lower() in AUDIO_SUFFIXES for path in found):
            raise DataError(f"--test {given.test}: expected a folder of recordings, as {given.train.name} is one")
    if given.sample is not None and not given.sample.is_file():
        raise DataError(f"--sample {given.sample}: expected a CSV file")


def _labels(folder: Path, sounds: Sequence[Path]) -> list[str]:
    names = {path.relative_to(folder).parts[0] for path in sounds if path.parent != folder}
    if len(names) < 2:
        found = f"one, {next(iter(names))!r}" if names else "none"
        raise DataError(f"{folder}: expected a folder of recordings for each label, two or more; found {found}")
    return sorted(names)


def _task(given: Given, labels: Sequence[str]) -> Chosen:
    if given.task not in (None, TaskType.MULTICLASS):
        raise ConfigError(f"--task {given.task}: folders of recordings have one label a recording: multiclass")
    return Chosen(TaskType.MULTICLASS, f"{len(labels)} labels, each a folder: {listed(labels, 8)}")


def _params(given: Given, root: Path, rate: int) -> dict[str, Chosen]:
    params = {
        "edition": Chosen("folders", "no tables: a folder for each label"),
        "train_audio": Chosen(given.train.relative_to(root).as_posix()),
    }
    if given.test is not None:
        params["test_audio"] = Chosen(given.test.relative_to(root).as_posix())
    if given.sample is not None:
        params["sample_submission"] = Chosen(given.sample.relative_to(root).as_posix())
    params["group"] = Chosen("recording", "nothing tells which recordings belong together")
    params["rate"] = Chosen(rate, "the commonest sampling rate (Hz), within 8 and 32 kHz")
    return params


def _form(sounds: Sequence[Path]) -> tuple[int, float]:
    """Return the commonest rate (Hz) and the median length (s), within bounds."""
    rates, lengths = [], []
    for path in sounds[:: max(1, len(sounds) // LOOKED_AT)]:
        try:
            found = soundfile.info(str(path))
        except soundfile.LibsndfileError:  # the data source tells of it, with all others
            continue
        rates.append(found.samplerate)
        lengths.append(found.duration)
    if not rates:
        raise DataError(f"none of the first recordings can be decoded: {listed((path.name for path in sounds), 3)}")
    rate = max(sorted(set(rates)), key=rates.count)
    seconds = sorted(lengths)[len(lengths) // 2]
    return int(min(RATES[1], max(RATES[0], rate))), round(min(SECONDS[1], max(SECONDS[0], seconds)), 1)


def _strategies(count: int, rate: int, seconds: float) -> tuple[Strategy, ...]:
    heard = {"seconds": seconds, "pad": "repeat", "background": 0.0, "nocall": 0.0}
    examples = min(EXAMPLES[1], max(EXAMPLES[0], 5 * count))
    network = {**heard, "mels": 64, "hop": 1024 if rate > RATES[1] // 2 else 512, "high": min(16000.0, rate / 2)}
    return (
        Strategy(
            "mel-statistics",
            Use("birdclef.mel_statistics", {**heard, "examples": examples, "mixup": 0.0}),
            description="logistic regression on statistics of mel bands around the loudest sounds",
        ),
        Strategy(
            "cnn",
            Use("birdclef.cnn", {**network, "epochs": 15}),
            description="CNN on mel spectrograms, trained on two sounds at a time",
            named_only=True,
        ),
    )
