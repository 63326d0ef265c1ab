"""The JSON Schema of competition files says what the code that reads them does."""

from __future__ import annotations

import copy
import json
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.competition_file import parse_competition
from harness.errors import ConfigError
from harness.json_schema import attributes_of, competition_schema, params_schema
from harness.offers import ModelRecipe
from harness.plugins import load_plugins
from harness.toml_section import Section

ROOT = Path(__file__).parents[2]
HOMES = sorted(path.parent for path in ROOT.glob("competitions/*/competition.toml"))
FULL = """
title = "Rain tomorrow"
description = "Will it rain?"
url = "https://example.org"
task = "binary"
metrics = ["log_loss", "macro_f1"]

[data]
source = "imbalance.table"
variant = "public"
params = { target = "rain", drop = ["a"] }
unlabelled = ["more.csv"]
[data.variants.public]
about = "made up"
urls = ["https://example.org/rain.csv"]
sha256 = { "rain.csv" = "00ff" }
published = { "rain.csv" = { bytes = 1000, head_md5 = "00112233445566778899aabbccddeeff" } }
size = "1 MB"
licence = "CC0-1.0"
params = { positive = "yes" }

[split]
use = "stratified"
folds = 4
allow = "days are alike"

[evaluate]
on = "valid"
target_prior = { dry = 0.25, wet = 0.75 }

[submission]
id = "day"
columns = { p = "wet" }
values = "probabilities"
low = 0
high = 1.0
nothing = ""
per_class = false

[rules]
external_data = true
pretrained = false
test_inputs = false
text = "No peeking."

[budget]
strategy = "30m"
task = "90s"

[leaks.accepted]
id-order = "they are the organisers'"
"target-copy:AGE" = "known before"

[board]
site = "kaggle"
awarded = true
source = "https://example.org/board"
medals = { gold = 1, silver = 2, bronze = 3 }

[site]
name = "kaggle"
id = "rain-tomorrow"

[defaults]
model = { use = "imbalance.catboost", depth = 3 }
features = "imbalance.columns"

[strategies.deep]
description = "deeper"
model = { depth = 9 }
features = { impute = "median" }
rebalancer = "imbalance.smote"
adjuster = ["temperature", { use = "threshold", metric = "f1" }]
refit = true
named_only = false
resources = { cpus = 4, gpus = 0.5, memory_gb = 12 }
[strategies.raw]
model = "constant"
features = "none"
rebalancer = "none"
adjuster = "none"

[blends.both]
of = ["deep", "raw"]
method = "log_linear"
description = "together"
named_only = false
"""
MISTAKES = {
    "unknown key": ('title = "Rain tomorrow"', 'titel = "Rain"\ntitle = "Rain tomorrow"'),
    "unknown table": ("[rules]", "[ruels]"),
    "unknown key of a table": ('licence = "CC0-1.0"', 'license = "CC0-1.0"'),
    "wrong type": ('title = "Rain tomorrow"', "title = 3"),
    "text for a number": ("low = 0", 'low = "0"'),
    "number for a flag": ("per_class = false", "per_class = 0"),
    "text for a list": ('metrics = ["log_loss", "macro_f1"]', 'metrics = "log_loss"'),
    "a name twice": ('metrics = ["log_loss", "macro_f1"]', 'metrics = ["log_loss", "log_loss"]'),
    "missing key": ('id = "day"', ""),
    "unknown task": ('task = "binary"', 'task = "binray"'),
    "unknown word": ('on = "valid"', 'on = "validation"'),
    "unknown kind of values": ('values = "probabilities"', 'values = "probs"'),
    "unknown blend": ('method = "log_linear"', 'method = "loglinear"'),
    "blend of one": ('of = ["deep", "raw"]', 'of = ["deep"]'),
    "unknown site": ('site = "kaggle"', 'site = "cagle"'),
    "negative rank": ("gold = 1", "gold = -1"),
    "unknown leak": ("id-order =", "id-ordre ="),
    "no reason": ('"days are alike"', '" "'),
    "share above one": ("dry = 0.25", "dry = 1.25"),
    "strategy called best": ("[strategies.raw]", "[strategies.best]"),
    "no strategy": ("[strategies.", "[blends."),
}
"""Mistakes that the reader of the file refuses as well."""

