"""Commands that take files: grade, validate, fetch."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss

from harness.cli.train import shown_path

CLASSES = ["ash", "beech", "cedar"]
IDS = [str(row) for row in range(500, 530)]


def table(seed: int = 0) -> pd.DataFrame:
    """Return a valid submission of the toy competition, every value a string."""
    values = np.random.default_rng(seed).dirichlet([1, 1, 1], size=30).round(6)
    values[:, 2] = 1 - values[:, :2].sum(axis=1)
    return pd.DataFrame({"row_id": IDS, **dict(zip(CLASSES, values.T, strict=True))}).astype(str)


def write(workspace: Path, frame: pd.DataFrame, name: str = "mine.csv") -> str:
    frame.to_csv(workspace / name, index=False)
    return name


# grade --------------------------------------------------------------------------------------------------------------


def truth() -> list[str]:
    return [CLASSES[code] for code in np.random.default_rng(1).integers(0, 3, size=30)]


@pytest.mark.parametrize("shape", ["labels", "one column per class"])
def test_grade_scores_as_scikit_learn_does_whatever_the_order(shape, harness, workspace):
    answers = pd.DataFrame({"row_id": IDS, "label": truth()})
    if shape != "labels":
        answers = answers[["row_id"]].assign(**{c: (answers["label"] == c).astype(int) for c in reversed(CLASSES)})
    write(workspace, answers.sample(frac=1, random_state=2), "truth.csv")
    frame = table()
    done = harness("grade", "toy", write(workspace, frame.iloc[::-1]), "--truth", "truth.csv", "--json")
    assert done.code == 0, done.err
    values = frame[CLASSES].astype(float).to_numpy()
    likeliest = [CLASSES[code] for code in values.argmax(axis=1)]
    assert set(done.json["scores"]) == {"log_loss", "macro_f1"}
    assert done.json["scores"]["log_loss"] == pytest.approx(log_loss(truth(), values, labels=CLASSES), rel=1e-6)
    assert done.json["scores"]["macro_f1"] == pytest.approx(f1_score(truth(), likeliest, average="macro"))
    shown = harness("grade", "toy", "mine.csv", "--truth", "truth.csv").out
    assert f"{done.json['scores']['log_loss']:.4f}" in shown


def test_grade_of_a_perfect_submission(harness, workspace):
    frame = table().assign(**{c: [str(float(c == label)) for label in truth()] for c in CLASSES})
    write(workspace, pd.DataFrame({"row_id": IDS, "label": truth()}), "truth.csv")
    scores = harness("grade", "toy", write(workspace, frame), "--truth", "truth.csv", "--json").json["scores"]
    assert scores["macro_f1"] == 1.0
    assert scores["log_loss"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (pd.DataFrame({"row_id": IDS[:29], "label": truth()[:29]}), "1 unexpected id: '529'"),
        (pd.DataFrame({"row_id": IDS, "label": ["oak", *truth()[1:]]}), "holds oak; expected the classes ash"),
        (pd.DataFrame({"row_id": [IDS[0], *IDS[:29]], "label": truth()}), "has 1 duplicate ids: 500"),
        (pd.DataFrame({"row_id": IDS, "a": truth(), "b": truth()}), "expected one of answers beside the id"),
    ],
)
def test_grade_tells_what_is_wrong_with_the_answers(answers, words, harness, workspace):
    write(workspace, answers, "truth.csv")
    done = harness("grade", "toy", write(workspace, table()), "--truth", "truth.csv")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


def with_board(competitions: Path, text: str) -> None:
    home = competitions / "toy"
    (home / "final_board.csv").write_text(text)
    file = home / "competition.toml"
    file.write_text(file.read_text() + '\n[board]\nsite = "kaggle"\n')


def test_grade_tells_rank_percentile_and_medal_of_the_official_score(harness, workspace, competitions):
    with_board(competitions, "team,score\n" + "".join(f"t{n},{n / 10}\n" for n in range(1, 101)))
    write(workspace, pd.DataFrame({"row_id": IDS, "label": truth()}), "truth.csv")
    frame = table()
    values = frame[CLASSES].astype(float).to_numpy()
    rank = int(np.floor(10 * log_loss(truth(), values, labels=CLASSES))) + 1  # as many have 0.1, 0.2, ... below it
    done = harness("grade", "toy", write(workspace, frame), "--truth", "truth.csv", "--json")
    board = done.json["board"]
    assert (done.json["metric"], done.json["direction"], board["site"]) == ("log_loss", "min", "kaggle")
    assert (board["rank"], board["teams"], board["percentile"]) == (rank, 100, 101.0 - rank)
    assert board["medals"] == {"gold": 10, "silver": 20, "bronze": 40}
    assert board["medal"] == ("gold" if rank <= 10 else "silver" if rank <= 20 else "bronze")
    shown = harness("grade", "toy", "mine.csv", "--truth", "truth.csv").out
    assert f"rank {rank} of 100 teams" in shown


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda text: b"\xff\xfe\x00", "invalid file"),
        (lambda text: text.replace(b"beech", b"birch"), "wrong columns"),
        (lambda text: text.replace(b"\n500,", b"\n999,"), "invalid rows"),
    ],
)
def test_grade_names_the_kind_of_what_is_wrong(change, kind, harness, workspace):
    write(workspace, pd.DataFrame({"row_id": IDS, "label": truth()}), "truth.csv")
    file = workspace / write(workspace, table())
    file.write_bytes(change(file.read_bytes()))
    done = harness("grade", "toy", "mine.csv", "--truth", "truth.csv", "--json")
    assert (done.code, done.json["error"]["kind"]) == (2, kind)
    assert done.json["error"]["message"] in done.err


def test_a_metric_that_fails_is_a_bug_with_its_traceback(harness_process, workspace, competitions):
    plugin = competitions / "toy" / "plugin.py"
    plugin.write_text(
        plugin.read_text()
        + "\n\ndef wrong(*_):\n    raise ZeroDivisionError('no rows left')\n\n\n@hookimpl\ndef harness_metrics():\n"
        "    from harness.offers import Metric\n\n"
        "    yield Metric('local.wrong', 'fails', 'min', 'probabilities', frozenset(TaskType), wrong)\n"
    )
    file = competitions / "toy" / "competition.toml"
    file.write_text(file.read_text().replace('["log_loss"', '["local.wrong"'))
    write(workspace, pd.DataFrame({"row_id": IDS, "label": truth()}), "truth.csv")
    done = harness_process("grade", "toy", write(workspace, table()), "--truth", "truth.csv", "--json")
    assert done.code == 1
    assert done.json["error"] == {
        "kind": "bug",
        "message": "metric 'local.wrong' failed: ZeroDivisionError: no rows left",
    }
    assert "MetricFailedError" in done.err
    assert "in wrong" in done.err


# validate -----------------------------------------------------------------------------------------------------------


def cell(row: int, column: str, value: str) -> pd.DataFrame:
    frame = table()
    frame.loc[row, column] = value
    return frame


DEFECTS = {
    "a row is missing": (lambda: table().drop(index=3), "1 id missing: '503'"),
    "a row too many": (lambda: pd.concat([table(), cell(0, "row_id", "999").head(1)]), "1 unexpected id: '999'"),
    "a row twice": (lambda: pd.concat([table(), table().head(1)]), "1 duplicate id: '500'"),
    "an id changed by a spreadsheet": (lambda: cell(0, "row_id", "500.0"), "1 unexpected id: '500.0'"),
    "no number": (lambda: cell(2, "beech", "maybe"), "column 'beech': 1 cell no number: 502='maybe'"),
    "empty": (lambda: cell(2, "beech", ""), "column 'beech': 1 cell empty or NaN: 502=''"),
    "infinite": (lambda: cell(2, "ash", "inf"), "column 'ash': 1 cell infinite: 502='inf'"),
    "outside": (lambda: cell(4, "cedar", "1.5"), "column 'cedar': 1 cell outside [0, 1]: 504='1.5'"),
    "negative": (lambda: cell(4, "cedar", "-0.5"), "column 'cedar': 1 cell outside [0, 1]: 504='-0.5'"),
    "wrong sums": (lambda: table().assign(ash="0.9", beech="0.9"), "30 rows whose probabilities do not sum to 1"),
    "a column is missing": (lambda: table().drop(columns="beech"), "missing 1 column: beech"),
    "a column too many": (lambda: table().assign(oak="0"), "unexpected 1 column: oak"),
    "a misspelt column": (lambda: table().rename(columns={"beech": "beach"}), "beech; did you mean 'beach'?"),
    "columns in another order": (lambda: table()[["row_id", *CLASSES[::-1]]], "columns in another order"),
}


@pytest.mark.fault("F-23", "F-24", "F-29")
@pytest.mark.parametrize("defect", DEFECTS)
def test_validate_names_the_defect_and_its_place(defect, harness, workspace):
    make, words = DEFECTS[defect]
    done = harness("validate", "toy", write(workspace, make()))
    assert done.code == 2
    assert words in done.out
    assert all(line.startswith("problem: ") for line in done.out.splitlines())
    found = harness("validate", "toy", "mine.csv", "--json")
    assert (found.code, found.json["valid"]) == (2, False)
    assert any(words in problem for problem in found.json["problems"])


def test_validate_says_what_it_checked_against_and_whose_file_it_is(harness, workspace):
    done = harness("validate", "toy", write(workspace, table()))
    assert "30 rows, mine.csv, checked against the sample data of toy" in done.out
    strange = write(workspace, table().assign(row_id="x" + pd.Series(IDS)))
    done = harness("validate", "toy", strange)
    assert "checked against the sample data of toy; other data: --data VARIANT|PATH" in done.err
    assert harness("run", "toy", "-s", "near", "--no-tracking").code == 0
    (run,) = (workspace / "runs/toy").glob("near-*")
    pd.read_csv(run / "submission.csv").head(29).to_csv(workspace / "cut.csv", index=False)
    done = harness("validate", "toy", "cut.csv")
    assert done.err.strip().endswith(f"it is nearly that of run toy/{run.name}")
    record = json.loads((run / "result.json").read_text())
    record["data"] |= {"variant": "path", "given": "/photos"}
    (run / "result.json").write_text(json.dumps(record))
    assert "on other data: --data /photos" in harness("validate", "toy", "cut.csv").err


@pytest.mark.fault("F-30")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"row_id,ash,beech,cedar\n", "has a header but no rows"),
        (b"row_id,ash,ash\n1,2,3\n", "names columns twice: ash"),
        (b"row_id\n1\n", "has one column"),
        (b"row_id,ash\n\xff\xfe,2\n", "is not a CSV file in UTF-8"),
        (b"row_id,ash\n1,2,3\n", "is not a CSV file in UTF-8"),
    ],
)
def test_validate_of_a_file_that_is_none(content, words, harness, workspace):
    (workspace / "mine.csv").write_bytes(content)
    done = harness("validate", "toy", "mine.csv")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


@pytest.mark.fault("F-24")
def test_validate_takes_rows_in_any_order_windows_lines_and_a_bom(harness, workspace):
    text = table().iloc[::-1].to_csv(index=False, lineterminator="\r\n")
    (workspace / "mine.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    done = harness("validate", "toy", "mine.csv")
    assert (done.code, done.out) == (0, "valid: 30 rows, mine.csv, checked against the sample data of toy\n")


# fetch --------------------------------------------------------------------------------------------------------------

BODY = b"row_id,ash\n500,1\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def served(tmp_path, competitions):
    """Serve a file, and let the toy competition name it as its public data; yield a function that adds its digest."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "rows.csv").write_bytes(BODY)
    file = competitions / "toy/competition.toml"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/rows.csv"
        public = f'[data.variants.public]\nurls = ["{url}"]\n'
        text = file.read_text()

        def declare(digest: str = "") -> None:
            line = f'sha256 = {{ "rows.csv" = "{digest}" }}\n' if digest else ""
            file.write_text(text.replace("[split]", f"{public}{line}\n[split]"))

        declare()
        yield declare
        server.shutdown()
        thread.join()


