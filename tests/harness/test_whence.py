"""Submissions found again: disguised, edited, unknown; with fingerprints and without."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import Submission
from harness.errors import SubmissionError
from harness.fingerprint import FILE, fingerprint_of, read_fingerprint, write_fingerprint
from harness.store import Workspace
from harness.submission_file import read_submission, write_submission
from harness.whence import find_run_of

ROWS = 3000
IDS = [f"{row:05d}" for row in range(ROWS)]


def values(seed: int) -> pd.DataFrame:
    first = np.random.default_rng(seed).beta(1, 3, ROWS)
    return pd.DataFrame({"id": IDS, "no": 1 - first, "yes": first})


def store(root: Path, name: str, frame: pd.DataFrame, fingerprint: bool = True) -> Path:
    path = root / "runs" / "comp" / name / "submission.csv"
    path.parent.mkdir(parents=True)
    write_submission(path, Submission(frame))
    if fingerprint:
        write_fingerprint(path.with_name(FILE), fingerprint_of(frame, path.stat().st_size))
    return path


@pytest.fixture
def runs(tmp_path) -> Path:
    for seed in range(12):
        store(tmp_path, f"run-{seed}", values(seed), fingerprint=seed % 2 == 0)
    return tmp_path


def look(root: Path, frame: pd.DataFrame, **how):
    file = root / "mine.csv"
    frame.to_csv(file, index=False, **how)
    return find_run_of(Workspace(root), file)


@pytest.mark.parametrize("seed", [4, 5])  # one with a stored fingerprint, one without
def test_disguised_copies_lead_to_their_run(runs, seed) -> None:
    frame = values(seed)
    shuffled = frame.sample(frac=1, random_state=0)
    for made, how, change in [
        (shuffled, {}, "rows in another order"),
        (frame[["yes", "id", "no"]], {}, "columns in another order"),
        (frame.round(6), {}, "numbers rounded to 6 decimals"),
        (frame, {"float_format": "%.6g"}, "numbers rounded to 6 significant digits"),
        (shuffled[["yes", "no", "id"]].round(6), {}, "numbers rounded to 6 decimals"),
        (frame, {"lineterminator": "\r\n"}, "other bytes"),
    ]:
        found = look(runs, made, **how)
        assert (found.verdict, found.match.name) == ("same", f"comp/run-{seed}")
        assert change in found.match.changes
        assert (found.match.equal, found.also) == (ROWS, ())


def test_the_very_file_is_identical(runs) -> None:
    found = find_run_of(Workspace(runs), runs / "runs" / "comp" / "run-7" / "submission.csv")
    assert (found.verdict, found.match.name, found.match.changes, found.searched) == ("identical", "comp/run-7", (), 12)


def test_an_edited_copy_leads_to_the_closest_run_and_the_rows(runs) -> None:
    frame = values(3).round(6)
    rows = [5, 17, 1999]
    frame.loc[rows, "yes"] = 0.987654321
    frame = pd.concat([frame.drop(index=[8]).sample(frac=1, random_state=1), frame.iloc[[9]].assign(id="extra")])
    found = look(runs, frame)
    match = found.match
    assert (found.verdict, match.name) == ("edited", "comp/run-3")
    assert (match.equal, match.edited, match.missing, match.added) == (ROWS - 4, 3, 1, 1)
    assert {row.id for row in match.rows} == {IDS[row] for row in rows}
    told = {row.id: row.cells for row in match.rows}[IDS[5]]
    assert list(told) == ["yes"]
    assert float(told["yes"][0]) == values(3)["yes"][5]
    assert told["yes"][1] == "0.987654321"
    assert set(match.ids) == {IDS[8], "extra"}


def test_more_edited_rows_than_are_told_are_counted(runs) -> None:
    frame = values(3)
    frame.loc[:199, "yes"] += 0.01
    match = look(runs, frame).match
    assert (match.edited, len(match.rows), match.verdict) == (200, 10, "edited")


def test_another_model_is_not_close_though_its_ids_are_known(runs) -> None:
    found = look(runs, values(99))
    assert (found.verdict, found.match.equal) == ("none", 0)


def test_a_blend_by_hand_was_never_a_run(runs) -> None:
    blend = values(2)
    blend[["no", "yes"]] = 0.5 * values(2)[["no", "yes"]] + 0.5 * values(3)[["no", "yes"]]
    assert look(runs, blend).verdict == "none"


def test_other_ids_and_an_empty_workspace(runs, tmp_path_factory) -> None:
    strangers = look(runs, values(1).assign(id=[f"x{row}" for row in IDS]))
    assert (strangers.match, strangers.verdict, strangers.searched) == (None, "none", 12)
    nothing = look(tmp_path_factory.mktemp("empty"), values(1))
    assert (nothing.match, nothing.searched) == (None, 0)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: f.set_axis(["id", "a", "b"], axis=1), "but the columns are called a, b (expected no, yes)"),
        (lambda f: f.assign(no=f["yes"], yes=f["no"]), "but with columns exchanged: no, yes"),
        (lambda f: f.assign(id=np.roll(f["id"], 7)), "but under other ids"),
    ],
    ids=["renamed", "exchanged", "other ids"],
)
def test_what_went_wrong_with_a_whole_file_is_told(runs, spoil, told) -> None:
    found = look(runs, spoil(values(5)))
    assert (found.verdict, found.match is None or found.match.share < 0.5) == ("none", True)
    assert ("comp/run-5" if found.match else "those of comp,") in found.hint
    assert told in found.hint
    assert look(runs, values(99)).hint == ""


def test_rows_that_stand_twice_are_counted_and_are_no_other_order(runs) -> None:
    frame = values(5)
    match = look(runs, pd.concat([frame, frame.iloc[:4]])).match
    assert (match.name, match.equal, match.added, match.twice) == ("comp/run-5", ROWS, 4, 4)
    assert "rows in another order" not in match.changes


def test_an_empty_cell_is_called_so(runs) -> None:
    frame = values(5).astype(object)
    frame.loc[3, "yes"] = ""
    (row,) = look(runs, frame).match.rows
    assert row.cells["yes"][1] == "empty"


def test_a_file_that_is_not_there_is_told_in_plain_words(runs) -> None:
    with pytest.raises(SubmissionError, match=r"nowhere\.csv: there is no such file$"):
        find_run_of(Workspace(runs), runs / "nowhere.csv")


def test_runs_with_the_same_submission_are_all_named(runs) -> None:
    store(runs, "twin", values(6))
    found = look(runs, values(6).sample(frac=1, random_state=0))
    assert {found.match.name, *found.also} == {"comp/run-6", "comp/twin"}


def test_a_missing_column_is_told(runs) -> None:
    found = look(runs, values(6)[["id", "yes"]])
    assert (found.verdict, found.match.name, found.match.columns) == ("edited", "comp/run-6", ("no column 'no'",))


def test_decisions_are_no_rounded_probabilities(tmp_path) -> None:
    frame = values(0)
    store(tmp_path, "run", frame)
    assert look(tmp_path, frame.assign(no=frame["no"].round(), yes=frame["yes"].round())).verdict == "none"


def test_labels_are_compared_as_texts(tmp_path) -> None:
    for seed in range(3):
        kinds = np.random.default_rng(seed).choice(["oak", "ash"], ROWS)
        store(tmp_path, f"run-{seed}", pd.DataFrame({"id": IDS, "kind": kinds}))
    frame = pd.DataFrame({"id": IDS, "kind": np.random.default_rng(1).choice(["oak", "ash"], ROWS)})
    assert look(tmp_path, frame.iloc[::-1]).match.name == "comp/run-1"
    frame.loc[7, "kind"] = "elm"
    match = look(tmp_path, frame).match
    assert (match.name, match.edited, match.rows[0].id) == ("comp/run-1", 1, IDS[7])


def test_a_run_gets_its_fingerprint_when_it_was_searched_without(runs) -> None:
    file = runs / "runs" / "comp" / "run-5" / FILE
    assert not file.exists()
    assert look(runs, values(5)).read == 6
    assert file.is_file()
    assert look(runs, values(5)).read == 0


def test_a_fingerprint_of_another_file_or_a_damaged_one_is_not_believed(runs) -> None:
    path = runs / "runs" / "comp" / "run-4" / "submission.csv"
    write_submission(path, Submission(values(77)))
    (runs / "runs" / "comp" / "run-6" / FILE).write_bytes(b"PK\x03\x04 not a zip")
    # the file that was replaced has another size, or its cells are compared anyway
    assert look(runs, values(77)).match.name == "comp/run-4"
    assert look(runs, values(6)).match.name == "comp/run-6"


def test_a_damaged_submission_stops_no_search(runs) -> None:
    path = runs / "runs" / "comp" / "run-5" / "submission.csv"
    path.write_bytes(b"")
    assert look(runs, values(3)).match.name == "comp/run-3"


def test_a_file_that_is_no_table_is_refused(runs) -> None:
    (runs / "mine.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SubmissionError, match=r"mine\.csv"):
        find_run_of(Workspace(runs), runs / "mine.csv")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400))
def test_the_fingerprint_is_the_same_in_any_order_and_of_the_file_as_of_the_table(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"id": [f"r{n}" for n in range(rows)], "a": rng.normal(size=rows), "b": rng.integers(0, 9, rows)}
    )
    mixed = frame.sample(frac=1, random_state=rng.integers(2**32))[["id", "b", "a"]]
    read = pd.read_csv(io.StringIO(mixed.to_csv(index=False)), dtype="str")
    first, other = fingerprint_of(frame), fingerprint_of(read)
    assert (first.ids, first.content) == (other.ids, other.content)
    assert np.array_equal(first.sample, other.sample)
    assert np.array_equal(first.numbers["a"], other.numbers["a"])
    changed = frame.assign(a=frame["a"].where(frame.index != rows // 2, 12.5))
    assert fingerprint_of(changed).content != first.content


def test_a_stored_fingerprint_reads_back(tmp_path) -> None:
    frame = values(0).assign(kind="oak")
    made = fingerprint_of(frame, 17)
    write_fingerprint(tmp_path / FILE, made)
    again = read_fingerprint(tmp_path / FILE, 17)
    assert (again.id, again.rows, again.ids, again.content) == ("id", ROWS, made.ids, made.content)
    assert np.array_equal(again.numbers["yes"], made.numbers["yes"])
    assert np.array_equal(again.texts["kind"], made.texts["kind"])
    assert read_fingerprint(tmp_path / FILE, 18) is None


def test_the_command_finds_the_run_of_best_csv_and_of_an_edited_one(harness, workspace) -> None:
    assert harness("run", "toy", "-s", "near", "-s", "sharp", "--no-tracking").code == 0
    best = workspace / "submissions" / "toy" / "best.csv"
    found = harness("whence", best, "--json")
    assert found.code == 0
    assert found.json["verdict"] == "identical"
    competition, run = found.json["run"].split("/")
    assert (workspace / "runs" / competition / run / FILE).is_file()
    assert (workspace / "runs" / competition / run / "submission.csv").read_bytes() == best.read_bytes()

    frame = read_submission(best).frame
    frame.loc[3, "ash"] = "0.5"
    frame.iloc[::-1].to_csv(workspace / "edited.csv", index=False)
    edited = harness("whence", "edited.csv", "--json")
    assert (edited.code, edited.json["run"]) == (3, found.json["run"])
    assert [row["id"] for row in edited.json["match"]["rows"]] == [frame["row_id"][3]]
    shown = harness("whence", "edited.csv")
    assert shown.code == 3
    assert f"{frame['row_id'][3]}  ash " in shown.out
    assert "-> 0.5" in shown.out

    frame.assign(row_id="x" + frame["row_id"]).to_csv(workspace / "other.csv", index=False)
    assert harness("whence", "other.csv").code == 2