OFFER_MISTAKES = {
    "unknown metric": ('"macro_f1"', '"macro_f2"'),
    "unknown source": ("imbalance.table", "imbalance.tabel"),
    "unknown model": ("imbalance.catboost", "imbalance.catbost"),
    "offer of another kind": ('rebalancer = "imbalance.smote"', 'rebalancer = "imbalance.catboost"'),
    "unknown adjuster": ('"temperature"', '"temprature"'),
    "unknown site": ('name = "kaggle"', 'name = "kagle"'),
    "unknown split": ('use = "stratified"', 'use = "stratify"'),
    "unknown parameter": ("depth = 3", "dept = 3"),
    "unknown parameter of the default": ("depth = 9", "dept = 9"),
    "wrong type of the default": ("depth = 9", 'depth = "deep"'),
    "parameter of another split": ("folds = 4", "gap = 4"),
    "wrong type of a parameter": ("depth = 3", 'depth = "deep"'),
    "parameter out of bounds": ("folds = 4", "folds = 1"),
    "unknown parameter of the source": ('target = "rain"', 'traget = "rain"'),
    "unknown parameter of a variant": ('positive = "yes"', 'postive = "yes"'),
    "parameter outside its choices": ('impute = "median"', 'impute = "mode"'),
}

TOGETHER = {
    "data.variant",  # it must be one of the variants
    *("evaluate.target_prior.dry", "evaluate.target_prior.wet"),  # shares sum to 1
    *("strategies.deep", "strategies.raw"),  # a blend has both
    *("defaults", "defaults.model", "defaults.model.use", "defaults.features"),  # a strategy changes only parameters
}
"""What the reader refuses to miss because of another key; the schema cannot tell."""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = competition_schema(load_plugins())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def places(validator: Draft202012Validator, table: dict[str, Any]) -> list[str]:
    """Return where a table is wrong, by its outermost keys."""
    return [".".join(map(str, error.absolute_path)) for error in validator.iter_errors(table)]


# what is accepted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("home", [*HOMES, ROOT / "tests/toy/toy"], ids=lambda home: home.name)
def test_every_shipped_competition_is_valid(home, validator):
    own = home / "plugin.py"
    chosen = Draft202012Validator(competition_schema(load_plugins(own))) if own.is_file() else validator
    assert places(chosen, tomllib.loads((home / "competition.toml").read_text(encoding="utf-8"))) == []


def test_a_file_with_every_key_is_valid_and_read(validator):
    table = tomllib.loads(FULL)
    assert parse_competition(table, Path("rain")).title == "Rain tomorrow"
    assert places(validator, table) == []


def test_offers_of_an_own_plugin_are_open_until_it_is_read(validator):
    table = tomllib.loads((ROOT / "tests/toy/toy/competition.toml").read_text())
    table["defaults"] = {"model": {"use": "local.anything", "whatever": 1}}
    table["strategies"] = {"near": {}}
    assert places(validator, table) == []
    own = Draft202012Validator(competition_schema(load_plugins(ROOT / "tests/toy/toy/plugin.py")))
    assert places(own, table) == ["defaults.model"]


# what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_by_the_schema_and_by_the_reader(name, validator):
    right, wrong = MISTAKES[name]
    assert right in FULL
    table = tomllib.loads(FULL.replace(right, wrong))
    with pytest.raises(ConfigError):
        parse_competition(table, Path("rain"))
    assert places(validator, table)


@pytest.mark.parametrize("name", OFFER_MISTAKES)
def test_what_no_plugin_offers_is_refused(name, validator):
    right, wrong = OFFER_MISTAKES[name]
    assert FULL.count(right) == 1
    assert places(validator, tomllib.loads(FULL.replace(right, wrong)))


# keys are those of the reader ---------------------------------------------------------------------------------------


def taken_keys(monkeypatch) -> dict[str, set[str]]:
    """Return the keys that reading the full file asks for, by table; names of strategies and variants are ``*``."""
    seen: dict[str, set[str]] = defaultdict(set)
    done = Section.done

    def listen(section):
        seen[section.where.partition("competition.toml")[2].removeprefix(": ")] |= section.seen
        done(section)

    monkeypatch.setattr(Section, "done", listen)
    parse_competition(tomllib.loads(FULL), Path("rain"))
    return seen


