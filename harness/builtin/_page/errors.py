"""Where a run goes wrong: its loss by class, by group, over time, and its worst rows.

Rows weigh what they weigh in the score; those of weight 0 are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.builtin._page.html import (
    MISSING,
    Cell,
    chart,
    dot,
    error,
    give,
    line,
    number,
    percent,
    short,
    table,
    ticks,
    words,
)
from harness.builtin._page.rows import Rows, mean_and_error

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHOWN = 12
"""Classes or groups that are listed."""
FEWEST = 5
"""Rows of a group below which its mean says nothing."""
PERIODS = 12
WORST = 10


def errors(rows: Rows) -> Iterator[str]:
    """Write the parts that the data allow."""
    if rows.scored.targets.ndim == 1 and rows.info.classes:
        yield from _by_class(rows)
    elif rows.info.classes:
        yield from _by_label(rows)
    else:
        yield from _by_size(rows)
    for role in ("group", "region"):
        column = rows.info.roles.get(role, "")
        if rows.meta is not None and column in rows.meta:
            yield from _by_group(rows, rows.meta[column].astype(str).to_numpy(), column)
    column = rows.info.roles.get("time", "")
    if rows.meta is not None and column in rows.meta:
        yield from _over_time(rows, rows.meta[column], column)
    yield from _worst(rows)


def _by_class(rows: Rows) -> Iterator[str]:
    classes, targets = rows.info.shown_classes, rows.scored.targets
    likeliest = rows.scored.predictions.values.argmax(axis=1)
    lines = []
    for code, name in enumerate(classes):
        own = targets == code
        if not own.any():
            continue
        taken = np.bincount(likeliest[own & (likeliest != code)], minlength=len(classes))
        mistaken = f"{short(classes[int(taken.argmax())], 24)} ({int(taken.max()):,})" if taken.any() else MISSING
        right = float(np.average(likeliest[own] == code, weights=rows.weights[own]))
        lines.append((float(rows.mass[own].sum()), name, own, right, mistaken))
    lines.sort(key=lambda one: -one[0])
    yield "<h3>By class</h3>"
    heads = [
        "class",
        "rows",
        f"mean {rows.what}",
        "± s.e.",
        "share of all loss",
        "likeliest is right",
        "taken mostly for",
    ]
    told = [
        [
            short(name, 40),
            f"{own.sum():,}",
            *_mean(rows.loss[own], rows.weights[own]),
            _share(total, rows),
            percent(right),
            mistaken,
        ]
        for total, name, own, right, mistaken in lines[:SHOWN]
    ]
    yield table(heads, told, "Loss by class", (0, 6))
    yield _left_out(len(lines), "classes")


def _by_label(rows: Rows) -> Iterator[str]:
    targets, values = rows.scored.targets, np.clip(rows.scored.predictions.values, 1e-15, 1 - 1e-15)
    cells = -np.where(targets == 1, np.log(values), np.log1p(-values))
    sums = rows.weights @ cells
    order = np.argsort(-sums)[:SHOWN]
    heads = ["label", "rows that have it", f"mean {rows.what}", "± s.e.", "share of all loss"]
    told = [
        [
            short(rows.info.shown_classes[k], 40),
            f"{int(targets[:, k].sum()):,}",
            *_mean(cells[:, k], rows.weights),
            percent(float(sums[k] / sums.sum()), 1),
        ]
        for k in order.tolist()
    ]
    yield "<h3>By label</h3>"
    yield table(heads, told, "Loss by label")
    yield _left_out(len(rows.info.classes), "labels")


def _by_size(rows: Rows) -> Iterator[str]:
    targets, point = rows.scored.targets, rows.scored.predictions.values[:, 0]
    parts = [part for part in np.array_split(np.argsort(targets, kind="stable"), 5) if len(part)]
    heads = ["observed", "rows", f"mean {rows.what}", "± s.e.", "share of all error", "mean error"]
    told = [
        [
            f"{number(float(targets[part].min()))} to {number(float(targets[part].max()))}",
            f"{len(part):,}",
            *_mean(rows.loss[part], rows.weights[part]),
            _share(float(rows.mass[part].sum()), rows),
            f"{float(np.average(point[part] - targets[part], weights=rows.weights[part])):+.4g}",
        ]
        for part in parts
    ]
    yield "<h3>By size of the target</h3>"
    yield table(heads, told, "Error by size of the target")


def _by_group(rows: Rows, groups: NDArray[Any], column: str) -> Iterator[str]:
    names, codes = np.unique(groups, return_inverse=True)
    counts = np.bincount(codes)
    if len(names) < 2 or counts.max() < FEWEST:
        return
    sums = np.bincount(codes, rows.mass)
    large = np.flatnonzero(counts >= FEWEST)
    order = large[np.argsort(-sums[large], kind="stable")][:SHOWN]
    heads = [column, "rows", f"mean {rows.what}", "± s.e.", "share of all loss", "share of rows"]
    told = [
        [
            short(str(names[code]), 40),
            f"{counts[code]:,}",
            *_mean(rows.loss[codes == code], rows.weights[codes == code]),
            _share(float(sums[code]), rows),
            percent(float(counts[code] / len(codes)), 1),
        ]
        for code in order.tolist()
    ]
    yield f"<h3>By {escape(column)}</h3>"
    yield table(heads, told, f"Loss by {column}")
    yield _left_out(len(names), f"values of {column}; those of fewer than {FEWEST} rows are not listed")


def _over_time(rows: Rows, values: pd.Series, column: str) -> Iterator[str]:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values):
        moments = values.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(moments)
    else:
        parsed = pd.to_datetime(values, errors="coerce", utc=True)
        known = parsed.notna().to_numpy()
        moments = parsed.astype("int64").to_numpy().astype(np.float64)
    if known.sum() < 2 * FEWEST or len(np.unique(moments[known])) < 2:
        return
    order = np.flatnonzero(known)[np.argsort(moments[known], kind="stable")]
    parts = [part for part in np.array_split(order, min(PERIODS, len(order) // FEWEST)) if len(part)]
    names = [_moment(values.iloc[part[0]]) for part in parts]
    means = [mean_and_error(rows.loss[part], rows.weights[part]) for part in parts]
    low, high = min(m - 2 * e for m, e in means), max(m + 2 * e for m, e in means)
    low = min(low, max(0.0, low - 0.1 * (high - low)))
    pad = 0.05 * (high - low) or 1.0
    low, high = low - pad, high + pad
    width, height, left = 860.0, 240.0, 60.0

    def y(value: float) -> float:
        return 12 + (1 - (value - low) / (high - low)) * (height - 52)

    step = (width - left - 20) / len(parts)
    drawn = []
    for tick in ticks(low, high, 4):
        drawn += [line(left, y(tick), width, y(tick), "grid"), words(left - 8, y(tick) + 4, f"{tick:.4g}", "p", "end")]
    centres = [left + step * (place + 0.5) for place in range(len(parts))]
    path = " ".join(f"{x:.1f},{y(mean):.1f}" for x, (mean, _) in zip(centres, means, strict=True))
    drawn.append(f'<polyline points="{path}" class="path"/>')
    for place, (x, (mean, spread)) in enumerate(zip(centres, means, strict=True)):
        told = f"from {names[place]}: {give(mean, spread)} ({len(parts[place]):,} rows)"
        drawn += [line(x, y(mean - spread), x, y(mean + spread), "bar"), dot(x, y(mean), 4, "dot", told)]
        if len(parts) <= 6 or place % 2 == 0:
            drawn.append(words(x, height - 18, names[place], "p", "middle"))
    worst = max(range(len(parts)), key=lambda place: means[place][0])
    told = f"Mean {rows.what} in {len(parts)} periods of as many rows;"
    told += f" it is highest from {names[worst]} ({number(means[worst][0])})."
    yield f"<h3>Over {escape(column)}</h3>"
    yield chart("".join(drawn), width, height, told)
    yield f"<p>{escape(told)} Bars: one standard error.</p>"


def _moment(value: Any) -> str:
    text = str(value)
    return text[:10] if len(text) > 10 else text


def _worst(rows: Rows) -> Iterator[str]:
    mass = rows.mass
    order = np.argsort(-np.nan_to_num(mass, nan=-1.0), kind="stable")[:WORST]
    values, targets, classes = rows.scored.predictions.values, rows.scored.targets, rows.info.shown_classes
    heads = ["id", "true", "predicted", rows.what]
    lines: list[list[str | Cell]] = []
    for row in order.tolist():
        if not classes:
            true, guess = number(float(targets[row])), number(float(values[row, 0]))
        elif targets.ndim == 2:
            held = [classes[k] for k in np.flatnonzero(targets[row]).tolist()]
            true = short(", ".join(held) or "none", 40)
            guess = f"{short(classes[int(values[row].argmax())])} {percent(float(values[row].max()))}"
        else:
            code = int(targets[row])
            true = f"{short(classes[code])} {percent(float(values[row, code]), 1)}"
            guess = f"{short(classes[int(values[row].argmax())])} {percent(float(values[row].max()), 1)}"
        lines.append([short(str(rows.scored.predictions.ids[row]), 48), true, guess, number(float(rows.loss[row]))])
    share = float(np.sort(mass)[::-1][: max(1, len(mass) // 100)].sum() / mass.sum()) if mass.sum() else 0
    yield "<h3>Worst rows</h3>"
    yield table(heads, lines, "Worst rows", (0, 1, 2))
    told = f"The worst hundredth of the rows holds {percent(share)} of all {rows.what}; look there for wrong labels."
    yield f"<p>{escape(told)}</p>"


def _mean(loss: Floats, weights: Floats) -> list[str]:
    mean, spread = mean_and_error(loss, weights)
    return [number(mean), error(spread) if len(loss) > 1 else MISSING]


def _share(total: float, rows: Rows) -> str:
    whole = float(rows.mass.sum())
    return percent(total / whole, 1) if whole else MISSING


def _left_out(count: int, what: str) -> str:
    return f"<p>Those with the most loss of {count:,} {escape(what)}.</p>" if count > SHOWN else ""
