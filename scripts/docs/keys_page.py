"""The reference of ``competition.toml``, made from its JSON Schema."""

from __future__ import annotations

from typing import Any

from commands_page import cell
from offers_page import toml, words

from harness.json_schema import PARTS, competition_schema
from harness.plugins import GATHERED, load_plugins

OFFERS = {name: GATHERED[kind].removeprefix("harness_") for name, kind in PARTS.items()} | {"metric": "metrics"}


def keys_page() -> str:
    """Return a table of keys for each table of the file."""
    schema = competition_schema(load_plugins())
    parts: list[str] = []
    _table(schema, "", parts, schema["required"])
    strategy = schema["$defs"]["strategy"]
    _table(strategy, "defaults] and [strategies.NAME", parts, [])
    return "\n".join(parts)


def _table(form: dict[str, Any], name: str, parts: list[str], required: list[str]) -> None:
    """Write the keys of a table, then its own tables, each under its name."""
    parts += [f"## [{name}]\n" if name else "## At the top\n", "| key | what it may be | default | what |", "|---|---|---|---|"]
    inner = []
    for key, value in form["properties"].items():
        below = _below(value)
        if below is not None:
            inner.append((f"{name}.{key}".removeprefix("."), *below))
        default = f"`{cell(toml(value['default']))}`" if value.get("default") else "*needed*" if key in required else ""
        parts.append(f"| `{key}` | {_form(value)} | {default} | {cell(value.get('description', ''))} |")
    parts.append("")
    for title, table, named in inner:
        _table(table, f"{title}.NAME" if named else title, parts, table.get("required", []))


def _below(form: dict[str, Any]) -> tuple[dict[str, Any], bool] | None:
    """Return the table that a key holds, and whether one for each name."""
    form = form["anyOf"][0] if "anyOf" in form and "properties" in form["anyOf"][0] else form
    each = form.get("additionalProperties") or {}
    if "properties" in form:
        return form, False
    return (each, True) if "properties" in each else None


def _form(form: dict[str, Any]) -> str:
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        return f"{OFFERS[name]}: a name, or a table with `use`" if name in PARTS else OFFERS.get(name, "strategy")
    if _below(form):
        return "table" if not _below(form)[1] else "a table for each name"  # type: ignore[index]
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(_form(one) for one in form["anyOf"]))
    if form.get("type") == "array":
        return f"list of {_form(form['items'])}"
    return words(form)
