"""A JSON Schema of ``competition.toml`` for editors, made from the dataclasses that the file is read into.

Keys, defaults and descriptions come from `harness.competition`, names of offers and their parameters from the plugins.
It accepts what the harness accepts, and refuses unknown keys, wrong types and unknown offers; what takes more than one
key to judge (a blend of a strategy that does not exist) is left to ``harness check``.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

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
    SiteSpec,
    Strategy,
    SubmissionSchema,
)
from harness.competition_file import MEDALS, RANKED_ON, SITES, VALUES
from harness.data import TaskType
from harness.findings import KINDS
from harness.offers import Adjuster, DatasetSource, Features, Metric, ModelRecipe, Rebalancer, Site, Splitter
from harness.params import document
from harness.plugins import LOCAL, Plugins
from harness.toml_section import NOT_IN_FILE, WRITTEN

Schema = dict[str, Any]
STRATEGY: Schema = {"$ref": "#/$defs/strategy"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PARTS: Mapping[str, type[Any]] = {
    "model": ModelRecipe,
    "features": Features,
    "rebalancer": Rebalancer,
    "adjusters": Adjuster,
    "split": Splitter,
}
"""The kind of offer that a field of `Competition` or `Strategy` names."""

ALLOW = "Why a split at random is right although the test set is not such a draw."
TEXT: Schema = {"type": "string"}
REASON: Schema = {"type": "string", "pattern": r"\S"}
LINE: Schema = {"minLength": 1, "maxLength": 80, "not": {"const": "best"}}
OWN: Schema = {"type": "string", "pattern": r"^local\."}
"""Whatever a competition's own ``plugin.py`` offers, where that was not read."""


