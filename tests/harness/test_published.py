"""board.csv: read strictly, every mistake one line; and what is told of our setting beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.builtin.metrics import harness_metrics
from harness.competition_file import read_competition
from harness.errors import ConfigError
from harness.leaderboard import rank, with_published
from harness.published import FILE, difference, read_published

METRICS = {metric.name: metric for metric in harness_metrics()}
ACCURACY, LOSS = METRICS["accuracy"], METRICS["log_loss"]
HEAD = "entry,size,epochs,runs,accuracy,source\n"
SWAV, SESEMI = "SwAV,128,5,5,0.7294,https://example.org/a\n", "SESEMI,256,80,,0.7841,http://example.org/b?c=1\n"


@pytest.fixture
def read(tmp_path):
    def call(content, metrics=(LOSS, ACCURACY)):
        (tmp_path / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_published(tmp_path, metrics)

    return call


def test_results_are_read_best_first_with_their_settings(read):
    best, other = read(HEAD + SWAV + SESEMI)
    assert (best.entry, best.metric, best.score, best.source) == (
        "SESEMI",
        "accuracy",
        0.7841,
        "http://example.org/b?c=1",
    )
    assert best.setting == {"size": 256, "epochs": 80}  # an empty cell is not known
    assert other.setting == {"size": 128, "epochs": 5, "runs": 5}


def test_the_least_is_first_where_less_is_better(read):
    text = "entry,log_loss,source\na,0.9,https://e.org\nb,1e-1,https://e.org\nc,.5,https://e.org\n"
    assert [(one.entry, one.score) for one in read(text)] == [("b", 0.1), ("c", 0.5), ("a", 0.9)]


def test_a_byte_order_mark_windows_line_ends_and_empty_lines_change_nothing(read):
    text = HEAD + SWAV + SESEMI
    assert read(b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode()) == read(text)


def test_there_need_not_be_such_a_file(tmp_path):
    assert read_published(tmp_path, [ACCURACY]) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a header with entry, a metric and source"),
        (HEAD, "has a header and no rows"),
        ("entry,acuracy,source\na,1,https://e.org\n", "as a metric of the competition; did you mean 'accuracy'"),
        ("entry,size,source\na,1,https://e.org\n", "as a metric of the competition; known: accuracy, log_loss"),
        ("entry,accuracy,log_loss,source\na,1,1,https://e.org\n", "columns log_loss, accuracy are all metrics"),
        ("name,accuracy,source\na,1,https://e.org\n", "no column 'entry'; it has: name, accuracy, source"),
        ("entry;accuracy;source\na;1;https://e.org\n", "no column 'entry'; it has: entry;accuracy;source"),
        ("entry,accuracy,entry,source\na,1,b,https://e.org\n", "'entry' is there twice"),
        ("entry,accuracy,,source\na,1,b,https://e.org\n", "one has no name"),
        (HEAD + SWAV + SWAV.replace("0.7294", "72.94%"), "line 3: accuracy = '72.94%': expected a number"),
        (HEAD + SWAV.replace("0.7294", "nan"), "line 2: accuracy = 'nan': expected a number"),
        (HEAD + SWAV.replace("0.7294", "1e999"), "line 2: accuracy = '1e999': expected a number"),
        (HEAD + SWAV.replace("0.7294", ""), "line 2: accuracy = '': expected a number"),
        (HEAD + SWAV.replace("0.7294", "0.7,294"), "line 2: 7 cells, expected 6"),
        (HEAD + SWAV.replace("SwAV", ""), "line 2: entry is empty"),
        (HEAD + SWAV.replace("https://example.org/a", "javascript:alert(1)"), "line 2: source = 'javascript:alert(1)'"),
        (HEAD + SWAV.replace("https://example.org/a", "http://[::1"), "expected a web address"),
        (HEAD + SWAV.replace("SwAV", "S\x1b[31m"), "line 2: 'S?[31m' holds a character that is not printable"),
        (HEAD + SWAV.replace("SwAV", '"SwAV'), "not CSV"),
        (HEAD.encode() + "SwÄV".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_mistake_is_one_line_that_names_its_place(read, tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in str(caught.value)
    assert f"{tmp_path.name}/{FILE}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_difference_names_what_nobody_published(read):
    rows = read(HEAD + SWAV + SESEMI)
    ours = {"size": 64, "epochs": "5", "runs": 3, "pretext": "simclr"}
    assert difference(rows, ours) == ["size 64 (published: 128 to 256)", "epochs 5", "runs 3 (published: 5)"]
    words = read("entry,net,accuracy,source\na,wide,1,https://e.org\nb,deep,1,https://e.org\n")
    assert difference(words, {"net": "small"}) == ["net small (published: wide, deep)"]


SHIPPED = sorted(path.parent for path in (Path(harness.__file__).parents[1] / "competitions").glob(f"*/{FILE}"))


@pytest.mark.parametrize("home", SHIPPED, ids=lambda home: home.name)
def test_what_is_shipped_can_be_read(home):
    metrics = [METRICS[name] for name in read_competition(home).metrics if name in METRICS]
    assert len(read_published(home, metrics)) > 1


def test_the_board_of_imagewang_has_its_official_numbers():
    home = next((home for home in SHIPPED if home.name == "imagewang"), None)
    if home is None:
        pytest.skip("needs the checkout")
    rows = {(one.setting["size"], one.setting["epochs"]): one for one in read_published(home, [ACCURACY])}
    assert set(rows) == {(size, epochs) for size in (128, 192, 256) for epochs in (5, 20, 80, 200)}
    known = {(128, 5): 0.7294, (192, 5): 0.7707, (256, 5): 0.7956, (256, 200): 0.7927, (128, 200): 0.6604}
    assert {key: rows[key].score for key in known} == known
    assert (rows[256, 80].entry, rows[256, 80].setting["std"]) == ("SESEMI", 0.0039)


# beside a board -----------------------------------------------------------------------------------------------------


@pytest.fixture
def toy(competitions):
    (competitions / "toy" / FILE).write_text(HEAD + SWAV + SESEMI)
    return read_competition(competitions / "toy")


def line(name, accuracy, valid=None, setting=None, seeds=None, baseline=False, marks=()):
    scores = {"accuracy": {"oof": accuracy, "valid": valid}}
    more = {"setting": setting or {}, "seeds": seeds}
    return {"name": name, "baseline": baseline, "scores": scores, "marks": list(marks), **more}


def told(toy, *lines, variant="mini"):
    board = rank(toy, [ACCURACY], lines, {"variant": variant, "digest": "", "info": {}})
    return with_published(board, toy, [ACCURACY])


def test_our_best_full_run_is_the_one_that_is_compared(toy):
    base = line("baseline-prior", 0.9, baseline=True)
    fast = line("fast", 0.8, marks=["fast"])
    board = told(toy, base, fast, line("simclr", 0.25, 0.225, {"size": 64, "epochs": 5}), line("scratch", 0.2))
    assert board.difference == (
        "ours: simclr, accuracy 0.225 on the labelled validation set, size 64 (published: 128 to 256), epochs 5,"
        " runs 1 (published: 5), data mini"
    )
    assert [one["rank"] for one in board.as_json()["published"]] == [1, 2]
    assert board.as_json()["published"][1]["setting"] == {"size": 128, "epochs": 5, "runs": 5}


def test_a_mean_over_seeds_is_compared_by_its_single_runs(toy):
    seeds = {"count": 3, "mean": {"accuracy": {"oof": 0.221, "valid": None}}}
    seeds["std"] = {"accuracy": {"oof": 0.012, "valid": None}}
    board = told(toy, line("simclr (mean of 3 seeds)", 0.24, None, {"size": 64}, seeds, marks=["simulated"]))
    assert board.difference == (
        "ours: simclr (mean of 3 seeds), accuracy 0.221 ± 0.012 over seeds (0.24 of their averaged predictions) on"
        " out-of-fold rows, size 64 (published: 128 to 256), runs 3 (published: 5), data mini (SIMULATED)"
    )


def test_a_blend_has_no_setting_and_a_board_without_full_runs_no_difference(toy):
    assert told(toy, line("blend", 0.3)).difference == "ours: blend, accuracy 0.3 on out-of-fold rows, data mini"
    assert told(toy, line("baseline-prior", 0.9, baseline=True)).difference == ""
    assert len(told(toy).published) == 2


def test_a_column_of_data_is_compared_with_our_variant(toy):
    text = HEAD.replace("runs", "data") + SWAV.replace(",5,0", ",full,0")
    (toy.home / FILE).write_text(text)
    assert told(toy, line("a", 0.3)).difference.endswith("rows, data mini (published: full)")
    assert told(toy, line("a", 0.3), variant="full").difference.endswith("rows, data full")


def test_a_path_is_told_by_the_name_of_its_file(toy):
    board = rank(toy, [ACCURACY], [line("a", 0.3)], {"variant": "path", "given": "/data/mini-128.zip", "info": {}})
    assert with_published(board, toy, [ACCURACY]).difference.endswith("data mini-128.zip")
