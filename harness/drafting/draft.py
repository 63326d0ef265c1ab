"""All decisions on a new competition, from the files to what ``competition.toml`` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.competition import Blend, Competition, DataSpec, Use, VariantSpec
from harness.data import Dataset, TaskType
from harness.drafting.asked import Asked, what_is_asked
from harness.drafting.gather import surest
from harness.drafting.split import FOLDS, Split, base_split, choose_split
from harness.errors import ConfigError, DataError, listed
from harness.leaks.scan import scan
from harness.plugins import Plugins
from harness.prepare import Prepared, Setting, assembled, load_dataset
from harness.proposal import Chosen, Given, Proposal

if TYPE_CHECKING:
    from harness.findings import Finding

LOCAL = "local"
"""The variant that names the person's own files."""
FIRST_METRIC = {TaskType.REGRESSION: "rmse"}
THRESHOLD = "threshold"


@dataclass(frozen=True)
class Wishes:
    """What a person decides beside what plugins need to know; empty leaves it to the data."""

    metric: str = ""
    split: str = ""
    folds: int = FOLDS
    source: str = ""
    title: str = ""


@dataclass(frozen=True, eq=False)
class Draft:
    """A new competition with a reason for everything.

    Attributes
    ----------
    competition : Competition
        As it will be read back, but for the path of the data, which is absolute here.
    adjuster : Chosen or None
        Name of the adjuster that all strategies share.
    rows : mapping of str to int
        By part.
    findings : tuple of Finding
        What the leak scan found.
    """

    competition: Competition
    proposal: Proposal
    split: Split
    asked: Asked
    adjuster: Chosen | None
    rows: dict[str, int]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    has_sample: bool


def make_draft(
    home: Path,
    given: Given,
    wishes: Wishes,
    plugins: Plugins,
    cache: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Draft:
    """Decide everything that ``competition.toml`` must say; nothing is written.

    Parameters
    ----------
    home : Path
        The competition's folder, which need not exist.
    cache : Path
        The workspace's cache folder.
    tell : callable
        Is told what is being done.

    Raises
    ------
    HarnessError
        If the files cannot be used or leave something open, with the option that decides it.
    """
    tell("asking plugins")
    proposal = surest(given, plugins, wishes.source)
    start = _plain(home, proposal, wishes)
    setting = Setting(home, cache)
    tell("reading")
    dataset = load_dataset(start, plugins, setting)
    _check_ids(dataset)
    few = _check_folds(dataset, wishes.folds)
    asked = what_is_asked(dataset, plugins, wishes.metric, (proposal.id, proposal.target))
    adjuster = _adjuster(asked)
    competition = _complete(start, proposal, asked, adjuster)
    prepared = assembled(setting, competition, plugins, dataset)
    tell("comparing train with test")

    def cut(use: Use) -> Prepared:
        return assembled(setting, replace(competition, split=use), plugins, dataset)

    split, prepared = choose_split(prepared, cut, wishes.split)
    parts = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    return Draft(
        competition=replace(prepared.competition, split_allowed=split.allow),
        proposal=proposal,
        split=split,
        asked=asked,
        adjuster=adjuster,
        rows={name: len(part) for name, part in parts.items() if part is not None},
        findings=scan(prepared, tell).findings,
        notes=(*proposal.notes, *dataset.info.notes, *few),
        has_sample=dataset.sample_submission is not None,
    )


def _plain(home: Path, proposal: Proposal, wishes: Wishes) -> Competition:
    """Return what is known before the data is read."""
    params = {name: chosen.value for name, chosen in proposal.params.items() if chosen.used}
    variant = VariantSpec(LOCAL, path=str(proposal.path))
    task = proposal.task.value
    return Competition(
        id=home.name,
        home=home,
        title=wishes.title or home.name,
        task=task,
        metrics=(FIRST_METRIC.get(task, "log_loss"),),
        data=DataSpec(proposal.source, LOCAL, params, {LOCAL: variant}),
        split=base_split(task, wishes.folds),
        strategies=proposal.strategies,
    )


def _complete(start: Competition, proposal: Proposal, asked: Asked, adjuster: Chosen | None) -> Competition:
    chain = () if adjuster is None else (Use(adjuster.value),)
    strategies = tuple(replace(one, adjusters=chain) if chain else one for one in proposal.strategies)
    members = tuple(one.name for one in strategies if not one.named_only)
    blends = (Blend("blend", members, description="the mean of what they predict"),) if len(members) > 1 else ()
    return replace(start, metrics=asked.metrics, submission=asked.schema, strategies=strategies, blends=blends)


def _adjuster(asked: Asked) -> Chosen | None:
    if asked.metrics[0] in ("macro_f1", "f1"):
        return Chosen(THRESHOLD, "cut-offs that are best for F1, learned out of fold; probabilities stay as they are")
    return None


def _check_folds(dataset: Dataset, folds: int) -> list[str]:
    """Refuse more folds than the rarest class has rows, if somebody wants more than usual; else tell of it."""
    if not dataset.info.task_type.single_label or dataset.train.targets is None:
        return []
    codes, counts = np.unique(dataset.train.targets[dataset.train.scored_rows()], return_counts=True)
    fewest = int(counts.min(initial=folds))
    if fewest >= folds:
        return []
    rarest = dataset.info.classes[codes[np.argmin(counts)]]
    told = f"class {rarest!r} has {fewest} rows, fewer than the {folds} folds, some of which will have none of it"
    if folds > FOLDS:
        raise ConfigError(f"--folds {folds}: {told}; expected at most {max(fewest, FOLDS)}")
    return [told]


def _check_ids(dataset: Dataset) -> None:
    """Refuse a sample file of other rows than those to predict."""
    sample, test = dataset.sample_submission, dataset.test
    if sample is None or test is None:
        return
    asked, there = set(sample.iloc[:, 0]), set(test.ids)
    if asked != there:
        raise DataError(
            f"the sample file asks for {len(asked - there)} ids that the test data lacks"
            f" ({listed(sorted(asked - there), 3) or '-'}), and lacks {len(there - asked)} of it"
            f" ({listed(sorted(there - asked), 3) or '-'}); give the files that belong together"
        )
