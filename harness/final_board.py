"""Where a score would have stood on the final board of its competition: rank, percentile, medal.

The board is ``final_board.csv`` beside the competition file: a row for each team, its score in a column named as a
metric of the competition or ``score`` (then the primary metric's), any other columns as the site writes them. It is not
``board.csv``, whose rows are a few results with their settings and sources, which ``harness leaderboard`` prints. The
direction is the metric's own; a column ``rank`` is only checked against it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.competition import BoardSpec
from harness.competition_file import MEDALS
from harness.errors import ConfigError, listed, nearest
from harness.offers import Metric
from harness.published import NUMBER, csv_lines

FILE = "final_board.csv"
SCORE, RANK = "score", "rank"


@dataclass(frozen=True)
class FinalBoard:
    """The scores of all teams.

    Attributes
    ----------
    metric : str
        Name of the metric they are in.
    direction : str
        ``min`` or ``max``: which is best.
    scores : tuple of float
        Best first.
    spec : BoardSpec or None
        What the competition file says of it.
    """

    metric: str
    direction: str
    scores: tuple[float, ...]
    spec: BoardSpec | None = None


@dataclass(frozen=True)
class Place:
    """Where a score stands.

    Attributes
    ----------
    rank : int
        1 and as many more as there are teams with a better score: equal scores share the better rank.
    teams : int
        Of the board, without ours.
    percentile : float
        Percent of the teams that are not better; 100 at the top.
    medal : str
        ``gold``, ``silver``, ``bronze``, or empty.
    medals : mapping of str to int
        The last rank of each medal; empty where none is known.
    note : str
        Why there are no medals, where that is so.
    """

    rank: int
    teams: int
    percentile: float
    medal: str
    medals: Mapping[str, int]
    note: str = ""


def read_final_board(home: Path, metrics: Sequence[Metric], spec: BoardSpec | None) -> FinalBoard | None:
    """Read the final board in a competition's folder; None where there is none.

    Parameters
    ----------
    metrics : sequence of Metric
        Those of the competition, the primary one first.

    Raises
    ------
    ConfigError
        Naming the file, the line and the column; also if its ranks contradict the metric's direction.
    """
    path, where = home / FILE, f"{home.name}/{FILE}"
    if not path.is_file():
        return None
    lines = csv_lines(path, where)
    if len(lines) < 2:
        raise ConfigError(f"{where} has no teams; expected a header and a row for each of them")
    header, rows = lines[0][1], lines[1:]
    metric, column = _score_column(header, metrics, where)
    scores = [_number(cells, column, header, f"{where}, line {number}") for number, cells in rows]
    lowered = [name.lower() for name in header]
    if RANK in lowered:
        _check_ranks(rows, lowered.index(RANK), scores, metric, where)
    return FinalBoard(metric.name, metric.direction, tuple(sorted(scores, reverse=metric.direction == "max")), spec)


def _score_column(header: Sequence[str], metrics: Sequence[Metric], where: str) -> tuple[Metric, int]:
    found = [metric for metric in metrics if metric.name in header]
    if len(found) == 1:
        return found[0], header.index(found[0].name)
    if found:
        raise ConfigError(f"{where}: columns {listed(m.name for m in found)} are all metrics; keep the official one")
    named = [position for position, name in enumerate(header) if name.lower() == SCORE]
    if len(named) != 1:
        known = [metric.name for metric in metrics]
        raise ConfigError(
            f"{where} has the columns {listed(header, 12)}; one must be {SCORE!r} or a metric{nearest('', known)}"
        )
    return metrics[0], named[0]


def _number(cells: Sequence[str], column: int, header: Sequence[str], where: str) -> float:
    if len(cells) != len(header):
        raise ConfigError(f"{where}: {len(cells)} cells, expected {len(header)} as in the header")
    if not NUMBER.fullmatch(cells[column]) or not math.isfinite(float(cells[column])):
        raise ConfigError(f"{where}: {header[column]} = {cells[column]!r}: expected a number")
    return float(cells[column])


def _check_ranks(
    rows: Sequence[tuple[int, list[str]]], column: int, scores: Sequence[float], metric: Metric, where: str
) -> None:
    """Refuse ranks that no board of this metric has; whatever is wrong, medals would be too."""
    ranked = []
    for (number, cells), score in zip(rows, scores, strict=True):
        if not cells[column].isdecimal():
            raise ConfigError(f"{where}, line {number}: {RANK} = {cells[column]!r}: expected a whole number")
        ranked.append((int(cells[column]), score))
    ranked.sort(key=lambda pair: pair[0])
    for (better, first), (worse, second) in itertools.pairwise(ranked):
        if better < worse and first != second and (first < second) == (metric.direction == "max"):
            best = "highest" if metric.direction == "max" else "lowest"
            raise ConfigError(
                f"{where}: rank {better} has {first} and rank {worse} has {second}, but the {best} {metric.name} is"
                " best; is it another metric, or its negative?"
            )


def place(board: FinalBoard, score: float) -> Place:
    """Tell where a score would have stood.

    Examples
    --------
    >>> board = FinalBoard("auc", "max", (0.9, 0.8, 0.8, 0.7), BoardSpec("kaggle"))
    >>> place(board, 0.8).rank, place(board, 0.8).percentile, place(board, 0.75).rank
    (2, 75.0, 4)
    """
    better = sum(one > score if board.direction == "max" else one < score for one in board.scores)
    teams = len(board.scores)
    medals, note = medal_ranks(board.spec, teams)
    medal = next((name for name in MEDALS if better + 1 <= medals.get(name, 0)), "")
    return Place(better + 1, teams, 100.0 * (teams - better) / teams, medal, medals, note)


def medal_ranks(spec: BoardSpec | None, teams: int) -> tuple[dict[str, int], str]:
    """Return the last rank of each medal, and why there are none where that is so."""
    if spec is None:
        return {}, 'no medals: the competition file does not say whose rules hold ([board] site = "kaggle")'
    if not spec.awarded:
        return {}, "no medals: this competition awarded none"
    if spec.medals:
        return dict(spec.medals), ""
    if spec.site != "kaggle":
        return (
            {},
            f"no medals: no rule of {spec.site} is known here; [board] medals = {{ gold = 10, ... }} tells last ranks",
        )
    return kaggle_medals(teams), ""


def kaggle_medals(teams: int) -> dict[str, int]:
    """Return the last rank of each medal by Kaggle's table for a number of teams.

    Percentages are rounded down, as https://www.kaggle.com/progression says; above 249 teams there is a gold medal more
    for each 500 teams.

    Examples
    --------
    >>> kaggle_medals(99), kaggle_medals(1500)
    ({'gold': 9, 'silver': 19, 'bronze': 39}, {'gold': 13, 'silver': 75, 'bronze': 150})
    """
    # whole numbers throughout: in floats 0.29 * 100 is less than 29
    if teams < 100:
        return {"gold": teams // 10, "silver": teams // 5, "bronze": teams * 2 // 5}
    if teams < 250:
        return {"gold": 10, "silver": teams // 5, "bronze": teams * 2 // 5}
    gold = 10 + teams // 500
    if teams < 1000:
        return {"gold": gold, "silver": 50, "bronze": 100}
    return {"gold": gold, "silver": teams // 20, "bronze": teams // 10}
