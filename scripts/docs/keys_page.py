"""The reference of ``competition.toml``, made from its JSON Schema."""

from __future__ import annotations

from typing import Any

from commands_page import cell, code
from offers_page import toml, words

from harness.competition import DataSpec
from harness.json_schema import PARTS, attributes_of, competition_schema
from harness.plugins import GATHERED, load_plugins

OFFERS = {name: GATHERED[kind].removeprefix("harness_") for name, kind in PARTS.items()} | {"metric": "metrics"}


def keys_page() -> str:
    """Return a table of keys for each table of the file."""
    schema = competition_schema(load_plugins())
    parts: list[str] = []
    _table(schema, "At the top", "", parts)
    strategy = {**schema["$defs"]["strategy"], "required": []}
    _table(strategy, "[defaults] and [strategies.NAME]", "strategies.NAME", parts)
    return "\n".join(parts)


def _table(form: dict[str, Any], head: str, name: str, parts: list[str]) -> None:
    """Write the keys of a table, then its own tables, each under its name."""
    parts += [f"## {head}\n", "| key | what it may be | default | what |", "|---|---|---|---|"]
    inner = []
    for key, value in form["properties"].items():
        below = _below(value) if key != "params" else None
        if below is not None:
            inner.append((f"{name}.{key}".removeprefix("."), *below))
        default = code(toml(value["default"])) if value.get("default", "") != "" else ""
        default = "*needed*" if key in form["required"] else default
        if (name, key) == ("data", "source"):  # its own form for each source
            value = {"enum": [], "description": attributes_of(DataSpec)["source"]}
        may = _form(value) or "name of a data source"
        parts.append(f"| `{key}` | {may} | {default} | {cell(value.get('description', ''))} |")
    parts.append("")
    for title, table, named in inner:
        title = f"{title}.NAME" if named else title
        _table(table, f"[{title}]", title, parts)


def _below(form: dict[str, Any]) -> tuple[dict[str, Any], bool] | None:
    """Return the table that a key holds, and whether there is one for each name."""
    form = form["anyOf"][0] if "anyOf" in form and "properties" in form["anyOf"][0] else form
    each = form.get("additionalProperties") or {}
    if "properties" in form:
        return form, False
    return (each, True) if "properties" in each else None


def _form(form: dict[str, Any]) -> str:
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        named = f"one of the {OFFERS[name]}" if name in OFFERS else "the same as a strategy"
        return f"{named}: a name, or a table with `use`" if name in PARTS else named
    if below := _below(form):
        return "a table for each name" if below[1] else "table"
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(_form(one) for one in form["anyOf"]))
    if form.get("type") == "array":
        return "list of names" if "$ref" in form["items"] else f"list of {_form(form['items'])}"
    return words(form)
