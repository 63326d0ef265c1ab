"""The reference of what a plugin offers, with every parameter."""

from __future__ import annotations

from functools import cache
from typing import Any

from commands_page import cell, code

from harness.json_schema import params_schema
from harness.params import ParamDoc, document
from harness.plugins import GATHERED, Plugins, load_plugins


@cache
def _plugins() -> Plugins:
    plugins = load_plugins()
    broken = [plugin for plugin in plugins.loaded if plugin.error]
    if broken:
        raise RuntimeError(f"the documentation needs every plugin, but these are broken: {broken}")
    return plugins


def offers_page(plugin: str) -> str:
    """Return the offers of one plugin (``builtin``: those of the harness) by kind."""
    parts = []
    for kind, hook in GATHERED.items():
        offers = [offer for name, offer in _plugins().offers(kind).items() if _owner(name) == plugin]
        if offers:
            parts += [f"## {hook.removeprefix('harness_').capitalize()}\n", *map(_offer, offers)]
    if not parts:
        raise KeyError(f"no plugin {plugin!r} is installed; there are {[one.name for one in _plugins().loaded]}")
    return "\n".join(parts)


def _owner(name: str) -> str:
    return name.split(".")[0] if "." in name else "builtin"


def _offer(offer: Any) -> str:
    about = [f"{offer.summary[:1].upper()}{offer.summary[1:]}."]
    if hasattr(offer, "direction"):
        about.append("Lower is better." if offer.direction == "min" else "Higher is better.")
    if hasattr(offer, "tasks"):
        about.append(f"For: {', '.join(sorted(task.value for task in offer.tasks))}.")
    head = f"### {offer.name}\n\n{cell(' '.join(about))}\n"
    docs = document(offer.params) if hasattr(offer, "params") else []
    if not docs:
        return head
    forms = params_schema(offer.params)
    rows = [f"| `{doc.name}` | {_type(forms[doc.name])} | {_default(doc)} | {cell(doc.help)} |" for doc in docs]
    return "\n".join([head, "| parameter | type | default | what |", "|---|---|---|---|", *rows]) + "\n"


def _default(doc: ParamDoc) -> str:
    return "" if doc.default is None else code(toml(doc.default))


def toml(value: Any) -> str:
    """Write a value as TOML does."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _type(form: dict[str, Any]) -> str:
    limits = [f"{sign} {form[key]:g}" for sign, key in (("≥", "minimum"), ("≤", "maximum")) if key in form]
    return ", ".join([words(form), *limits])


def words(form: dict[str, Any]) -> str:
    """Tell a JSON Schema in words."""
    if "const" in form:
        return f"`{toml(form['const'])}`"
    if "enum" in form:
        return " or ".join(f"`{toml(choice)}`" for choice in form["enum"])
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(words(one) for one in form["anyOf"]))
    if form.get("type") == "array":
        return f"list of {words(form['items'])}" if "items" in form else "list"
    return {"string": "text", "boolean": "true or false", "object": "table"}.get(form["type"], form["type"])
