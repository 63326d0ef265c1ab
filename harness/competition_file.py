"""``competition.toml`` read into a `Competition`: strict, typed; an unknown key is refused with the nearest name."""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.competition import (
    BLEND_METHODS,
    Blend,
    BoardSpec,
    Budget,
    Competition,
    DataSpec,
    Evaluate,
    FileFacts,
    Leaks,
    Resources,
    Rules,
    SiteSpec,
    Strategy,
    SubmissionSchema,
    Use,
    VariantSpec,
)
from harness.data import TaskType
from harness.durations import parse_duration
from harness.errors import ConfigError, nearest
from harness.findings import KINDS

FILE = "competition.toml"
RANKED_ON = ("oof", "valid")
VALUES = ("probabilities", "labels", "decisions", "point")
SITES = ("kaggle", "zindi")
MEDALS = ("gold", "silver", "bronze")
NOT_IN_FILE: Mapping[type[Any], frozenset[str]] = {
    Competition: frozenset({"id", "home", "split_allowed"}),  # the folder; `allow` of [split]
    Strategy: frozenset({"name", "baseline", "overrides"}),
    Blend: frozenset({"name"}),
    VariantSpec: frozenset({"name"}),
}
"""Fields that do not come from a key of their own."""

WRITTEN: Mapping[str, str] = {"adjusters": "adjuster"}
"""Keys that are called otherwise than their field."""


def read_competition(home: Path) -> Competition:
    """Read ``competition.toml`` of a competition's folder.

    Raises
    ------
    ConfigError
        Naming the file and the key, in one line.
    """
    path = home / FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    return parse_competition(table, home)


def parse_competition(table: Mapping[str, Any], home: Path) -> Competition:
    """Turn the parsed TOML of a competition into a `Competition`.

    Parameters
    ----------
    table : mapping
    home : Path
        The competition's folder; its name is the competition's id.
    """
    top = _Section(table, f"{home.name}/{FILE}", Competition, "defaults")
    title = top.text("title")
    split, split_allowed = _split(top.take("split", {"use": "stratified"}), top.where + ": split")
    task = _task(top)
    strategies = _strategies(top.section("defaults", {}), top.section("strategies"))
    competition = Competition(
        id=_checked_id(home.name),
        home=home,
        title=title,
        description=top.text("description", ""),
        url=top.text("url", ""),
        task=task,
        metrics=_names(top, "metrics"),
        data=_data(top.section("data", kind=DataSpec)),
        split=split,
        split_allowed=split_allowed,
        evaluate=_evaluate(top.section("evaluate", {})),
        submission=_submission(top.section("submission", kind=SubmissionSchema)) if "submission" in table else None,
        rules=_rules(top.section("rules", {})),
        budget=_budget(top.section("budget", {})),
        leaks=_leaks(top.section("leaks", {})),
        board=_board(top.section("board", kind=BoardSpec)) if "board" in table else None,
        site=_site(top.section("site", kind=SiteSpec)) if "site" in table else None,
        strategies=strategies,
        blends=_blends(top.section("blends", {}), task, strategies),
    )
    top.done()
    for variant in competition.data.variants.values():
        if variant.from_site and competition.site is None:
            raise ConfigError(f"{top.where}: variant {variant.name!r} comes from a site: add [site] with name and id")
    return competition


class _Section:
    """A TOML table that must be emptied: what is left over was not understood.

    With `kind`, the class it is read into, a key that none of its fields has is refused at once: it tells better than
    the key that is missing what was mistyped.
    """

    def __init__(self, table: Any, where: str, kind: type[Any] | None = None, *more: str) -> None:
        if not isinstance(table, Mapping):
            raise ConfigError(f"{where}: expected a table, found {table!r}")
        self.table, self.where, self.seen = table, where, set[str]()
        self.known = set() if kind is None else {*_keys(kind), *more}
        if self.known:
            self._refuse_others(self.known)

    def take(self, key: str, *default: Any) -> Any:
        self.seen.add(key)
        if key in self.table:
            return self.table[key]
        if default:
            return default[0]
        raise ConfigError(f"{self.where}: missing {key!r}")

    def text(self, key: str, *default: str) -> str:
        value = self.take(key, *default)
        if not isinstance(value, str):
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected a string")
        if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value):  # a terminal would obey them
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected no control characters")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected true or false")
        return value

    def number(self, key: str, default: float | None) -> float | None:
        value = self.take(key, default)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise ConfigError(f"{self.where}: {key} = {value!r}: expected a number")
        return value

    def section(self, key: str, *default: Any, kind: type[Any] | None = None) -> _Section:
        return _Section(self.take(key, *default), f"{self.where}: {key}", kind)

    def done(self) -> None:
        self._refuse_others(self.seen)

    def _refuse_others(self, keys: set[str]) -> None:
        for key in self.table:
            if key not in keys:
                raise ConfigError(f"{self.where}: unknown key {key!r}{nearest(key, self.known or keys)}")


