"""``harness report`` for proteins: the built-in page, and what is asked of protein classifiers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.builtin.page import Section
from harness.builtin.page import write as write_run
from harness.errors import DataError
from harness_protein.homology.clusters import ClustersParams
from harness_protein.report.bands import OWN, band_table
from harness_protein.report.chart import STYLE as CHART_STYLE
from harness_protein.report.chart import chart
from harness_protein.report.homework import TOKENIZERS, Gain, Line, lines
from harness_protein.report.optimism import Optimism, optimism

if TYPE_CHECKING:
    import pandas as pd

    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import RunResult, Shown

STYLE = """
.plain th:nth-child(2), .plain td:nth-child(2) { text-align: right; }
.plain th:first-child, .plain td:first-child { text-align: left; }
.plain { width: auto; min-width: min(100%, 34rem); margin-bottom: .5rem; }
.good { color: #067647; } .bad { color: #b42318; }
@media (max-width: 40rem) { .plain th, .plain td { padding: .35rem .4rem; } }
@media (prefers-color-scheme: dark) { .good { color: #47cd89; } .bad { color: #f97066; } .loud { color: #f97066; } }
.lead { color: var(--ink); font-size: 1.05rem; margin-bottom: .6rem; max-width: 46rem; } section p { max-width: 46rem; }
"""


def write(competition: Competition, shown: Shown, path: Path) -> list[str] | None:
    """Write the page; None (the built-in's turn) for a bare file of predictions or another plugin's data.

    Returns
    -------
    list of str
        What pretraining brings and by how much a split at random flatters, for the terminal.
    """
    result, dataset = shown.result, shown.dataset
    if result is None or dataset is None or not competition.data.source.startswith(OWN):
        return None
    if not dataset.info.task_type.single_label:
        return None
    told: list[str] = []
    sections: list[Section] = []
    homework = lines(shown.runs())
    if len(homework) > 1:
        sections.append(_homework(homework))
        told += _best_gains(homework)
    if (result.oof.folds >= 0).any():
        sections.append(_bands(band_table(dataset, result.oof), result))
    flattery = _flattery(dataset, result)
    if flattery is not None:
        sections.append(_optimism(flattery))
        told.append(_optimism_told(flattery))
    write_run(competition, shown, result, path, sections)
    return told


def _homework(found: Sequence[Line]) -> Section:
    rows = [
        (
            TOKENIZERS[line.tokenizer],
            f"{line.vocabulary:,}",
            "yes" if line.pretrain else "no",
            _with_error(line.log_loss, line.stderr),
            _gain(line.pretraining),
            _gain(line.subwords),
        )
        for line in found
    ]
    heads = ("tokens", "vocabulary", "pretrained", "log loss", "pretraining brings", "against residues")
    about = (
        "Log loss out of fold with its standard error over sequences. Differences are paired sequence by sequence with"
        " the run that differs in this alone; below zero is better."
    )
    if any(line.seeds > 1 for line in found):
        about += " Where a strategy ran on several seeds, they are averaged first; in brackets the error over seeds."
    lead = " ".join(f"{escape(line)}." for line in _best_gains(found))
    body = (f'<p class="lead">{lead}</p>\n' if lead else "") + f"{chart(found)}\n{_table(heads, rows)}\n<p>{about}</p>"
    return Section("What pretraining and subwords bring", body, STYLE + CHART_STYLE)


def _best_gains(found: Sequence[Line]) -> list[str]:
    """Tell what pretraining and subwords bring to the best strategy that shows it."""
    told = []
    pretrained = sorted((line for line in found if line.pretrain), key=lambda line: line.log_loss)
    for line in [line for line in pretrained if line.pretraining is not None][:1]:
        name = f"{TOKENIZERS[line.tokenizer]}, {line.vocabulary:,} tokens"
        told.append(f"With pretraining log loss is {_lower(line.pretraining)} than without ({name})")
    for line in [line for line in pretrained if line.subwords is not None][:1]:
        name = f"{TOKENIZERS[line.tokenizer]} of {line.vocabulary:,} tokens"
        told.append(f"With {name} it is {_lower(line.subwords)} than with single residues")
    return told


def _lower(gain: Gain | None) -> str:
    assert gain is not None
    return f"{_with_error(abs(gain.mean), gain.stderr)} {'lower' if gain.mean < 0 else 'higher'}"


def _bands(table: pd.DataFrame, result: RunResult) -> Section:
    rows: list[tuple[str, ...]] = [
        (
            str(row["band"]),
            f"{row['rows']:,}",
            _with_error(100 * row["accuracy"], 100 * row["accuracy_se"], 1, " %"),
            _with_error(row["log_loss"], row["log_loss_se"]),
        )
        for row in table.to_dict("records")
    ]
    about = (
        f"{escape(result.run.label)}, out of fold. Identity to the nearest sequence that the fold trained on, estimated"
        " from shared 5-mers; below 30% no relative was found."
    )
    return Section(
        "How near the relatives are",
        f"{_table(('identity', 'sequences', 'accuracy', 'log loss'), rows)}\n<p>{about}</p>",
        STYLE,
    )


def _flattery(dataset: Dataset, result: RunResult) -> Optimism | None:
    """Compare the splits, with the parameters of the run's own one if it is by clusters."""
    given: Any = result.run.identity.get("split") or {}
    known = {field.name for field in fields(ClustersParams)}
    own = {name: value for name, value in given.items() if name in known and given.get("use") == "protein.clusters"}
    try:
        return optimism(dataset, ClustersParams(**own))
    except DataError:  # too few relatives or rows for folds of either kind
        return None


def _optimism(found: Optimism) -> Section:
    rows = [
        (
            "accuracy",
            f"{found.accuracy[0]:.1%}",
            f"{found.accuracy[1]:.1%}",
            _with_error(100 * found.accuracy_gap[0], 100 * found.accuracy_gap[1], 1, " points", signed=True),
        ),
        (
            "log loss",
            f"{found.log_loss[0]:.3f}",
            f"{found.log_loss[1]:.3f}",
            _with_error(*found.log_loss_gap, signed=True),
        ),
    ]
    about = (
        f"A quick nearest-neighbour model on {found.rows:,} sequences, twice: folds at random, where relatives are on"
        f" both sides, and folds of whole clusters ({found.clusters:,} clusters, the largest of {found.largest:,})."
        " Scores of a split at random hold for new members of families that are known, not for new families."
    )
    return Section(
        "How much a split at random flatters",
        f'<p class="lead">{escape(_optimism_told(found))}.</p>\n'
        f"{_table(('', 'at random', 'by cluster', 'difference'), rows)}\n<p>{about}</p>",
        STYLE,
    )


def _optimism_told(found: Optimism) -> str:
    return (
        f"A split at random shows {found.accuracy[0]:.1%} accuracy and log loss {found.log_loss[0]:.3f} where whole"
        f" clusters show {found.accuracy[1]:.1%} and {found.log_loss[1]:.3f}"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"

    body = "".join(line(cells) for cells in _escaped(rows))
    top = "".join(f"<th>{escape(head)}</th>" if head else "<td></td>" for head in heads)
    about = escape("Table of " + ", ".join(filter(None, heads)), quote=True)
    table = f'<table class="plain"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{about}">{table}</div>'


def _escaped(rows: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    for cells in rows:
        yield [cell if cell.startswith("<span") else escape(cell) for cell in cells]


def _with_error(value: float, error: float, digits: int = 3, unit: str = "", signed: bool = False) -> str:
    if math.isnan(value):
        return "-"
    text = _signed(value, digits) if signed else f"{value:.{digits}f}"
    return f"{text} ± {error:.{digits}f}{unit}" if not math.isnan(error) else f"{text}{unit}"


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _gain(gain: Gain | None) -> str:
    if gain is None:
        return "-"
    kind = "good" if gain.mean < -2 * gain.stderr else "bad" if gain.mean > 2 * gain.stderr else "even"
    seeds = f" (± {gain.seeds_stderr:.3f}, {gain.seeds} seeds)" if gain.seeds > 1 else ""
    return f'<span class="{kind}">{_with_error(gain.mean, gain.stderr, signed=True)}{seeds}</span>'