def keys_of(schema: dict[str, Any], *path: str) -> set[str]:
    """Return the keys that a table may have, below the root of the schema."""
    for key in path:
        schema = schema["additionalProperties"] if key == "*" else schema["properties"][key]
        schema = schema["anyOf"][0] if "anyOf" in schema and "properties" not in schema else schema
    return set(schema["properties"])


def test_the_schema_has_the_keys_that_the_reader_asks_for(monkeypatch, validator):
    taken = taken_keys(monkeypatch)
    schema = validator.schema
    assert taken.pop("") == keys_of(schema)
    strategy = set(schema["$defs"]["strategy"]["properties"])
    for where in ("strategies.deep", "strategies.raw", "defaults"):
        assert taken.pop(where) == strategy, where
    assert taken.pop("strategies.deep: resources") == set(
        schema["$defs"]["strategy"]["properties"]["resources"]["properties"]
    )
    for where in [where for where in taken if where.endswith(": resources")]:
        del taken[where]
    assert taken.pop("data: variants: public") == keys_of(schema, "data", "variants", "*")
    published = taken.pop("data: variants: public: published: rain.csv")
    assert published == keys_of(schema, "data", "variants", "*", "published", "*")
    assert taken.pop("blends.both") == keys_of(schema, "blends", "*")
    left = {"data", "evaluate", "submission", "rules", "budget", "leaks", "board", "board: medals", "site"}
    assert left == set(taken)
    for where, keys in taken.items():
        assert keys == keys_of(schema, *where.split(": ")), where


def without(table: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(table)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return changed


def paths_of(table: dict[str, Any], *before: str) -> list[tuple[str, ...]]:
    return [
        path
        for key, value in table.items()
        for path in [(*before, key), *(paths_of(value, *before, key) if isinstance(value, dict) else [])]
    ]


@pytest.mark.parametrize("path", paths_of(tomllib.loads(FULL)), ids=".".join)
def test_what_may_be_left_out_may_be_left_out_of_both(path, validator):
    table = without(tomllib.loads(FULL), path)
    try:
        parse_competition(table, Path("rain"))
        read = True
    except ConfigError:
        read = False
    valid = places(validator, table) == []
    assert (valid, read) == ((True, False) if ".".join(path) in TOGETHER else (read, read))


# details ------------------------------------------------------------------------------------------------------------


def test_a_parameter_has_its_type_bounds_default_and_description():
    depth = params_schema(load_plugins().find(ModelRecipe, "imbalance.catboost", "test").params)["depth"]
    assert (depth["type"], depth["minimum"], depth["default"]) == ("integer", 1, 6)
    assert depth["description"]


def test_keys_are_described_by_the_docstrings(validator):
    told = validator.schema["properties"]["evaluate"]["properties"]["on"]
    assert (told["description"], told["default"], told["enum"]) == ("`oof` or `valid`.", "oof", ["oof", "valid"])
    for name, form in validator.schema["properties"].items():
        assert form.get("description"), name


def test_several_names_of_one_line_are_each_described():
    class Range:
        """A range.

        Attributes
        ----------
        low, high : float
            Its ends,
            both inclusive.
        """

    assert attributes_of(Range) == {"low": "Its ends, both inclusive.", "high": "Its ends, both inclusive."}


# the command --------------------------------------------------------------------------------------------------------


def test_the_command_prints_and_writes_the_same(harness, workspace):
    printed = harness("schema")
    assert printed.code == 0
    done = harness("schema", "--output", "competition.schema.json")
    assert "#:schema ./competition.schema.json" in done.out
    assert json.loads((workspace / "competition.schema.json").read_text()) == json.loads(printed.out)


def test_the_command_makes_no_folder(harness, workspace):
    done = harness("schema", "--output", "nosuch/x.json")
    told = "error: nosuch: no such folder; make it, or choose another with --output\n"
    assert (done.code, done.err) == (2, told)
    assert not (workspace / "nosuch").exists()


def test_the_command_reads_the_plugin_of_a_competition(harness):
    assert "local.means" not in harness("schema").out
    schema = json.loads(harness("schema", "toy").out)
    assert "local.means" in json.dumps(schema["$defs"]["model"])
    assert harness("schema", "tay").code == 2