def _keys(kind: type[Any]) -> set[str]:
    return {WRITTEN.get(field.name, field.name) for field in fields(kind)} - NOT_IN_FILE.get(kind, frozenset())


def _checked_id(name: str) -> str:
    check_name(name, f"competition folder {name!r}")
    return name


def check_name(name: str, where: str) -> None:
    """Refuse a name that is no safe part of a path.

    Raises
    ------
    ConfigError
    """
    if not name or len(name) > 100 or not all(c.isalnum() or c in "-_" for c in name) or not name.isascii():
        raise ConfigError(f"{where}: expected letters, digits, '-' and '_', at most 100")


def _task(top: _Section) -> TaskType:
    text = top.text("task")
    try:
        return TaskType(text)
    except ValueError:
        raise ConfigError(f"{top.where}: task = {text!r}{nearest(text, [task.value for task in TaskType])}") from None


def _names(section: _Section, key: str) -> tuple[str, ...]:
    value = section.take(key)
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{section.where}: {key} = {value!r}: expected a list of names")
    if len(set(value)) < len(value):
        raise ConfigError(f"{section.where}: {key} names something twice: {value}")
    return tuple(value)


def _use(value: Any, where: str) -> Use:
    if isinstance(value, str):
        return Use(value)
    if isinstance(value, Mapping) and isinstance(value.get("use"), str):
        return Use(value["use"], {key: item for key, item in value.items() if key != "use"})
    raise ConfigError(f'{where}: expected "NAME" or {{ use = "NAME", ... }}, found {value!r}')


def _split(value: Any, where: str) -> tuple[Use, str]:
    # `allow` is the harness's own key, whatever the splitter's parameters are
    if not isinstance(value, Mapping) or "allow" not in value:
        return _use(value, where), ""
    allowed = value["allow"]
    if not isinstance(allowed, str) or not allowed.strip():
        raise ConfigError(f"{where}: allow = {allowed!r}: expected the reason, as text")
    return _use({key: item for key, item in value.items() if key != "allow"}, where), allowed


def _data(section: _Section) -> DataSpec:
    variants = section.section("variants", {})
    for name in variants.table:
        check_name(name, f"{variants.where}: {name!r}")
    spec = DataSpec(
        source=section.text("source"),
        variant=section.text("variant", "sample"),
        params=dict(section.section("params", {}).table),
        variants={name: _variant(name, variants.section(name)) for name in variants.table},
        unlabelled=_names(section, "unlabelled") if "unlabelled" in section.table else (),
    )
    section.done()
    if spec.variants and spec.variant not in (*spec.variants, "path"):
        raise ConfigError(f"{section.where}: variant = {spec.variant!r}{nearest(spec.variant, spec.variants)}")
    return spec


def _variant(name: str, section: _Section) -> VariantSpec:
    urls = section.take("urls", [])
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ConfigError(f"{section.where}: urls = {urls!r}: expected a list of URLs")
    digests = dict(section.section("sha256", {}).table)
    if not all(isinstance(digest, str) for digest in digests.values()):
        raise ConfigError(f'{section.where}: sha256 = {digests!r}: expected "FILE" = "DIGEST" pairs')
    spec = VariantSpec(
        name=name,
        about=section.text("about", ""),
        params=dict(section.section("params", {}).table),
        path=section.text("path", ""),
        urls=tuple(urls),
        sha256=digests,
        published=_published(section.section("published", {})),
        size=section.text("size", ""),
        licence=section.text("licence", ""),
        from_site=section.flag("from_site", False),
    )
    section.done()
    if spec.from_site and spec.urls:
        raise ConfigError(f"{section.where}: from_site = true and urls: expected one of them")
    if spec.path and spec.urls:
        raise ConfigError(f"{section.where}: both path and urls: the files lie here, or are fetched")
    return spec


def _published(section: _Section) -> dict[str, FileFacts]:
    found = {}
    for name in section.table:
        own = section.section(name, kind=FileFacts)
        size, md5 = own.take("bytes"), own.text("head_md5")
        if type(size) is not int or size < 1 or not re.fullmatch("[0-9a-fA-F]{32}", md5):
            raise ConfigError(f"{own.where}: expected bytes, a whole number, and head_md5, 32 hexadecimal digits")
        found[name] = FileFacts(size, md5.lower())
    return found


