"""Final boards: ranks, percentiles and medals against cases worked by hand from the site's table."""

from __future__ import annotations

import pytest

from harness.builtin.metrics import harness_metrics
from harness.competition import BoardSpec
from harness.competition_file import parse_competition
from harness.errors import ConfigError
from harness.final_board import FILE, FinalBoard, kaggle_medals, place, read_final_board

METRICS = {metric.name: metric for metric in harness_metrics()}
BOTH = (METRICS["log_loss"], METRICS["accuracy"])
KAGGLE = BoardSpec("kaggle")


@pytest.mark.parametrize(
    ("teams", "gold", "silver", "bronze"),
    [
        (5, 0, 1, 2),  # a tenth of five teams, rounded down, is none
        (10, 1, 2, 4),
        (99, 9, 19, 39),
        (100, 10, 20, 40),
        (249, 10, 49, 99),
        (250, 10, 50, 100),
        (499, 10, 50, 100),
        (500, 11, 50, 100),
        (999, 11, 50, 100),
        (1000, 12, 50, 100),
        (1999, 13, 99, 199),
        (5000, 20, 250, 500),  # the example of the site's own page: 20 gold medals
    ],
)
def test_the_medals_of_each_bracket(teams: int, gold: int, silver: int, bronze: int) -> None:
    assert kaggle_medals(teams) == {"gold": gold, "silver": silver, "bronze": bronze}


@pytest.mark.parametrize(
    ("rank", "medal"),
    [(1, "gold"), (10, "gold"), (11, "silver"), (30, "silver"), (31, "bronze"), (60, "bronze"), (61, "")],
)
@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_score_gets_the_medal_of_its_rank_whichever_way_is_better(rank: int, medal: str, direction: str) -> None:
    scores = tuple(float(position) for position in range(1, 151))
    board = FinalBoard("m", direction, scores if direction == "min" else scores[::-1], KAGGLE)
    ours = rank - 0.5 if direction == "min" else 150 - (rank - 1) + 0.5
    found = place(board, ours)
    assert (found.rank, found.medal, found.teams) == (rank, medal, 150)
    assert found.percentile == pytest.approx(100 * (151 - rank) / 150)


def test_ties_share_the_better_rank() -> None:
    board = FinalBoard("m", "max", (0.9, 0.8, 0.8, 0.8, 0.5), KAGGLE)
    assert [place(board, score).rank for score in (0.95, 0.9, 0.8, 0.7, 0.5, 0.4)] == [1, 1, 2, 5, 5, 6]
    assert place(board, 0.4).percentile == 0.0


def test_medals_are_told_only_by_rules_that_are_known() -> None:
    def medals(spec):
        found = place(FinalBoard("m", "max", (0.9, 0.8), spec), 0.9)
        return found.medal, found.note

    assert medals(None)[0] == ""
    assert "[board] site" in medals(None)[1]
    assert medals(BoardSpec("zindi"))[0] == ""
    assert "no rule of zindi is known here" in medals(BoardSpec("zindi"))[1]
    assert medals(BoardSpec("zindi", {"gold": 0, "silver": 1})) == ("silver", "")
    assert medals(BoardSpec("kaggle", awarded=False)) == ("", "no medals: this competition awarded none")


@pytest.fixture
def read(tmp_path):
    def call(text, metrics=BOTH, spec=KAGGLE):
        (tmp_path / FILE).write_text(text)
        return read_final_board(tmp_path, metrics, spec)

    return call


def test_a_board_as_the_site_writes_it_is_in_the_primary_metric(read) -> None:
    board = read("Rank,TeamId,TeamName,Score\n1,7,a,0.1\n2,8,b,0.2\n2,9,c,0.2\n")
    assert (board.metric, board.direction, board.scores) == ("log_loss", "min", (0.1, 0.2, 0.2))


def test_a_board_in_a_named_metric_has_its_direction(read) -> None:
    board = read("team,accuracy\nb,0.5\na,0.75\n")
    assert (board.metric, board.direction, board.scores) == ("accuracy", "max", (0.75, 0.5))


def test_no_file_is_no_board(tmp_path) -> None:
    assert read_final_board(tmp_path, BOTH, KAGGLE) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no teams"),
        ("team,score\n", "has no teams"),
        ("team,points\na,1\n", "has the columns team, points; one must be 'score' or a metric"),
        ("team,accuracy,log_loss\na,1,1\n", "are all metrics"),
        ("team,score\na,high\n", "line 2: score = 'high': expected a number"),
        ("team,score\na,inf\n", "line 2: score = 'inf': expected a number"),
        ("team,score\na\n", "line 2: 1 cells, expected 2"),
        ("rank,score\n1,0.9\n2,0.1\n", "rank 1 has 0.9 and rank 2 has 0.1, but the lowest log_loss is best"),
        ("rank,score\nfirst,0.9\n", "rank = 'first': expected a whole number"),
    ],
)
def test_a_board_that_cannot_be_believed_is_refused(read, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("[", r"\[")):
        read(text)


def parsed(board, tmp_path):
    table = {
        "title": "t",
        "task": "binary",
        "metrics": ["accuracy"],
        "data": {"source": "local.x"},
        "strategies": {"a": {"model": "m"}},
        "board": board,
    }
    return parse_competition(table, tmp_path / "comp").board


def test_the_competition_file_declares_the_site(tmp_path) -> None:
    found = parsed(
        {"site": "zindi", "medals": {"bronze": 50, "gold": 3}, "awarded": True, "source": "https://a"}, tmp_path
    )
    assert found == BoardSpec("zindi", {"gold": 3, "bronze": 50}, True, "https://a")


@pytest.mark.parametrize(
    ("board", "told"),
    [
        ({}, "missing 'site'"),
        ({"site": "kagle"}, "did you mean 'kaggle'"),
        ({"site": "kaggle", "medals": {"gold": 5, "silver": 2}}, "gold <= silver <= bronze"),
        ({"site": "kaggle", "medals": {"gold": True}}, "expected the last rank"),
        ({"site": "kaggle", "medals": {"glod": 5}}, "unknown key 'glod'"),
        ({"site": "kaggle", "direction": "max"}, "unknown key 'direction'"),
    ],
)
def test_what_a_competition_file_may_not_say_of_it(tmp_path, board, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parsed(board, tmp_path)