def competition_schema(plugins: Plugins) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a competition file, with what these plugins offer.

    Without a competition's own ``plugin.py`` among them any offer called ``local.<thing>`` is accepted.
    """
    maker = _Maker(plugins)
    top = maker.table(Competition)
    top["properties"]["defaults"] = {**STRATEGY, "description": "What strategies have unless they say otherwise."}
    each_has = {"properties": {"strategies": {"additionalProperties": {"required": ["model"]}}}}
    default_has = {"properties": {"defaults": {"required": ["model"]}}, "required": ["defaults"]}
    title = "competition.toml of the competition harness"
    return {"$schema": DIALECT, "title": title, **top, "anyOf": [default_has, each_has], "$defs": maker.shared}


def attributes_of(kind: type[Any]) -> dict[str, str]:
    """Return what the numpydoc docstring of a class says of each attribute, in one line each.

    Examples
    --------
    >>> attributes_of(Evaluate)["on"]
    '`oof` or `valid`.'
    """
    _, _, text = (inspect.getdoc(kind) or "").partition("Attributes\n----------\n")
    found = {}
    for heads, about in re.findall(r"^([\w, ]+) : .*\n((?:    .*(?:\n|$))+)", text, flags=re.MULTILINE):
        line = " ".join(about.split()).replace("``", "`").replace("None: ", "without it: ")
        found.update({name.strip(): line for name in heads.split(",")})
    return found


def params_schema(kind: type[Any]) -> Schema:
    """Return what each parameter of an offer may be: type, bounds, default, description."""
    found = {}
    hints = get_type_hints(kind)
    for doc in document(kind):
        bounds = {"minimum": doc.low, "maximum": doc.high}
        limits = {name: bound for name, bound in bounds.items() if bound is not None}
        form = {**_form(hints[doc.name]), **limits, "description": doc.help}
        found[doc.name] = form if doc.default is None else {**form, "default": _plain(doc.default)}
    return found


def _form(hint: Any) -> Schema:
    """Return what a value of this type may be in TOML, which has no null."""
    import msgspec

    form = msgspec.json.schema(hint)
    kinds = [kind for kind in form.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {**form, "anyOf": kinds} if kinds else form


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)


def _closed(properties: Schema, required: Sequence[str] = ()) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": list(required)}


def _each(value: Schema, **limits: Any) -> Schema:
    return {"type": "object", "additionalProperties": value, **limits}


def _list(value: Schema, **limits: Any) -> Schema:
    return {"type": "array", "items": value, **limits}


def _any(*forms: Schema) -> Schema:
    return {"anyOf": list(forms)}


class _Maker:
    """Turns dataclasses into tables.

    Attributes
    ----------
    shared : dict
        What is referred to from several places.
    """

    def __init__(self, plugins: Plugins) -> None:
        self.plugins = plugins
        self.own = () if any(plugin.name == LOCAL for plugin in plugins.loaded) else (OWN,)
        self.shared: Schema = {name: self._part(kind) for name, kind in PARTS.items()}
        self.shared["metric"] = self._name(Metric)
        self.forms = _forms()
        self.forms[SiteSpec, "name"] = self._name(Site)
        self.shared["strategy"] = {**self.table(Strategy), "required": []}
        self.forms[Competition, "data"] = self._data()

    def table(self, kind: type[Any]) -> Schema:
        """Return the table that is read into a dataclass."""
        hints, about = get_type_hints(kind), attributes_of(kind)
        properties, required = {}, []
        for field in dataclasses.fields(kind):
            if field.name in NOT_IN_FILE.get(kind, ()):
                continue
            key = WRITTEN.get(field.name, field.name)
            form = self.forms.get((kind, field.name)) or self._field(hints[field.name])
            told = {"description": about[field.name]} if field.name in about else {}
            default = {"default": field.default} if isinstance(field.default, str | bool) else {}
            properties[key] = {**form, **told, **default}
            # a missing [split] is a stratified one
            if field.default is field.default_factory is dataclasses.MISSING and field.name != "split":
                required.append(key)
        return _closed(properties, required)

    def _field(self, hint: Any) -> Schema:
        kinds = [one for one in get_args(hint) if dataclasses.is_dataclass(one)] or [hint]
        if not dataclasses.is_dataclass(kinds[0]):
            return _form(hint)
        table = self.table(kinds[0])  # type: ignore[arg-type]
        named = get_origin(hint) in (Mapping, tuple)  # a table for each name
        return _each(table, propertyNames=LINE if get_origin(hint) is tuple else {}) if named else table

    def _name(self, kind: type[Any]) -> Schema:
        known = [{"const": name, "description": offer.summary} for name, offer in self.plugins.offers(kind).items()]
        return _any(*known, *self.own)

    def _part(self, kind: type[Any]) -> Schema:
        """Return ``"NAME"``, ``{ use = "NAME", ... }``, or only parameters of the offer in ``[defaults]``."""
        split = kind is Splitter
        more = {"allow": {**REASON, "description": ALLOW}} if split else {}
        used: list[Schema] = []
        known: dict[str, list[Schema]] = {}
        for name, offer in self.plugins.offers(kind).items():
            parameters = params_schema(offer.params)
            use = {"const": name, "description": offer.summary}
            used.append({**_closed({"use": use, **parameters, **more}, ["use"]), "description": offer.summary})
            for key, form in parameters.items():
                known.setdefault(key, []).append({k: v for k, v in form.items() if k != "default"})
        used += [{"type": "object", "properties": {"use": own, **more}, "required": ["use"]} for own in self.own]
        if not split:
            used.append(_closed({key: _any(*forms) for key, forms in known.items()}))
        return _any(self._name(kind), *used)

    def _data(self) -> Schema:
        """Return ``[data]``: for each source its own parameters, there and in each variant."""
        table = self.table(DataSpec)
        variant = table["properties"]["variants"]["additionalProperties"]
        forms = []
        for name, offer in self.plugins.offers(DatasetSource).items():
            source = {"const": name, "description": offer.summary}
            params = {**table["properties"]["params"], **_closed(params_schema(offer.params))}
            own = {**variant, "properties": {**variant["properties"], "params": params}}
            variants = {**table["properties"]["variants"], "additionalProperties": own}
            changed = {"source": source, "params": params, "variants": variants}
            forms.append({**table, "properties": {**table["properties"], **changed}})
        forms += [{**table, "properties": {**table["properties"], "source": own}} for own in self.own]
        return _any(*forms)


def _forms() -> dict[tuple[type[Any], str], Schema]:
    """Return what TOML writes in another way than the dataclass holds it."""
    texts, rank = _list(TEXT, uniqueItems=True, minItems=1), {"type": "integer", "minimum": 0}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    kinds = {"pattern": rf"^({'|'.join(KINDS)})(:|$)|\."}
    length = {**TEXT, "pattern": r"[0-9]", "examples": ["90s", "30m", "1h30m"]}
    part = {name: {"$ref": f"#/$defs/{name}"} for name in PARTS}
    none = {"const": "none"}
    return {
        (Competition, "task"): {"enum": [task.value for task in TaskType]},
        (Competition, "metrics"): _list({"$ref": "#/$defs/metric"}, uniqueItems=True, minItems=1),
        (Competition, "split"): part["split"],
        (Competition, "strategies"): _each(STRATEGY, minProperties=1, propertyNames=LINE),
        (Strategy, "model"): part["model"],
        (Strategy, "features"): _any(part["features"], none),
        (Strategy, "rebalancer"): _any(part["rebalancer"], none),
        (Strategy, "adjusters"): _any(part["adjusters"], none, _list(part["adjusters"])),
        (Evaluate, "on"): {"enum": list(RANKED_ON)},
        (Evaluate, "target_prior"): _any({"const": "valid"}, _each(share)),
        (SubmissionSchema, "columns"): _any(texts, _each(TEXT, minProperties=1)),
        (SubmissionSchema, "values"): {"enum": list(VALUES)},
        (BoardSpec, "site"): {"enum": list(SITES)},
        (BoardSpec, "medals"): _closed(dict.fromkeys(MEDALS, rank)),
        (Budget, "strategy"): length,
        (Budget, "task"): length,
        (Leaks, "accepted"): _each(REASON, propertyNames=kinds),
        (Blend, "of"): {**texts, "minItems": 2},
        (Blend, "method"): {"enum": list(BLEND_METHODS)},
        (DataSpec, "unlabelled"): texts,
        (FileFacts, "bytes"): {"type": "integer", "minimum": 1},
        (FileFacts, "head_md5"): {**TEXT, "pattern": "^[0-9a-fA-F]{32}$"},
    }