def _evaluate(section: _Section) -> Evaluate:
    on, prior = section.text("on", "oof"), section.take("target_prior", None)
    section.done()
    if on not in RANKED_ON:
        raise ConfigError(f"{section.where}: on = {on!r}{nearest(on, RANKED_ON)}")
    if isinstance(prior, Mapping):
        shares = [share for share in prior.values() if type(share) in (int, float) and 0 <= share <= 1]
        if len(shares) < len(prior) or abs(sum(shares) - 1) > 1e-3:
            raise ConfigError(f"{section.where}: target_prior = {dict(prior)}: expected class shares that sum to 1")
    elif prior not in (None, "valid"):
        raise ConfigError(f'{section.where}: target_prior = {prior!r}: expected a table of class shares, or "valid"')
    return Evaluate(on, prior)


def _submission(section: _Section) -> SubmissionSchema:
    columns = section.take("columns")
    if isinstance(columns, list) and all(isinstance(name, str) for name in columns):
        if len(set(columns)) < len(columns):
            raise ConfigError(f"{section.where}: columns names something twice: {columns}")
        columns = {name: name for name in columns}
    if not isinstance(columns, Mapping) or not columns or not all(isinstance(out, str) for out in columns.values()):
        raise ConfigError(
            f"{section.where}: columns = {columns!r}: expected a list of classes, or column = class pairs"
        )
    values = section.text("values", SubmissionSchema.values)
    if values not in VALUES:
        raise ConfigError(f"{section.where}: values = {values!r}{nearest(values, VALUES)}")
    schema = SubmissionSchema(
        section.text("id"),
        dict(columns),
        values,
        section.number("low", None),
        section.number("high", None),
        section.text("nothing", ""),
        section.flag("per_class", False),
    )
    section.done()
    if schema.per_class and (len(schema.columns) > 1 or schema.values not in ("probabilities", "decisions")):
        raise ConfigError(f"{section.where}: per_class = true: expected one column of probabilities or decisions")
    if schema.id in schema.columns:
        raise ConfigError(f"{section.where}: {schema.id!r} is both the id and a value column")
    if schema.low is not None and schema.high is not None and schema.low > schema.high:
        raise ConfigError(f"{section.where}: low = {schema.low} is above high = {schema.high}")
    return schema


def _rules(section: _Section) -> Rules:
    defaults = Rules()
    rules = Rules(
        **{f.name: section.flag(f.name, getattr(defaults, f.name)) for f in fields(Rules) if f.name != "text"},
        text=section.text("text", ""),
    )
    section.done()
    return rules


def _budget(section: _Section) -> Budget:
    texts = {name: section.text(name, "") for name in ("strategy", "task")}
    section.done()
    return Budget(
        **{name: parse_duration(text, f"{section.where}: {name}") if text else None for name, text in texts.items()}
    )


def _leaks(section: _Section) -> Leaks:
    reasons = section.section("accepted", {})
    section.done()
    for name in reasons.table:
        kind = name.partition(":")[0]
        if kind not in KINDS and "." not in kind:
            raise ConfigError(f"{reasons.where}: unknown kind {kind!r}{nearest(kind, KINDS)}")
        if not reasons.text(name).strip():
            raise ConfigError(f"{reasons.where}: {name}: expected the reason, as text")
    return Leaks(dict(reasons.table))


def _board(section: _Section) -> BoardSpec:
    site = section.text("site")
    if site not in SITES:
        raise ConfigError(f"{section.where}: site = {site!r}{nearest(site, SITES)}")
    ranks = section.section("medals", {})
    found = {name: ranks.take(name) for name in MEDALS if name in ranks.table}
    ranks.seen.update(MEDALS)
    ranks.done()
    values = list(found.values())
    if not all(type(value) is int and value >= 0 for value in values) or values != sorted(values):
        raise ConfigError(f"{ranks.where} = {found}: expected the last rank of each medal, gold <= silver <= bronze")
    spec = BoardSpec(site, found, section.flag("awarded", True), section.text("source", ""))
    section.done()
    return spec


def _site(section: _Section) -> SiteSpec:
    spec = SiteSpec(section.text("name"), section.text("id"))
    section.done()
    # it becomes part of an address and of a file's name
    if not spec.id or not all(c.isascii() and (c.isalnum() or c in "-_") for c in spec.id):
        raise ConfigError(f"{section.where}: id = {spec.id!r}: expected it as in the site's web address")
    return spec


