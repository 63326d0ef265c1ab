"""competition.toml: read strictly; every mistake is one line that names its place."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.competition import Blend, Evaluate, FileFacts, Rules, Use, override
from harness.competition_file import parse_competition, read_competition
from harness.data import TaskType
from harness.errors import ConfigError

FULL = """
title = "Rain tomorrow"
description = "Will it rain?"
url = "https://example.org"
task = "binary"
metrics = ["log_loss", "macro_f1"]

[data]
source = "weather.table"
variant = "public"
params = { target = "rain" }
[data.variants.sample]
about = "made up"
[data.variants.public]
urls = ["https://example.org/rain.csv"]
sha256 = { "rain.csv" = "00ff" }
published = { "rain.csv" = { bytes = 1000, head_md5 = "00112233445566778899AABBCCDDEEFF" } }
size = "1 MB"
licence = "CC0-1.0"
params = { sep = ";" }

[split]
use = "time"
folds = 4
allow = "days are alike"

[evaluate]
on = "valid"
target_prior = { dry = 0.25, wet = 0.75 }

[submission]
id = "day"
columns = { p = "wet" }
low = 0
high = 1.0

[rules]
test_inputs = false
text = "No peeking."

[defaults]
model = { use = "weather.trees", depth = 3 }
features = "weather.columns"

[strategies.plain]
[strategies.deep]
model = { depth = 9 }
rebalancer = "weather.under"
adjuster = ["temperature", { use = "threshold", metric = "f1" }]
refit = true
description = "deeper"
[strategies.raw]
model = "constant"
features = "none"
adjuster = "none"

