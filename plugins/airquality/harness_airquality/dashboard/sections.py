"""The page's HTML below its heading: cards for charts, and tables that need no script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness_airquality.dashboard.data import GUIDELINE, PREDICTION, Shown
from harness_airquality.dashboard.packing import html
from harness_airquality.stations import COUNTRY, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from harness_airquality.dashboard.daily import Daily
    from harness_airquality.dashboard.errors import Errors

MOST_FEATURES = 20
_SIGNS = (
    ' A higher value <span class="key" style="--fill: var(--guideline)"></span>raises the prediction,'
    ' <span class="key" style="--fill: var(--accent)"></span>lowers it,'
    ' <span class="key" style="--fill: var(--faint)"></span>or either.'
)
_ZOOMS = (
    '<div class="zooms" role="group" aria-label="Part of the map"><button type="button" id="whole">Whole map</button>'
    '<button type="button" id="near">Chosen city</button></div>'
)


def tiles(shown: Shown, daily: Daily) -> str:
    """Return the figures at the top: the scores that were given, then what the page holds."""
    prediction = daily.values[PREDICTION]
    above = np.mean(prediction[np.isfinite(prediction)] > GUIDELINE)
    counts = [f"{daily.places[REGION].nunique():,}", f"{len(daily.places):,}", f"{len(shown.rows):,}"]
    facts = [
        *shown.scores,
        ("Cities", counts[0]),
        *([("Places", counts[1])] if counts[1] != counts[0] else []),
        ("Predictions", counts[2]),
        ("Mean predicted", f"{np.nanmean(prediction):.1f} {shown.unit}"),
        ("Days above WHO guideline", f"{100 * above:.0f}%"),
    ]
    return "".join(f"<div><dt>{html(label)}</dt><dd>{_value(value)}</dd></div>" for label, value in facts)


def _value(text: str) -> str:
    number, _, unit = str(text).partition(" ")
    return f"{html(number)} <small>{html(unit)}</small>" if unit else html(number)


def sections(shown: Shown, errors: Errors | None, mapped: bool) -> str:
    """Return the cards of everything that has data."""
    return "\n".join(_cards(shown, errors, mapped))


def _cards(shown: Shown, errors: Errors | None, mapped: bool) -> Iterable[str]:
    unit = html(shown.unit)
    if mapped:
        caption = "Mean prediction of each place over the chosen period; colours mean the same in every period."
        yield _chart("map", "Where", caption, "map", 31, _ZOOMS)
    yield _ranking(wide=not mapped)
    if errors is not None:
        told = f"{errors.rows:,} predictions have a reading; an error is predicted minus measured, in {unit}."
        yield _card("half", "Errors by city", told, _table(_region_rows(errors), _region_head()))
        caption = f"Shade: number of rows; dashed: equal. Both axes are logarithmic, in {unit}."
        yield _chart("density", "Measured against predicted", caption, "half", 26)
        yield _chart("months", "Errors by month", f"Mean absolute error and bias, {unit}.", "half", 20)
        caption = "Levels of the reading: WHO's 24-hour guideline and its four interim targets."
        yield _chart("levels", "Errors by level", caption, "half", 20)
    features = 0 if shown.importance is None else min(len(shown.importance), MOST_FEATURES)
    covered = shown.coverage is not None and len(shown.coverage) > 0
    kind, height = "half" if features and covered else "all", 6 + 1.4 * (features or MOST_FEATURES)
    if shown.importance is not None and features:
        caption = f"How far a feature moves a prediction on average; the {features} largest of {len(shown.importance)}."
        caption += _SIGNS if "direction" in shown.importance else ""
        yield _chart("importance", "What predictions rest on", caption, kind, height)
    if shown.coverage is not None and covered:
        caption = "Share of readings within their interval; the mark is what was aimed at."
        table = _table(_coverage_rows(shown.coverage), _coverage_head(unit), height)
        yield _card(kind, "Coverage of intervals", caption, table)


def _card(kind: str, title: str, caption: str, body: str) -> str:
    return f'<section class="card {kind}"><h2>{title}</h2><p class="caption">{caption}</p>{body}</section>'


def _chart(name: str, title: str, caption: str, kind: str, height: float, controls: str = "") -> str:
    body = f'<div class="chart" id="{name}" role="img" aria-label="{title}" style="--height: {height:g}rem"></div>'
    return _card(kind, title, caption, controls + body)


def _ranking(wide: bool) -> str:
    head = _head([("#", ""), ("City", "text"), ("", ""), ("Mean", ""), (f"Days &gt; {GUIDELINE:g}", "")])
    caption = (
        "By the mean over every place and day of the chosen period;"
        f" the last column is the share of those above {GUIDELINE:g}."
    )
    body = f'<div class="scroll" style="--height: 31rem"><table>{head}<tbody id="ranking"></tbody></table></div>'
    return _card("all" if wide else "ranking", "Cities ranked", caption, body)


def _head(cells: Sequence[tuple[str, str]]) -> str:
    row = "".join(f'<th scope="col" class="{kind}">{text}</th>' if text else "<td></td>" for text, kind in cells)
    return f"<thead><tr>{row}</tr></thead>"


def _table(rows: Iterable[str], head: str, height: float = 26) -> str:
    table = f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="scroll" tabindex="0" style="--height: {height:g}rem">{table}</div>'


def _region_head() -> str:
    return _head([("City", "text"), ("n", ""), ("Measured", ""), ("MAE", ""), ("", ""), ("Bias", ""), ("", "")])


def _region_rows(errors: Errors) -> Iterable[str]:
    most = max(errors.regions["mae"].max(), 1e-9)
    for row in errors.regions.to_dict("records"):
        mae, bias = row["mae"], row["bias"]
        side = 50 * min(abs(bias) / most, 1.0)
        start = 50 - side if bias < 0 else 50
        fill = "var(--accent)" if bias < 0 else "var(--guideline)"
        yield (
            f'<tr><th scope="row" title="{html(row["country"])}"><bdi>{html(row["label"])}</bdi></th>'
            f"<td>{row['n']:,}</td><td>{row['reading']:.1f}</td><td>{mae:.1f}</td>"
            f'<td class="wide"><span class="bar" style="--part: {100 * mae / most:.1f}%"></span></td>'
            f'<td>{_signed(bias)}</td><td class="wide"><span class="bar sides"'
            f' style="--from: {start:.1f}%; --part: {side:.1f}%; --fill: {fill}"></span></td></tr>'
        )


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


def _coverage_head(unit: str) -> str:
    heads = [("City", "text"), ("Country", "text"), ("n", ""), ("Covered", ""), ("", ""), (f"Mean width, {unit}", "")]
    return _head(heads)


def _coverage_rows(coverage: pd.DataFrame) -> Iterable[str]:
    for row in coverage.to_dict("records"):
        city, country = (str(row.get(name) or "") for name in (REGION, COUNTRY))
        whole = "" if city else ' class="whole"'
        part, nominal = 100 * row["coverage"], 100 * row["nominal"]
        yield (
            f'<tr{whole}><th scope="row"><bdi>{html(city or country or "All")}</bdi></th>'
            f'<td class="text"><bdi>{html(country)}</bdi></td>'
            f'<td>{int(row["n"]):,}</td><td>{part:.0f}%</td><td class="wide">'
            f'<span class="bar nominal" style="--part: {part:.1f}%; --nominal: {nominal:.1f}%"></span></td>'
            f"<td>{row['mean_width']:.1f}</td></tr>"
        )