def _strategies(defaults: _Section, section: _Section) -> tuple[Strategy, ...]:
    shared = dict(defaults.table)
    _strategy("defaults", _Section({"model": "", **shared}, defaults.where, Strategy))
    if not section.table:
        raise ConfigError(f"{section.where}: expected at least one strategy")
    found = []
    for name, table in section.table.items():
        own = _Section(table, f"{section.where}.{name}").table
        merged = {**shared, **{key: _merge(shared.get(key), value) for key, value in own.items()}}
        found.append(_strategy(name, _Section(merged, f"{section.where}.{name}", Strategy)))
    return tuple(found)


def _merge(default: Any, own: Any) -> Any:
    # a table without `use` changes parameters of the default
    if isinstance(own, Mapping) and "use" not in own and default is not None:
        base = {"use": default} if isinstance(default, str) else default
        return {**base, **own} if isinstance(base, Mapping) else own
    return own


def check_line(name: str, where: str, what: str) -> None:
    """Refuse a name that cannot be a line of the board."""
    if not name or len(name) > 80 or not all(c.isalnum() or c in "-_." for c in name) or name.startswith("."):
        raise ConfigError(f"{where}: a {what}'s name has letters, digits, '-', '_' and '.', at most 80")
    if name.startswith("baseline-") or name == "best":
        raise ConfigError(f"{where}: 'best' and names that begin with 'baseline-' are the harness's own")


def _strategy(name: str, section: _Section) -> Strategy:
    check_line(name, section.where, "strategy")

    def part(key: str) -> Use | None:
        value = section.take(key, None)
        return None if value in (None, "none") else _use(value, f"{section.where}: {key}")

    chain = section.take("adjuster", [])
    chain = [] if chain in (None, "none") else chain if isinstance(chain, list) else [chain]
    strategy = Strategy(
        name=name,
        description=section.text("description", ""),
        model=_use(section.take("model"), f"{section.where}: model"),
        features=part("features"),
        rebalancer=part("rebalancer"),
        adjusters=tuple(_use(value, f"{section.where}: adjuster") for value in chain),
        refit=section.flag("refit", False),
        named_only=section.flag("named_only", False),
        resources=_resources(section.section("resources", {})),
    )
    section.done()
    return strategy


def _resources(section: _Section) -> Resources:
    found = {field.name: section.number(field.name, None) for field in fields(Resources)}
    section.done()
    for name, value in found.items():
        if value is not None and not (0 <= value < math.inf and (value > 0 or name == "gpus")):
            raise ConfigError(f"{section.where}: {name} = {value!r}: expected a number above 0")
    if (gpus := found["gpus"]) is not None and gpus > 1 and gpus != int(gpus):
        raise ConfigError(f"{section.where}: gpus = {gpus!r}: expected whole GPUs, or a share of one below 1")
    return Resources(**found)


def _blends(section: _Section, task: TaskType, strategies: tuple[Strategy, ...]) -> tuple[Blend, ...]:
    known = {strategy.name: strategy for strategy in strategies}
    blends = [
        _blend(name, _Section(table, f"{section.where}.{name}", Blend), task) for name, table in section.table.items()
    ]
    names = {blend.name for blend in blends}
    for name in names & known.keys():
        raise ConfigError(f"{section.where}.{name}: a strategy has this name already; choose another")
    for blend in blends:
        where = f"{section.where}.{blend.name}"
        for member in blend.of:
            if member in names:
                raise ConfigError(f"{where}: of: {member!r} is a blend; a blend is made of strategies")
            if member not in known:
                raise ConfigError(f"{where}: of: no strategy {member!r}{nearest(member, known)}")
            if known[member].named_only and not blend.named_only:
                raise ConfigError(
                    f"{where}: of: {member!r} runs only when it is named, so the blend too: named_only = true"
                )
    return tuple(blends)


def _blend(name: str, section: _Section, task: TaskType) -> Blend:
    check_line(name, section.where, "blend")
    of, method = _names(section, "of"), section.text("method", "mean")
    blend = Blend(name, of, method, section.text("description", ""), section.flag("named_only", False))
    section.done()
    if len(of) < 2:
        raise ConfigError(f"{section.where}: of = {list(of)}: expected at least two strategies")
    if method not in BLEND_METHODS:
        raise ConfigError(f"{section.where}: method = {method!r}{nearest(method, BLEND_METHODS)}")
    if task not in BLEND_METHODS[method]:
        fitting = ", ".join(known for known, tasks in BLEND_METHODS.items() if task in tasks)
        raise ConfigError(f"{section.where}: method = {method!r} does not fit task {task.value!r}: {fitting} do")
    return blend
