"""The saved view of an experiment in MLflow's UI: columns, order, charts.

MLflow keeps a view as an experiment tag ``mlflow.sharedViewState.<key>``: a JSON envelope with a name and the state of
the page, which may be compressed (``deflate;`` and the base64 of a zlib stream). ``?viewStateShareKey=<key>`` opens it.
Seen in the interface of MLflow 3.17; a version that does not know a key of the state passes over it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

VIEW = "leaderboard"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
RUNS_ONLY = "tags.level = 'run'"
_SECTION, _REST = "harness-board", "harness-rest"
_LEADING = ("attributes.`Run Name`", "runDateAndNestInfo")


def ranked_metric(primary: str, on: str) -> str:
    """Return the name of the metric the board is ranked by: ``oof_log_loss``, ``valid_log_loss``.

    Examples
    --------
    >>> ranked_metric("log_loss", "valid")
    'valid_log_loss'
    """
    return f"{on}_{primary}"


def view_state(
    metrics: Sequence[str], on: str, ascending: bool, *, has_valid: bool, params: Sequence[str] = ()
) -> dict[str, Any]:
    """Describe the page: the table's columns and order, folds hidden, and the charts.

    Parameters
    ----------
    metrics : sequence of str
        The first is the primary one.
    on : str
        ``oof`` or ``valid``: what the board is ranked by.
    ascending : bool
        True if less is better.
    params : sequence of str
        Parameters worth a column: the parts of a strategy that differ.
    """
    rank = ranked_metric(metrics[0], on)
    columns = _columns(metrics, on, has_valid, params)
    return {
        "searchFilter": RUNS_ONLY,
        "orderByKey": f"metrics.`{rank}`",
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": columns,
        "columnOrder": [*_LEADING, *columns],
        "columnWidths": {column: _width(column) for column in [*_LEADING, *columns]},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": _charts(metrics, on, has_valid),
        "compareRunSections": [
            {"uuid": _SECTION, "name": "Leaderboard", "display": True, "isReordered": True, "deleted": False},
            {"uuid": _REST, "name": "Model metrics", "display": False, "isReordered": True, "deleted": False},
        ],
        "isAccordionReordered": True,
        "viewMaximized": False,
        "runListHidden": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
    }


def view_tag(state: Mapping[str, Any], name: str, at: int) -> str:
    """Pack a state as the value of its tag.

    Parameters
    ----------
    at : int
        Milliseconds since the epoch; when the view was made.
    """
    packed = zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)
    text = "deflate;" + base64.b64encode(packed).decode()
    return json.dumps({"name": name, "createdAt": at, "updatedAt": at, "state": text})


def unpack_view(value: str) -> dict[str, Any]:
    """Read back what `view_tag` packed.

    Examples
    --------
    >>> unpack_view(view_tag({"orderByAsc": True}, "Leaderboard", 0))
    {'orderByAsc': True}
    """
    text = json.loads(value)["state"]
    state: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text.removeprefix("deflate;"))))
    return state


def _columns(metrics: Sequence[str], on: str, has_valid: bool, params: Sequence[str]) -> list[str]:
    """Return which is best (by the other set too), then why (the parts that differ), then everything else."""
    other = [f"{'oof' if on == 'valid' else 'valid'}_{metrics[0]}"] if has_valid else []
    best = [ranked_metric(metrics[0], on), f"fold_stderr_{metrics[0]}", *other]
    best += [ranked_metric(metric, on) for metric in metrics[1:2]]
    rest = [*(ranked_metric(metric, on) for metric in metrics[2:4]), "seconds"]
    return [
        "tags.`rank`",
        *(f"metrics.`{metric}`" for metric in best),
        *(f"params.`{param}`" for param in params),
        *(f"metrics.`{metric}`" for metric in rest),
        "tags.`marks`",
        "attributes.`Dataset`",
    ]


def _width(column: str) -> int:
    """Return pixels for a column: enough to tell what is in it."""
    kind, _, name = column.partition(".`")
    known = {"Run Name`": 190, "rank`": 60, "seed`": 60, "marks`": 150, "Dataset`": 220, "seconds`": 80}
    return known.get(name, {"runDateAndNestInfo": 120, "params": 160}.get(kind, 110))


def _charts(metrics: Sequence[str], on: str, has_valid: bool) -> list[dict[str, Any]]:
    rank = ranked_metric(metrics[0], on)
    other = "oof" if on == "valid" else "valid"
    charts = [_bar(rank, f"{metrics[0]} ({on}): what the board is ranked by")]
    charts.append(_line(f"fold_{metrics[0]}", f"{metrics[0]} of each fold: the spread"))
    if has_valid:
        charts.append(_scatter(f"{other}_{metrics[0]}", rank, f"{metrics[0]}: {other} against {on}"))
    charts += [_bar(f"{on}_{metric}", f"{metric} ({on})") for metric in metrics[1:4]]
    charts.append(_scatter("seconds", rank, f"seconds of training against {metrics[0]}"))
    return charts


def _chart(kind: str, name: str, title: str, **more: Any) -> dict[str, Any]:
    base = {"uuid": f"harness-{kind}-{name}", "type": kind, "metricSectionId": _SECTION, "displayName": title}
    return {**base, "deleted": False, "isGenerated": False, "runsCountToCompare": 20, **more}


def _bar(metric: str, title: str) -> dict[str, Any]:
    return _chart("BAR", metric, title, metricKey=metric)


def _line(metric: str, title: str) -> dict[str, Any]:
    shape = {"lineSmoothness": 0, "xAxisKey": "step", "xAxisScaleType": "linear", "scaleType": "linear"}
    flags = {"ignoreOutliers": False, "useGlobalXaxisKey": True, "useGlobalLineSmoothing": True, "displayPoints": True}
    return _chart(
        "LINE",
        metric,
        title,
        metricKey=metric,
        selectedMetricKeys=[metric],
        range={},
        selectedXAxisMetricKey="",
        yAxisKey="metric",
        yAxisExpressions=[],
        **shape,
        **flags,
    )


def _scatter(x: str, y: str, title: str) -> dict[str, Any]:
    axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": y, "type": "METRIC"}}
    return _chart("SCATTER", f"{x}-{y}", title, **axes)
