"""``harness report`` for pretext tasks: what they bring, how fine-tuning went, what they show, the rules."""

from __future__ import annotations

import base64
import csv
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from harness.builtin.page import Section
from harness.builtin.page import write as write_run
from harness_imagewang.report.chart import STYLE as CHART_STYLE
from harness_imagewang.report.chart import epochs_chart, gains_chart
from harness_imagewang.report.figures import OWN
from harness_imagewang.report.gains import DOWNSTREAM, Gain, Line, chosen, lines

if TYPE_CHECKING:
    from harness.competition import Competition
    from harness.data import Dataset
    from harness.results import RunResult, Shown

STYLE = """
.plain { width: auto; min-width: min(100%, 34rem); margin-bottom: .5rem; }
.plain th:first-child, .plain td:first-child { text-align: left; }
.good { color: #067647; } .bad { color: #b42318; } section p { max-width: 46rem; }
.lead { color: var(--ink); font-size: 1.05rem; margin-bottom: .6rem; max-width: 46rem; }
.tasks { display: grid; gap: 1.2rem; } .tasks img { max-width: 46rem; }
@media (max-width: 40rem) { .plain th, .plain td { padding: .35rem .4rem; } }
@media (prefers-color-scheme: dark) { .good { color: #47cd89; } .bad { color: #f97066; } }
"""


def write(competition: Competition, shown: Shown, path: Path) -> list[str] | None:
    """Write the page; None (the built-in's turn) for a bare file of predictions or another plugin's data.

    Returns
    -------
    list of str
        What the task chosen out of fold brings, for the terminal.
    """
    result, dataset = shown.result, shown.dataset
    if result is None or dataset is None or not competition.data.source.startswith(OWN):
        return None
    runs = shown.runs()
    found = lines(runs)
    told = list(_told(found))
    sections = [_gains(found, told)] if found else []
    sections += _epochs(runs)
    sections += _pictures(runs)
    sections.append(_rules(competition, dataset, result))
    write_run(competition, shown, result, path, sections)
    return told


def _told(found: Sequence[Line]) -> Iterator[str]:
    best = chosen(found)
    if best is None:
        return
    told = _percent(best.oof, best.oof_spread)
    yield f"Of the tasks that were fine-tuned {best.pretext} is chosen out of fold, {told}"
    if not math.isnan(best.valid):
        yield f"On the validation set it reaches {_percent(best.valid, best.valid_spread)}"
    if best.valid_gain is not None:
        gain = best.valid_gain
        low, high = (100 * end for end in gain.interval)
        yield (
            f"Against random weights that is {100 * gain.mean:+.1f} points ± {100 * gain.error:.1f}"
            f" (95% from {low:+.1f} to {high:+.1f})"
        )


def _gains(found: Sequence[Line], told: Sequence[str]) -> Section:
    heads = ("strategy", "judged by", "task", "seeds", "out of fold", "gain", "validation", "gain")
    best = chosen(found)
    rows = [
        (
            line.name + (" (chosen)" if line is best else ""),
            DOWNSTREAM[line.downstream],
            line.pretext or "random weights",
            str(line.seeds),
            _percent(line.oof, line.oof_spread),
            _gain(line.oof_gain),
            _percent(line.valid, line.valid_spread),
            _gain(line.valid_gain),
        )
        for line in found
    ]
    about = (
        "Accuracy in percent, the mean over seeds and their standard deviation; out of fold weighted to class shares"
        " of the validation set. Gains are points more than random weights with everything else the same, paired image"
        " by image, with the standard error over images and seeds. The task is chosen out of fold; the validation set"
        " takes no part in that."
    )
    lead = " ".join(f"{escape(line)}." for line in told)
    body = (
        f'<p class="lead">{lead}</p>\n' if lead else ""
    ) + f"{gains_chart(found)}\n{_table(heads, rows)}\n<p>{about}</p>"
    return Section("What pretext tasks bring", body, STYLE + CHART_STYLE)