[blends.both]
of = ["deep", "plain"]
method = "log_linear"
description = "together"
"""


@pytest.fixture
def table() -> dict[str, Any]:
    return tomllib.loads(FULL)


def parse(table: dict[str, Any]) -> Any:
    return parse_competition(table, Path("somewhere/rain"))


def test_everything_a_file_can_say(table: dict[str, Any]) -> None:
    found = parse(table)
    assert (found.id, found.title, found.task, found.primary) == ("rain", "Rain tomorrow", TaskType.BINARY, "log_loss")
    assert found.data.source == "weather.table"
    assert found.data.variants["public"].urls == ("https://example.org/rain.csv",)
    known = FileFacts(1000, "00112233445566778899aabbccddeeff")
    assert found.data.variants["public"].published == {"rain.csv": known}
    assert found.data.variants["public"].params == {"sep": ";"}
    assert (found.split, found.split_allowed) == (Use("time", {"folds": 4}), "days are alike")
    assert found.evaluate == Evaluate("valid", {"dry": 0.25, "wet": 0.75})
    assert found.submission.columns == {"p": "wet"}
    assert (found.submission.low, found.submission.high) == (0, 1.0)
    assert found.rules == Rules(test_inputs=False, text="No peeking.")
    assert [strategy.name for strategy in found.strategies] == ["plain", "deep", "raw"]
    assert found.blends == (Blend("both", ("deep", "plain"), "log_linear", "together"),)
    assert found.names == ("plain", "deep", "raw", "both")


def test_defaults_are_merged_and_can_be_put_away(table: dict[str, Any]) -> None:
    plain, deep, raw = parse(table).strategies
    assert plain.model == Use("weather.trees", {"depth": 3})
    assert plain.features == Use("weather.columns")
    assert deep.model == Use("weather.trees", {"depth": 9})
    assert deep.adjusters == (Use("temperature"), Use("threshold", {"metric": "f1"}))
    assert deep.refit
    assert raw.model == Use("constant")
    assert raw.features is None
    assert raw.adjusters == ()


def test_the_least_a_file_must_say() -> None:
    table = {
        "title": "t",
        "task": "regression",
        "metrics": ["rmse"],
        "data": {"source": "x.table"},
        "strategies": {"a": {"model": "constant"}},
    }
    found = parse(table)
    assert (found.data.variant, found.split, found.evaluate) == ("sample", Use("stratified"), Evaluate())
    assert found.split_allowed == ""
    assert (found.submission, found.rules) == (None, Rules())


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("metrics", "metrix", "unknown key 'metrix'; did you mean 'metrics'?"),
        ("submission", "submision", "unknown key 'submision'; did you mean 'submission'?"),
        ("strategies", "strategys", "unknown key 'strategys'; did you mean 'strategies'?"),
        ("data/source", "data/sorce", "data: unknown key 'sorce'; did you mean 'source'?"),
        ("strategies/raw/model", "strategies/raw/modle", "strategies.raw: unknown key 'modle'; did you mean 'model'?"),
    ],
)
def test_a_mistyped_key_is_told_before_the_one_that_is_missing_for_it(
    right: str, wrong: str, words: str, table: dict[str, Any]
) -> None:
    value: Any = table
    for part in right.split("/"):
        value = value[part]
    with pytest.raises(ConfigError) as caught:
        parse(changed(changed(table, right, KeyError), wrong, value))
    assert words in str(caught.value)


def changed(table: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    table = copy.deepcopy(table)
    *parents, last = (part.replace("%2f", "/") for part in path.split("/"))
    place = table
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return table


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("titel", "t", "unknown key 'titel'; did you mean 'title'?"),
        ("title", KeyError, "missing 'title'"),
        ("title", 3, "title = 3: expected a string"),
        ("task", "binry", "task = 'binry'; did you mean 'binary'?"),
        ("metrics", "log_loss", "metrics = 'log_loss': expected a list of names"),
        ("metrics", [], "metrics = []: expected a list of names"),
        ("metrics", ["a", "a"], "metrics names something twice"),
        ("data", "x.table", "data: expected a table, found 'x.table'"),
        ("data/sorce", "x", "data: unknown key 'sorce'; did you mean 'source'?"),
        ("data/variant", "pubic", "variant = 'pubic'; did you mean 'public'?"),
        ("data/variants/public/url", "x", "data: variants: public: unknown key 'url'; did you mean 'urls'?"),
        ("data/variants/public/urls", "x", "urls = 'x': expected a list of URLs"),
        ("data/variants/..%2f..%2fx", {}, "data: variants: '../../x': expected letters, digits, '-' and '_'"),
        ("data/variants/public/sha256", {"rain.csv": 5}, "sha256 = {'rain.csv': 5}: expected"),
        ("data/variants/public/sha256", "00ff", "sha256: expected a table, found '00ff'"),
        ("data/variants/public/published", {"rain.csv": {"size": 5}}, "published: rain.csv: unknown key 'size'"),
        ("data/variants/public/published/rain.csv/bytes", 0, "expected bytes, a whole number, and head_md5, 32"),
        ("data/variants/public/published/rain.csv/head_md5", "00ff", "and head_md5, 32 hexadecimal digits"),
        ("data/params", [], "data: params: expected a table, found []"),
        ("split", {"folds": 3}, 'split: expected "NAME" or { use = "NAME", ... }'),
        ("split", {"use": "random", "allow": True}, "split: allow = True: expected the reason, as text"),
        ("split", {"use": "random", "allow": " "}, "split: allow = ' ': expected the reason, as text"),
        ("evaluate/on", "test", "evaluate: on = 'test'; known: oof, valid"),
        ("evaluate/target_prior", {"a": 0.5, "b": 0.6}, "expected class shares that sum to 1"),
        ("evaluate/target_prior", {"a": float("nan"), "b": 1.0}, "expected class shares that sum to 1"),
        ("evaluate/target_prior", {"a": True, "b": False}, "expected class shares that sum to 1"),
        ("evaluate/target_prior", {"a": "1.0"}, "expected class shares that sum to 1"),
        ("evaluate/target_prior", {}, "expected class shares that sum to 1"),
        ("evaluate/target_prior", "test", "expected a table of class shares"),
        ("submission/values", "probability", "values = 'probability'; did you mean 'probabilities'?"),
        ("submission/columns", [], "expected a list of classes"),
        ("submission/columns", {"day": "wet"}, "'day' is both the id and a value column"),
        ("submission/columns", ["wet", "dry", "wet"], "columns names something twice: ['wet', 'dry', 'wet']"),
        ("submission/columns", {"p": 1}, "expected a list of classes, or column = class pairs"),
        ("submission/low", 2, "low = 2 is above high = 1.0"),
        ("submission/low", "0", "low = '0': expected a number"),
        ("submission/low", True, "low = True: expected a number"),
        ("rules/test_inputs", "no", "test_inputs = 'no': expected true or false"),
        ("rules/external", True, "rules: unknown key 'external'; did you mean 'external_data'?"),
        ("defaults/modle", "x", "defaults: unknown key 'modle'; did you mean 'model'?"),
        ("strategies", {}, "strategies: expected at least one strategy"),
        ("strategies/deep/models", "x", "strategies.deep: unknown key 'models'; did you mean 'model'?"),
        ("strategies/deep/model", 3, "strategies.deep: model: expected"),
        ("strategies/deep/rebalancer", {"k": 3}, "strategies.deep: rebalancer: expected"),
        ("strategies/deep/refit", 1, "refit = 1: expected true or false"),
        ("strategies/deep/named_only", 1, "named_only = 1: expected true or false"),
        ("submission/per_class", 1, "per_class = 1: expected true or false"),
        ("strategies/..%2fx", {}, "a strategy's name has letters"),
        ("strategies/.hidden", {}, "a strategy's name has letters"),
        ("strategies/" + "x" * 81, {}, "a strategy's name has letters"),
        ("strategies/a b", {}, "a strategy's name has letters"),
        ("strategies/raw/named_only", 1, "named_only = 1: expected true or false"),
        ("strategies/raw/resources", {"gpu": 1}, "resources: unknown key 'gpu'; did you mean 'gpus'?"),
        ("strategies/raw/resources", {"cpus": 0}, "resources: cpus = 0: expected a number above 0"),
        ("strategies/raw/resources", {"gpus": 1.5}, "gpus = 1.5: expected whole GPUs, or a share of one below 1"),
        ("strategies/raw/resources", {"memory_gb": "4"}, "memory_gb = '4': expected a number"),
        ("blends", [], "blends: expected a table, found []"),
        ("blends/both", "raw", "blends.both: expected a table, found 'raw'"),
        ("blends/a b", {}, "a blend's name has letters"),
        ("blends/best", {}, "are the harness's own"),
        ("blends/deep", {"of": ["raw", "plain"]}, "blends.deep: a strategy has this name already"),
        ("blends/both/off", 1, "blends.both: unknown key 'off'; did you mean 'of'?"),
        ("blends/both/of", KeyError, "blends.both: missing 'of'"),
        ("blends/both/of", "raw", "of = 'raw': expected a list of names"),
        ("blends/both/of", ["raw"], "of = ['raw']: expected at least two strategies"),
        ("blends/both/of", ["raw", "raw"], "of names something twice"),
        ("blends/both/of", ["raw", "depe"], "blends.both: of: no strategy 'depe'; did you mean 'deep'?"),
        ("blends/both/of", ["raw", "both"], "of: 'both' is a blend; a blend is made of strategies"),
        ("blends/both/of", ["raw", "baseline-prior"], "of: no strategy 'baseline-prior'; known: deep, plain, raw"),
        ("strategies/deep/named_only", True, "of: 'deep' runs only when it is named, so the blend too"),
        ("blends/both/method", "loglinear", "method = 'loglinear'; did you mean 'log_linear'?"),
        (
            "blends/both/method",
            "median",
            "'median' does not fit task 'binary': mean, linear, log_linear, logit_mean, rank_mean, greedy, best do",
        ),
        ("blends/both/named_only", "yes", "named_only = 'yes': expected true or false"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(table: dict[str, Any], path: str, value: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(changed(table, path, value))
    assert str(caught.value).startswith("rain/competition.toml: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=12), st.integers())
def test_any_unknown_key_is_refused(key: str, value: int) -> None:
    table = tomllib.loads(FULL)
    if key in table:
        return
    with pytest.raises(ConfigError):
        parse({**table, key: value})


@pytest.mark.fault("F-43")
@pytest.mark.parametrize("name", ["a b", "ü", "x" * 101, "a\x00b", "a.b"])
def test_folders_that_cannot_be_an_id(name: str, table: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="competition folder"):
        parse_competition(table, Path("somewhere") / name)


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    home = tmp_path / "rain"
    home.mkdir()
    (home / "competition.toml").write_bytes(b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode())
    assert read_competition(home).title == "Rain tomorrow"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"title = ", "is not valid TOML"), (b"title = '\xff'", "is not valid TOML")],
)
def test_unreadable_files_name_their_path(content: bytes | None, words: str, tmp_path: Path) -> None:
    home = tmp_path / "rain"
    home.mkdir()
    if content is not None:
        (home / "competition.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_competition(home)
    assert str(home / "competition.toml") in str(caught.value)
    assert words in str(caught.value)


def test_own_plugin_is_found_beside_the_file(tmp_path: Path, table: dict[str, Any]) -> None:
    assert parse_competition(table, tmp_path).plugin is None
    (tmp_path / "plugin.py").write_text("")
    assert parse_competition(table, tmp_path).plugin == tmp_path / "plugin.py"


def test_strategy_by_name(table: dict[str, Any]) -> None:
    assert parse(table).strategy("deep").refit
    with pytest.raises(ConfigError, match="rain has no strategy 'depe'; did you mean 'deep'"):
        parse(table).strategy("depe")


def test_overrides_change_one_parameter_and_the_label(table: dict[str, Any]) -> None:
    deep = parse(table).strategy("deep")
    changed_ = override(override(deep, "model", "depth", 2), "adjuster2", "metric", "f2")
    assert changed_.model.params == {"depth": 2}
    assert changed_.adjusters == (Use("temperature"), Use("threshold", {"metric": "f2"}))
    assert changed_.label == "deep (adjuster2.metric=f2, model.depth=2)"
    assert deep.label == "deep"
    assert deep.model.params == {"depth": 9}


@pytest.mark.parametrize("name", ["best", "baseline-prior", "baseline-mine"])
def test_names_that_the_harness_gives_itself_are_reserved(name: str, table: dict[str, Any]) -> None:
    table["strategies"][name] = next(iter(table["strategies"].values()))
    with pytest.raises(ConfigError, match="are the harness's own"):
        parse_competition(table, Path("rain"))


def places(table: dict[str, Any], start: str = "") -> list[str]:
    """Return the paths of everything in a table, tables too."""
    found = []
    for key, value in table.items():
        found.append(f"{start}{key}")
        if isinstance(value, dict):
            found += places(value, f"{start}{key}/")
    return found


PLACES = places(tomllib.loads(FULL))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("none")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["use", "k", "x/y"]), inner)
)


@given(st.sampled_from(PLACES), VALUES)
def test_whatever_stands_anywhere_is_read_or_refused_in_one_line(path: str, value: Any) -> None:
    told = ""
    try:
        parse(changed(tomllib.loads(FULL), path, value))
    except ConfigError as error:
        told = str(error)
    assert "\n" not in told
