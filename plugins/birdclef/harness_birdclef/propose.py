"""The plugin's answer to ``harness new competition``: a folder with a folder of recordings for each label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import soundfile

from harness.class_folders import ClassFolders, class_folders
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
    found = class_folders(given, AUDIO_SUFFIXES, "recordings")
    if found is None:
        return
    rate, seconds = _form(found.files)
    yield Proposal(
        source="birdclef.recordings",
        about=f"{len(found.files):,} recordings in a folder for each of {len(found.classes)} labels",
        sure=found.share,
        path=found.root,
        task=_task(given, found.classes),
        params=_params(given, found, rate),
        strategies=_strategies(len(found.files), rate, seconds),
    )


def _task(given: Given, labels: Sequence[str]) -> Chosen:
    if given.task not in (None, TaskType.MULTICLASS):
        raise ConfigError(f"--task {given.task}: folders of recordings have one label a recording: multiclass")
    return Chosen(TaskType.MULTICLASS, f"{len(labels)} labels, each a folder: {listed(labels, 8)}")


def _params(given: Given, found: ClassFolders, rate: int) -> dict[str, Chosen]:
    return {
        "edition": Chosen("folders", "no tables: a folder for each label"),
        **found.named(train_audio=given.train, test_audio=given.test, sample_submission=given.sample),
        "group": Chosen("recording", "nothing tells which recordings belong together"),
        "rate": Chosen(rate, "the commonest sampling rate (Hz), within 8 and 32 kHz"),
    }


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
