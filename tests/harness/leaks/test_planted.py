"""Leaks that were planted are named; the same rows without them are clean."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from harness.data import Examples, TaskType
from harness.findings import Severity
from harness.leaks.scan import scan
from harness.tabular.columns import inputs_of, learn_schema

BINARY, NUMBER = TaskType.BINARY, TaskType.REGRESSION


def leaks(prepared) -> set[str]:
    return {one.kind for one in scan(prepared).leaks}


def named(prepared, kind):
    (found,) = [one for one in scan(prepared).leaks if one.kind == kind]
    return found


def by_target(table, targets, rng):
    """Number the rows in the order of their targets, then put the rows of one id where chance has them."""
    order = np.argsort(np.argsort(targets + rng.normal(size=len(targets)) * 0.1))
    return np.array([f"row_{number:06d}" for number in order], dtype=object)


@pytest.mark.parametrize("task", [BINARY, NUMBER])
@pytest.mark.parametrize("seed", range(3))
def test_ids_in_the_order_of_the_target(seed, task, rows, prepared):
    train, test = rows(seed, task=task, change=by_target)
    found = named(prepared(train, test, task=task), "id-order")
    assert "the number in the id predicts the target out of fold" in found.what
    assert "of the test rows lie among the training rows" in found.what
    assert leaks(prepared(*rows(seed, task=task), task=task)) == set()


def test_ids_that_are_hexadecimal_numbers_are_read(rows, prepared):
    def change(table, targets, rng):
        order = np.argsort(np.argsort(targets + rng.normal(size=len(targets)) * 0.1))
        return np.array([f"{number * 7919 + 0xABC0000:012x}" for number in order], dtype=object)

    assert leaks(prepared(*rows(change=change))) == {"id-order"}


def test_neighbours_among_ids_tell_where_no_trend_does(rows, prepared):
    def change(table, targets, rng):
        # pairs of rows with one target have ids side by side, the pairs in any order
        ids = np.empty(len(targets), dtype=object)
        order = np.argsort(targets, kind="stable")
        for pair, place in enumerate(rng.permutation(len(targets) // 4)):
            for at in range(4):
                ids[order[4 * pair + at]] = f"{4 * place + at}"
        return ids

    assert leaks(prepared(*rows(change=change))) == {"id-order"}


def test_a_train_file_sorted_by_its_target_is_a_warning_where_test_ids_go_on_after_it(rows, prepared):
    train, test = rows()
    order = np.argsort(train.targets, kind="stable")
    train = replace(train.take(order), ids=np.arange(len(train)).astype(str).astype(object))
    test = replace(test, ids=(np.arange(len(test)) + len(train)).astype(str).astype(object))
    for other in (test, replace(test, ids=np.arange(len(test)).astype(str).astype(object)), None):
        card = scan(prepared(train, other))
        assert card.leaks == ()
        kind = "row-order" if other is not None else "id-order"
        assert [one.kind for one in card.findings if one.severity is Severity.WARNING] == [kind]


def test_numbers_in_names_of_another_form_are_counted_apart(rows, prepared):
    train, test = rows(change=by_target)
    test = replace(test, ids=np.array([f"clip_{name[4:]}" for name in test.ids], dtype=object))
    assert leaks(prepared(train, test)) == set()


def test_the_text_of_ids(rows, prepared):
    def change(table, targets, rng):
        return np.array([f"{'ab'[code]}-{number}" for number, code in enumerate(targets)], dtype=object)

    assert "id-text" in leaks(prepared(*rows(change=change)))


@pytest.mark.parametrize("seed", range(3))
def test_sizes_of_files(seed, tmp_path, prepared):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, 400)

    def parts(sizes):
        folder = tmp_path / f"{seed}-{sizes[0]}"
        folder.mkdir()
        for row, size in enumerate(sizes):
            (folder / f"{row}.bin").write_bytes(rng.bytes(int(size)))
        paths = np.array([str(folder / f"{row}.bin") for row in range(400)], dtype=object)
        ids = rng.permutation(4000)[:400].astype(str).astype(object)
        return Examples(ids[:300], list(paths[:300]), targets[:300]), Examples(ids[300:], list(paths[300:]))

    found = named(prepared(*parts(1000 + 300 * targets + rng.integers(0, 200, 400))), "file-size")
    assert "the size of a row's file predicts the target out of fold (AUC" in found.what
    assert leaks(prepared(*parts(1000 + rng.integers(0, 500, 400)))) == set()


@pytest.mark.parametrize(
    ("folder", "apart", "severity"),
    [("data", 86_400, Severity.LEAK), ("data", 60, Severity.WARNING), ("cache/made", 86_400, None)],
)
def test_times_of_files_are_a_leak_unless_copying_or_the_harness_itself_explains_them(
    folder, apart, severity, tmp_path, prepared
):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 400)
    home = tmp_path / folder
    home.mkdir(parents=True)
    for row, moment in enumerate(1e9 + apart * (targets + rng.random(400) / 4)):
        (home / f"{row}.bin").write_bytes(b"0")
        os.utime(home / f"{row}.bin", (moment, moment))
    paths = [str(home / f"{row}.bin") for row in range(400)]
    ids = rng.permutation(4000)[:400].astype(str).astype(object)
    card = scan(prepared(Examples(ids[:300], paths[:300], targets[:300]), Examples(ids[300:], paths[300:])))
    found = [one for one in card.findings if one.kind == "file-time"]
    assert [one.severity for one in found] == ([] if severity is None else [severity])
    assert all(("as by copying" in one.what) == (severity is Severity.WARNING) for one in found)


@pytest.mark.parametrize("task", [BINARY, NUMBER])
@pytest.mark.parametrize("seed", range(3))
def test_rows_that_stand_in_train_and_test(seed, task, rows, prepared):
    train, test = rows(seed, task=task)
    inputs = test.inputs.copy()
    inputs.iloc[:20] = train.inputs.iloc[100:120].to_numpy()
    inputs = inputs.astype(train.inputs.dtypes)
    found = named(prepared(train, replace(test, inputs=inputs), task=task), "duplicates")
    assert found.what.startswith("20 of test rows (10.0%) have a copy among the training rows")
    assert leaks(prepared(train, test, task=task)) == set()


def test_rows_that_stand_in_several_folds_tell_how_many_have_another_target(rows, prepared):
    train, test = rows()
    doubled = train.take(np.concatenate([np.arange(600), np.arange(60)]))
    ids = doubled.ids.copy()
    ids[600:] = [f"again_{row}" for row in np.random.default_rng(1).permutation(60)]
    found = named(prepared(replace(doubled, ids=ids), test), "duplicates")
    assert "of the validated rows of a fold" in found.what
    assert "of all doubles in training 0% have another target" in found.what


def test_coarse_rows_that_are_alike_by_chance_are_no_leak(prepared):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 6, (2000, 5)), columns=list("abcde"))
    targets = (table["a"] + rng.normal(size=2000) > 3).to_numpy().astype(np.int64)
    ids = rng.permutation(9999)[:2000].astype(str).astype(object)
    card = scan(prepared(Examples(ids[:1500], table[:1500], targets[:1500]), Examples(ids[1500:], table[1500:])))
    assert card.leaks == ()
    assert all("alike by chance" in one.what for one in card.findings if one.kind == "duplicates")
    assert "duplicates" in {one.kind for one in card.findings}


def test_rows_with_a_little_noise_stand_in_train_and_test(rows, prepared):
    train, test = rows(columns=12)
    inputs = test.inputs.copy()
    numbers = [name for name in inputs if name != "kind"]
    noise = np.random.default_rng(3).normal(size=(20, 12)) * 1e-3
    inputs.loc[:19, numbers] = train.inputs.loc[50:69, numbers].to_numpy() + noise
    assert leaks(prepared(train, replace(test, inputs=inputs))) == {"near-duplicates"}


def test_texts_with_a_few_letters_changed(prepared):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 6)) for _ in range(400)]
    texts = [" ".join(rng.choice(words, 40)) for _ in range(400)]
    targets = rng.integers(0, 2, 300)
    ids = rng.permutation(4000)[:400].astype(str).astype(object)

    def make(test):
        return prepared(Examples(ids[:300], texts[:300], targets), Examples(ids[300:], test))

    assert leaks(make(texts[300:])) == set()
    near = [text[:100] + "x" + text[101:] for text in texts[:10]]
    assert leaks(make(near + texts[310:])) == {"near-duplicates"}
    assert leaks(make(texts[:10] + texts[310:])) == {"duplicates"}


class Pictures:
    """Inputs that are known by sketch and content."""

    def __init__(self, bits, contents):
        self.bits, self.contents = np.asarray(bits, dtype=np.uint64), np.asarray(contents, dtype=object)

    def __len__(self):
        return len(self.bits)

    def take(self, rows):
        return Pictures(self.bits[rows], self.contents[rows])

    def sketches(self):
        return self.bits

    def digests(self):
        return list(self.contents)


@pytest.mark.parametrize(("copies", "severity"), [(10, Severity.LEAK), (0, None)])
def test_validation_pictures_that_look_like_unlabelled_ones(copies, severity, prepared):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**63, 400).astype(np.uint64)

    def part(rows, name, targets=None):
        return Examples(np.array([f"{name}{row}" for row in rows], dtype=object), Pictures(bits[rows], rows), targets)

    train = part(range(200), "t", rng.integers(0, 2, 200))
    valid = part(range(200, 300), "v", rng.integers(0, 2, 100))
    corpus = part(range(300, 400), "u")
    corpus.inputs.bits[:copies] = valid.inputs.bits[:copies] ^ np.uint64(5)
    corpus.inputs.bits[50:60], corpus.inputs.contents[50:60] = valid.inputs.bits[50:60], valid.inputs.contents[50:60]
    made = prepared(train, valid.unlabelled(), valid)
    made = replace(made, dataset=replace(made.dataset, unlabelled={"unsup": corpus}))
    found = [one for one in scan(made).findings if "look the same as rows of unsup/" in one.what]
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all(one.what.startswith("10 of 100 labelled validation rows (10.0%)") for one in found)


@pytest.mark.parametrize("seed", range(3))
def test_groups_that_straddle_folds_but_not_train_and_test(seed, rows, prepared):
    train, test = rows(seed)
    rng = np.random.default_rng(seed)
    train = replace(train, meta=pd.DataFrame({"patient": rng.integers(0, 60, 600)}))
    test = replace(test, meta=pd.DataFrame({"patient": 100 + rng.integers(0, 20, 200)}))
    roles = {"group": "patient"}
    found = named(prepared(train, test, roles=roles), "group-overlap")
    assert "of validated rows have their group (patient) in training, but 0% of test rows" in found.what
    assert leaks(prepared(train, test, roles=roles, split="group", group_on="patient")) == set()


def test_groups_that_straddle_train_and_test_where_folds_keep_them_whole(rows, prepared):
    train, test = rows()
    rng = np.random.default_rng(0)
    train = replace(train, meta=pd.DataFrame({"patient": rng.integers(0, 60, 600)}))
    test = replace(test, meta=pd.DataFrame({"patient": 54 + rng.integers(0, 30, 200)}))
    found = named(prepared(train, test, roles={"group": "patient"}, split="group", group_on="patient"), "group-overlap")
    assert "folds keep groups (patient) whole, but" in found.what


@pytest.mark.parametrize("values", ["names", "numbers", "days"])
def test_a_column_that_nobody_declared_a_group(values, rows, prepared):
    train, test = rows()
    rng = np.random.default_rng(0)
    sites = np.r_[rng.integers(0, 30, 600), 30 + rng.integers(0, 10, 200)]
    days = (pd.Timestamp("2024-01-01") + pd.to_timedelta(pd.Series(sites), unit="D")).dt.strftime("%Y-%m-%d").to_numpy()
    shown = {"names": np.char.add("s", sites.astype(str)).astype(object), "numbers": sites, "days": days}[values]
    train = replace(train, meta=pd.DataFrame({"site": shown[:600]}))
    test = replace(test, meta=pd.DataFrame({"site": shown[600:]}))
    if values == "days":  # later days are no other group
        assert leaks(prepared(train, test)) == set()
        return
    found = named(prepared(train, test), "group-overlap")
    assert found.what == (
        "none of the test set's values of 'site' occur in training, but 100% of validated rows have theirs there"
    )
    assert found.names == ("site",)
    assert leaks(prepared(train, test, split="group", group_on="site")) == set()
    known = replace(test, meta=pd.DataFrame({"site": np.where(np.arange(200) == 0, shown[0], shown[600:])}))
    assert leaks(prepared(train, known)) == set()


@pytest.mark.parametrize("typed", [True, False], ids=["as a reader hands it over", "levels of its own"])
def test_a_category_of_which_the_test_set_has_only_new_values_is_a_group_and_not_missing(typed, rows, prepared):
    train, test = rows()
    rng = np.random.default_rng(0)
    sites = pd.DataFrame({"site": np.r_[rng.integers(0, 30, 600), rng.integers(30, 40, 200)]})
    sites["site"] = "s" + sites["site"].astype(str)
    if typed:
        columns = SimpleNamespace(target="y", id="", categorical=(), meta=(), drop=())
        schema = learn_schema(sites[:600].assign(y=0), columns, "train")
        parts = [inputs_of(sites[at], columns, schema, None, "test") for at in (slice(600), slice(600, None))]
    else:
        parts = [sites[:600].astype("category"), sites[600:].reset_index(drop=True).astype("category")]
    train, test = (replace(one, inputs=part.join(one.inputs)) for one, part in zip((train, test), parts, strict=True))
    test.inputs.attrs = parts[1].attrs
    found = [one for one in scan(prepared(train, test)).findings if one.names == ("site",) and one.kind != "shift"]
    assert [one.kind for one in found] == ["group-overlap"]
    assert "probably a group: split by it" in found[0].advice


@pytest.mark.parametrize("task", [BINARY, NUMBER])
@pytest.mark.parametrize("seed", range(3))
def test_a_near_copy_of_the_target(seed, task, rows, prepared):
    def change(table, targets, rng):
        wrong = rng.random(len(targets)) < 0.02
        table["copy"] = (
            np.where(wrong, 1 - targets, targets) if task is BINARY else targets + rng.normal(size=800) * 0.1
        )

    found = named(prepared(*rows(seed, task=task, change=change), task=task), "target-copy")
    assert found.names == ("copy",)


def test_a_copy_of_the_target_in_a_category_with_other_words(rows, prepared):
    def change(table, targets, rng):
        table["copy"] = pd.Categorical(np.array(["alive", "dead"])[targets])

    assert leaks(prepared(*rows(change=change))) == {"target-copy"}


def test_a_strong_column_among_strong_columns_is_the_task_itself(rows, prepared):
    def change(table, targets, rng):
        for name in ("length", "width"):
            table[name] = targets + rng.normal(size=len(targets)) * 0.27

    assert leaks(prepared(*rows(n=3000, change=change))) == set()


@pytest.mark.parametrize("seed", range(3))
def test_a_column_that_the_test_set_has_no_value_of(seed, rows, prepared):
    def change(table, targets, rng):
        table["paid_back"] = targets + rng.normal(size=len(targets))
        table.loc[600:, "paid_back"] = np.nan

    found = named(prepared(*rows(seed, change=change)), "future-feature")
    assert "'paid_back' varies in training, but the test set has no value of it" in found.what


@pytest.mark.parametrize("numbers", [False, True])
def test_a_date_after_the_rows_own_that_tells_the_target(numbers, rows, prepared):
    rng = np.random.default_rng(0)
    days = pd.Series(rng.permutation(800))

    def change(table, targets, _):
        closed = days + np.where(targets, 5, 12) + rng.integers(0, 4, 800)
        table["closed"] = closed if numbers else pd.Timestamp("2024-01-01") + pd.to_timedelta(closed, unit="D")

    train, test = rows(change=change)
    when = days if numbers else pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    train = replace(train, meta=pd.DataFrame({"day": when[:600]}))
    test = replace(test, meta=pd.DataFrame({"day": when[600:].reset_index(drop=True)}))
    found = named(prepared(train, test, roles={"time": "day"}), "future-feature")
    assert "column 'closed' is later than the row's own time (day) in 100% of rows" in found.what


def test_the_target_of_the_next_day(rows, prepared):
    train, _ = rows(task=NUMBER)
    wanted = train.targets
    lagged, ahead = np.roll(wanted, 1), np.roll(wanted, -1)
    days = replace(train, meta=pd.DataFrame({"day": np.arange(600)}))
    leaky = days.with_inputs(train.inputs.assign(x2=ahead))
    plain = days.with_inputs(train.inputs.assign(x2=lagged))
    roles = {"time": "day"}
    assert named(prepared(leaky, None, task=NUMBER, roles=roles), "future-feature").names == ("x2",)
    assert leaks(prepared(plain, None, task=NUMBER, roles=roles)) == set()


def test_a_relation_that_the_labelled_validation_set_does_not_have(rows, prepared):
    def change(table, targets, rng):
        table["entered_by"] = targets + rng.normal(size=len(targets)) * 0.7
        table.loc[600:, "entered_by"] = rng.normal(size=200)

    train, test = rows(change=change)
    labels = (test.inputs["x0"] > 0.3).to_numpy().astype(np.int64)
    found = named(prepared(train, None, replace(test, targets=labels)), "future-feature")
    assert found.names == ("entered_by",)
    assert "but not in the validation set" in found.what


def test_a_number_of_the_row_left_among_the_inputs(rows, prepared):
    train, test = rows()
    order = np.argsort(train.targets, kind="stable")
    train = train.take(order)
    train = train.with_inputs(train.inputs.assign(index=np.arange(600)))
    test = test.with_inputs(test.inputs.assign(index=np.arange(600, 800)))
    assert "id-as-input" in leaks(prepared(train, test))


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y %H:%M", "%Y%m%d", "numbers"])
def test_ids_that_are_times_tell_of_seasons_and_are_no_leak(form, rows, prepared):
    train, test = rows(task=NUMBER)
    when = np.arange(800)
    season = np.sin(when / 58)
    days = pd.Series(pd.Timestamp("2021-01-01") + pd.to_timedelta(when, unit="D"))
    ids = (when.astype(str) if form == "numbers" else days.dt.strftime(form).to_numpy()).astype(object)
    meta = [pd.DataFrame({"when": part}) for part in (when[:600], when[600:])]
    train = replace(train, ids=ids[:600], targets=season[:600], meta=meta[0] if form == "numbers" else None)
    test = replace(test, ids=ids[600:], meta=meta[1] if form == "numbers" else None)
    card = scan(prepared(train, test, task=NUMBER, roles={"time": "when"} if form == "numbers" else {}))
    found = [one for one in card.findings if one.kind in ("id-order", "id-text", "row-order")]
    assert [(one.kind, one.severity) for one in found] == [("id-order", Severity.NOTE)]
    assert found[0].what.startswith("the date in the id predicts the target out of fold")


@pytest.mark.parametrize(
    ("start", "told"),
    [(1600, "test ids go on after the last"), (500, "test ids are all before the first"), (1000, "do not continue it")],
)
def test_what_is_told_of_test_ids_beside_a_sorted_train_file(start, told, rows, prepared):
    train, test = rows()
    train = replace(train.take(np.argsort(train.targets)), ids=np.arange(1000, 1600).astype(str).astype(object))
    test = replace(test, ids=np.arange(start, start + 200).astype(str).astype(object))
    (found,) = [one for one in scan(prepared(train, test)).findings if one.kind == "row-order"]
    assert found.severity is Severity.WARNING
    assert told in found.what


@pytest.mark.parametrize("sizes", [(32, 32), (32, 40)])
def test_pictures_made_alike_differ_in_size_by_what_is_in_them(sizes, tmp_path, prepared):
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 300)
    paths = [tmp_path / f"{name}.png" for name in rng.permutation(3000)[:300]]
    for path, target in zip(paths, targets, strict=True):
        pixels = rng.integers(0, 120 + 80 * target, (32, sizes[target])).astype(np.uint8)
        image.fromarray(pixels).save(path)
    ids = np.array([path.stem for path in paths], dtype=object)
    card = scan(prepared(Examples(ids[:200], paths[:200], targets[:200]), Examples(ids[200:], paths[200:])))
    (found,) = [one for one in card.findings if one.kind == "file-size"]
    assert found.severity is (Severity.WARNING if sizes == (32, 32) else Severity.LEAK)
    assert ("all files are PNG of 32 x 32 pixels" in found.what) == (sizes == (32, 32))


def test_sounds_made_alike_differ_in_size_by_what_is_in_them(tmp_path, prepared):
    soundfile = pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 120)

    def parts(folder, seconds):
        (tmp_path / folder).mkdir()
        paths = [tmp_path / folder / f"{name}.flac" for name in rng.permutation(1200)[:120]]
        for path, target in zip(paths, targets, strict=True):
            soundfile.write(path, rng.normal(size=800 + seconds * target) * (0.1 + 0.1 * target), 8000)
        ids = np.array([path.stem for path in paths], dtype=object)
        return Examples(ids[:80], paths[:80], targets[:80]), Examples(ids[80:], paths[80:])

    alike = [one for one in scan(prepared(*parts("alike", 0))).findings if one.kind == "file-size"]
    assert [one.severity for one in alike] == [Severity.WARNING]
    assert "all files are FLAC of 8000 Hz and 0.1 s" in alike[0].what
    assert "file-size" in leaks(prepared(*parts("longer", 400)))


@pytest.mark.parametrize("missing", ["", None])
def test_the_target_beside_the_inputs_and_what_the_test_set_has_no_value_of_are_no_groups(missing, rows, prepared):
    train, test = rows()
    names = np.array(["no", "yes"], dtype=object)[train.targets]
    sites = np.random.default_rng(0).choice(["a", "b", "c"], 600)
    beside = replace(train, meta=pd.DataFrame({"label": names, "site": sites}))
    empty = pd.DataFrame({"label": [missing] * 200, "site": [missing] * 200})
    assert leaks(prepared(beside, replace(test, meta=empty))) == set()
    other = pd.DataFrame({"label": ["unknown", "none"] * 100, "site": [missing] * 200})
    assert leaks(prepared(beside, replace(test, meta=other))) == set()