def _epochs(runs: Sequence[RunResult]) -> list[Section]:
    curves: dict[str, list[float]] = {}
    kept: dict[str, int] = {}
    for run in runs:
        rows = _history(run)
        if not rows or run.run.strategy in curves:
            continue
        column = "valid_accuracy" if rows[0].get("valid_accuracy") else "train_accuracy"
        curves[run.run.strategy] = [float(row[column]) for row in rows]
        if column == "valid_accuracy":
            kept[run.run.strategy] = 1 + min(range(len(rows)), key=lambda number: float(rows[number]["valid_loss"]))
    if not curves:
        return []
    about = "Of the first fold and seed, over all classes: of training images as they were augmented and learned from"
    about += "; of held-out images where a strategy has such, the dot being the epoch kept." if kept else "."
    title = "Accuracy by epoch"
    if len(kept) < len(curves):
        about += " It tells how far a training came, not which is better."
        title = "Accuracy on training images by epoch"
    return [Section(title, f"{epochs_chart(curves, kept)}\n<p>{about}</p>", STYLE + CHART_STYLE)]


def _history(run: RunResult) -> list[dict[str, str]]:
    path = run.run.directory / "figures" / "history-fold0.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _pictures(runs: Sequence[RunResult]) -> list[Section]:
    figures: dict[str, str] = {}
    for run in runs:
        params = run.run.identity.get("model") or {}
        name = str(params.get("pretext", "")) if isinstance(params, dict) else ""
        path = run.run.directory / "figures" / "pretext.png"
        if not name or name in figures or not path.exists():
            continue
        content = base64.b64encode(path.read_bytes()).decode()
        figures[name] = (
            f'<figure><img alt="{escape(name)}: input, target, prediction" src="data:image/png;base64,{content}">'
            f"<figcaption>{escape(name)}</figcaption></figure>"
        )
    if not figures:
        return []
    about = "Images of the pretext task's own set, after the pretraining: what goes in, what is wanted, what comes out."
    body = f'<p>{about}</p>\n<div class="tasks">{"".join(figures.values())}</div>'
    return [Section("What each task shows the network", body, STYLE)]


def _rules(competition: Competition, dataset: Dataset, result: RunResult) -> Section:
    params = result.run.identity.get("model")
    settings = params if isinstance(params, dict) else {}
    shared, used = int(dataset.info.extra.get("shared_with_valid", 0)), bool(settings.get("valid_images"))
    pool = "no: the pretext task learned from them" if used else f"no: {shared} by content" if shared else "yes"
    adjusters = str(result.run.identity.get("adjusters"))
    rows = [
        ("random initial weights", "yes"),
        ("no test-time augmentation", "yes"),
        ("validation at the size trained", f"yes, {settings.get('size', '-')} pixels"),
        ("validation images not among those without labels", pool),
        ("restricted to the classes of the validation set", "yes" if "imagewang.restrict" in adjusters else "no"),
        ("classes balanced", _answer(settings.get("balance", "-"))),
    ]
    text = f"<p>{escape(competition.rules.text)}</p>" if competition.rules.text else ""
    return Section("Rules", f"{text}\n{_table(('of ' + result.run.label, ''), rows)}", STYLE)


def _answer(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"

    body = "".join(line([cell if cell.startswith("<span") else escape(cell) for cell in cells]) for cells in rows)
    top = "".join(f"<th>{escape(head)}</th>" if head else "<td></td>" for head in heads)
    about = escape("Table of " + ", ".join(filter(None, heads)), quote=True)
    table = f'<table class="plain"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{about}">{table}</div>'


def _percent(value: float, spread: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{100 * value:.1f}%" + ("" if math.isnan(spread) else f" ± {100 * spread:.1f}")


def _gain(gain: Gain | None) -> str:
    if gain is None:
        return "-"
    low, high = gain.interval
    kind = "good" if low > 0 else "bad" if high < 0 else "even"
    text = f"{100 * gain.mean:+.1f} ± {100 * gain.error:.1f}".replace("-", "\N{MINUS SIGN}")
    return f'<span class="{kind}">{text}</span>'
