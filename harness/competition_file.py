"""``competition.toml`` read into a `Competition`: strict, typed; an unknown key is refused with the nearest name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.competition import (
    BoardSpec,
    Budget,
    Competition,
    DataSpec,
    Evaluate,
    FileFacts,
    Leaks,
    Rules,
    SiteSpec,
    SubmissionSchema,
    Use,
    VariantSpec,
)
from harness.competition_strategies import blends_of, strategies_of
from harness.data import TaskType
from harness.durations import parse_duration
from harness.errors import ConfigError, nearest
from harness.findings import KINDS
from harness.toml_section import Section, check_name, names_of, use_of

FILE = "competition.toml"
RANKED_ON = ("oof", "valid")
VALUES = ("probabilities", "labels", "decisions", "point")
SITES = ("kaggle", "zindi")
MEDALS = ("gold", "silver", "bronze")


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
    top = Section(table, f"{home.name}/{FILE}", Competition, "defaults")
    title = top.text("title")
    split, split_allowed = _split(top.take("split", {"use": "stratified"}), top.where + ": split")
    task = _task(top)
    strategies = strategies_of(top.section("defaults", {}), top.section("strategies"))
    competition = Competition(
        id=_checked_id(home.name),
        home=home,
        title=title,
        description=top.text("description", ""),
        url=top.text("url", ""),
        task=task,
        metrics=names_of(top, "metrics"),
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
        blends=blends_of(top.section("blends", {}), task, strategies),
    )
    top.done()
    for variant in competition.data.variants.values():
        if variant.from_site and competition.site is None:
            raise ConfigError(f"{top.where}: variant {variant.name!r} comes from a site: add [site] with name and id")
    return competition


def _checked_id(name: str) -> str:
    check_name(name, f"competition folder {name!r}")
    return name


def _task(top: Section) -> TaskType:
    text = top.text("task")
    try:
        return TaskType(text)
    except ValueError:
        raise ConfigError(f"{top.where}: task = {text!r}{nearest(text, [task.value for task in TaskType])}") from None


def _split(value: Any, where: str) -> tuple[Use, str]:
    # `allow` is the harness's own key, whatever the splitter's parameters are
    if not isinstance(value, Mapping) or "allow" not in value:
        return use_of(value, where), ""
    allowed = value["allow"]
    if not isinstance(allowed, str) or not allowed.strip():
        raise ConfigError(f"{where}: allow = {allowed!r}: expected the reason, as text")
    return use_of({key: item for key, item in value.items() if key != "allow"}, where), allowed


def _data(section: Section) -> DataSpec:
    variants = section.section("variants", {})
    for name in variants.table:
        check_name(name, f"{variants.where}: {name!r}")
    spec = DataSpec(
        source=section.text("source"),
        variant=section.text("variant", "sample"),
        params=dict(section.section("params", {}).table),
        variants={name: _variant(name, variants.section(name)) for name in variants.table},
        unlabelled=names_of(section, "unlabelled") if "unlabelled" in section.table else (),
    )
    section.done()
    if spec.variants and spec.variant not in (*spec.variants, "path"):
        raise ConfigError(f"{section.where}: variant = {spec.variant!r}{nearest(spec.variant, spec.variants)}")
    return spec


def _variant(name: str, section: Section) -> VariantSpec:
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


def _published(section: Section) -> dict[str, FileFacts]:
    found = {}
    for name in section.table:
        own = section.section(name, kind=FileFacts)
        size, md5 = own.take("bytes"), own.text("head_md5")
        if type(size) is not int or size < 1 or not re.fullmatch("[0-9a-fA-F]{32}", md5):
            raise ConfigError(f"{own.where}: expected bytes, a whole number, and head_md5, 32 hexadecimal digits")
        own.done()
        found[name] = FileFacts(size, md5.lower())
    return found


def _evaluate(section: Section) -> Evaluate:
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


def _submission(section: Section) -> SubmissionSchema:
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


def _rules(section: Section) -> Rules:
    defaults = Rules()
    rules = Rules(
        **{f.name: section.flag(f.name, getattr(defaults, f.name)) for f in fields(Rules) if f.name != "text"},
        text=section.text("text", ""),
    )
    section.done()
    return rules


def _budget(section: Section) -> Budget:
    texts = {name: section.text(name, "") for name in ("strategy", "task")}
    section.done()
    return Budget(
        **{name: parse_duration(text, f"{section.where}: {name}") if text else None for name, text in texts.items()}
    )


def _leaks(section: Section) -> Leaks:
    reasons = section.section("accepted", {})
    section.done()
    for name in reasons.table:
        kind = name.partition(":")[0]
        if kind not in KINDS and "." not in kind:
            raise ConfigError(f"{reasons.where}: unknown kind {kind!r}{nearest(kind, KINDS)}")
        if not reasons.text(name).strip():
            raise ConfigError(f"{reasons.where}: {name}: expected the reason, as text")
    return Leaks(dict(reasons.table))


def _board(section: Section) -> BoardSpec:
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


def _site(section: Section) -> SiteSpec:
    spec = SiteSpec(section.text("name"), section.text("id"))
    section.done()
    # it becomes part of an address and of a file's name
    if not spec.id or not all(c.isascii() and (c.isalnum() or c in "-_") for c in spec.id):
        raise ConfigError(f"{section.where}: id = {spec.id!r}: expected it as in the site's web address")
    return spec