def test_fetch_then_run_and_what_to_do_before(served, harness, workspace):
    before = harness("run", "toy", "-s", "near", "--data", "public", "--no-tracking")
    assert before.code == 2
    assert "fetch it: harness fetch toy --variant public" in before.err
    done = harness("fetch", "toy")
    assert done.code == 0, done.err
    assert "rows.csv  sha256 " in done.out
    assert "unverified: the competition file has no digest for it" in done.out
    assert "next: " in done.out
    assert done.out.endswith(" run toy --data public\n")
    (fetched,) = workspace.rglob("rows.csv")
    assert fetched.read_bytes() == BODY
    after = harness("run", "toy", "-s", "near", "--data", "public", "--no-tracking", "--json")
    assert after.code == 0, after.err
    assert after.json["data"]["variant"] == "public"


def test_fetch_verifies_what_the_file_vouches_for(served, harness):
    digest = hashlib.sha256(BODY).hexdigest()
    served(digest)
    done = harness("fetch", "toy", "--variant", "public", "--json")
    assert done.code == 0, done.err
    (file,) = done.json["files"]
    assert (file["name"], file["sha256"], file["verified"]) == ("rows.csv", digest, True)
    assert "  verified" in harness("fetch", "toy").out


def test_fetch_refuses_another_file_than_the_one_vouched_for(served, harness, workspace):
    served("0" * 64)
    done = harness("fetch", "toy")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "is not the file it should be" in done.err
    assert not list(workspace.rglob("rows.csv"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["toy"], "toy has nothing to fetch: its data comes with a plugin, or is given with --data PATH"),
        (["toy", "--variant", "sample"], "variant 'sample' of toy has nothing to fetch"),
        (["toy", "--variant", "smaple"], "toy has no variant 'smaple'; did you mean 'sample'?"),
    ],
)
def test_fetch_where_there_is_nothing(args, words, harness):
    done = harness("fetch", *args)
    assert (done.code, done.err) == (2, f"error: {words}\n")


def test_fetch_tells_where_files_that_are_not_fetched_lie(harness, competitions, workspace):
    file = competitions / "toy/competition.toml"
    text = file.read_text().replace('variant = "sample"', 'variant = "local"')
    file.write_text(text.replace("[split]", "[data.variants.local]\npath = 'files'\n\n[split]"))
    place = shown_path(competitions / "toy/files")
    for args in (["toy"], ["toy", "--variant", "local"]):
        done = harness("fetch", *args)
        told = f"has nothing to fetch: the files of its variant 'local' lie at {place}; harness run toy reads them\n"
        assert (done.code, told in done.err) == (2, True)
