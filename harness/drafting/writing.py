"""The draft as files: ``competition.toml`` with a reason above each choice, and ``README.md``."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.competition import Strategy
from harness.drafting.draft import LOCAL, Draft
from harness.findings import Finding
from harness.strategy_toml import toml_key, toml_use, toml_value

WIDTH = 110
DRAFTED = """Drafted from its files by `harness new competition`. The reasons are those of a first look; write down
what you know of the task."""
MOST_COLUMNS = 40
"""Columns of a submission that are written out; of more, the sample file tells."""


def toml_text(draft: Draft) -> str:
    """Write ``competition.toml``."""
    parts = [_head(draft), _data(draft), _split(draft), _submission(draft), _leaks(draft), _strategies(draft)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def comment(text: str, prefix: str = "# ") -> list[str]:
    """Return a text as lines of comments.

    Examples
    --------
    >>> comment("a reason")
    ['# a reason']
    """
    clean = "".join(char if char.isprintable() else "?" for char in text)
    return textwrap.wrap(clean, WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False)


def relative(path: Path, home: Path) -> str:
    """Return a path as it is written in a file that lies in a folder: from there, if there is a way."""
    try:
        return Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def _pair(key: str, value: Any, why: str = "", used: bool = True) -> list[str]:
    line = f"{toml_key(key)} = {_long(value)}"
    shown = line if used else "\n".join(f"# {part}" for part in line.splitlines())
    return [*(comment(why) if why else []), shown]


def _long(value: Any) -> str:
    """Write a list of many items one to a line."""
    text = toml_value(value)
    if isinstance(value, list | tuple) and len(text) > WIDTH:
        return "[\n" + "".join(f"  {toml_value(item)},\n" for item in value) + "]"
    return text


def _head(draft: Draft) -> list[str]:
    found = draft.competition
    return [
        *comment("Made by harness new competition; each choice has its reason above it. Change what you know better."),
        *comment(f"See what it means: harness describe {found.id}. Try it: harness check {found.id}"),
        f"title = {toml_value(found.title)}",
        "",
        *comment(f"{draft.proposal.task.why}"),
        f"task = {toml_value(found.task.value)}",
        "",
        *comment(f"The first ranks the board: {draft.asked.metric_why}. The others are shown beside it."),
        f"metrics = {toml_value(list(found.metrics))}",
    ]


def _data(draft: Draft) -> list[str]:
    found, proposal = draft.competition, draft.proposal
    rows = ", ".join(f"{name} {count:,} rows" for name, count in draft.rows.items())
    lines = [
        "[data]",
        *comment(f"{proposal.about}: {rows}"),
        f"source = {toml_value(found.data.source)}",
        f"variant = {toml_value(LOCAL)}",
        "",
        f"[data.variants.{LOCAL}]",
        *comment("where the files lie, from this folder; they are read where they are"),
        f"path = {toml_value(relative(proposal.path, found.home))}",
        "",
        "[data.params]",
    ]
    for name, chosen in proposal.params.items():
        lines += _pair(name, chosen.value, chosen.why, chosen.used)
    return lines


def _split(draft: Draft) -> list[str]:
    use = draft.split.use
    lines = ["[split]", *comment(draft.split.why), f"use = {toml_value(use.name)}"]
    for name, value in use.params.items():
        lines += _pair(name, value)
    if draft.split.allow:
        lines += comment(
            "such a split is refused unless a reason is given; better: name --group or --time, if there is"
        )
        lines += _pair("allow", draft.split.allow)
    return [
        *lines,
        *comment(f"which others there are, and how they differ: harness split-audit {draft.competition.id}"),
    ]


def _submission(draft: Draft) -> list[str]:
    schema = draft.asked.schema
    if draft.has_sample and len(schema.columns) > MOST_COLUMNS:
        return comment(
            f"Submissions have the {len(schema.columns)} columns of the sample file: {draft.asked.schema_why}."
        )
    plain = all(column == output for column, output in schema.columns.items())
    columns: Any = list(schema.columns) if plain else dict(schema.columns)
    lines = ["[submission]", *comment(draft.asked.schema_why), f"id = {toml_value(schema.id)}"]
    lines += _pair("columns", columns)
    lines += [f"values = {toml_value(schema.values)}"]
    if schema.values == "point":
        lines += comment("bounds that every number must keep to")
        lines += ["# low = 0.0", "# high = 100.0"]
    return lines


def _leaks(draft: Draft) -> list[str]:
    told = [one for one in draft.findings if one.severity != "note"]
    if not told:
        return [
            *comment("The leak scan found nothing. What it finds later and you know to be harmless goes here:"),
            "# [leaks.accepted]",
            '# kind = "why it is harmless"',
        ]
    lines = [
        "[leaks.accepted]",
        *comment("Found in the data. Take off the # where you know that it is harmless, and say why:"),
    ]
    for one in told:
        lines += comment(f"{one.severity.value}: {told_of(one)}")
        lines.append(f'# {toml_key(one.kind)} = "why it is harmless"')
    return lines


def told_of(finding: Finding) -> str:
    """Return a finding in one line."""
    return f"{finding.kind}: {finding.what}; {finding.advice}"


def _strategies(draft: Draft) -> list[str]:
    lines: list[str] = []
    if draft.adjuster is not None:
        lines += ["[defaults]", *_pair("adjuster", draft.adjuster.value, draft.adjuster.why), ""]
    lines += comment(
        "What is trained: quick ones of different kinds. harness plugins lists what else there is; harness tune"
        f" {draft.competition.id} -s NAME searches better parameters."
    )
    for one in draft.competition.strategies:
        lines += [*_strategy(one), ""]
    for blend in draft.competition.blends:
        lines += [
            f"[blends.{toml_key(blend.name)}]",
            *_pair("description", blend.description),
            *_pair("of", list(blend.of)),
            *_pair("method", blend.method, 'others: "greedy", "linear", "median" (numbers), "log_linear" (classes)'),
            "",
        ]
    return lines[:-1]


def _strategy(one: Strategy) -> list[str]:
    lines = [f"[strategies.{toml_key(one.name)}]", *_pair("description", one.description)]
    if one.named_only:
        lines += ["named_only = true" + f"  # takes longer; runs where it is named: -s {one.name}"]
    if one.features is not None:
        lines.append(f"features = {toml_use(one.features)}")
    return [*lines, f"model = {toml_use(one.model)}"]


def readme_text(draft: Draft, command: str) -> str:
    """Write ``README.md``.

    Parameters
    ----------
    command : str
        How the command line is called, with the options that find the competition.
    """
    found, asked = draft.competition, draft.asked
    rows = ", ".join(f"{count:,} rows of {name}" for name, count in draft.rows.items())
    facts = [
        ("data", f"{draft.proposal.about}, read by `{found.data.source}`: {rows}"),
        ("task", f"{found.task.value}: {draft.proposal.task.why}"),
        ("metric", f"`{found.primary}`: {asked.metric_why}"),
        ("split", f"`{found.split.name}`: {draft.split.why}"),
        ("submission", f"`{asked.schema.id}`, {_columns(list(asked.schema.columns))}: {asked.schema_why}"),
    ]
    commands = [
        ("check", "reads the data, cuts the folds, looks for leaks; trains nothing"),
        ("run", "trains, ranks, writes `submissions/" + found.id + "/best.csv`"),
        ("report", "one page that shows it all"),
    ]
    return "\n".join(
        [
            f"# {_cell(found.title)}",
            "",
            DRAFTED,
            "",
            *_table(("what", "proposed, and why"), facts),
            "",
            *(f"    {command} {name} {found.id}".ljust(48) + f"# {about}" for name, about in commands),
            "",
            *_notes(draft),
            "## Strategies",
            "",
            *_table(("strategy", "what it is"), [(f"`{one.name}`", _about(one)) for one in found.strategies]),
            *(f"| `{one.name}` | {one.description} |" for one in found.blends),
            "",
        ]
    )


def _about(one: Strategy) -> str:
    return f"{one.description} (only when named: `-s {one.name}`)" if one.named_only else one.description


def _notes(draft: Draft) -> list[str]:
    told = [
        *draft.notes,
        *(f"{one.severity.value}: {told_of(one)}" for one in draft.findings if one.severity != "note"),
    ]
    return ["## What to know", "", *(f"- {_cell(line)}" for line in told), ""] if told else []


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{_cell(name)}`" for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"| {head[0]} | {head[1]} |", "|---|---|", *(f"| {name} | {_cell(text)} |" for name, text in rows)]


def _cell(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text).replace("|", "\\|")
