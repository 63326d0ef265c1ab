"""Every command that a page shows is run, page by page, in an empty folder; commands.toml has the exceptions."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest

from harness.cli.app import cli

ROOT = Path(__file__).parents[2]
# what MLflow says while it packs a model for `harness register`
PACKING = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning", "ignore::UserWarning"
)
GLOBS = (
    *("README.md", "CONTRIBUTING.md", "docs/**/*.md"),
    *("plugins/*/README.md", "competitions/*/README.md", "examples/*/README.md"),
)
PAGES = {str(path.relative_to(ROOT)): path for glob in GLOBS for path in sorted(ROOT.glob(glob))}
NOT_SHELL = {"toml", "python", "json", "text"}


@dataclass(frozen=True)
class Entry:
    """What commands.toml says of a command."""

    text: str
    instead: str = ""
    not_run: str = ""
    pending: str = ""
    slow: bool = False

    def fits(self, command: str) -> bool:
        return fnmatchcase(command, self.text.replace("[", "[[]"))


def read_entries() -> list[Entry]:
    tables = tomllib.loads((Path(__file__).parent / "commands.toml").read_text(encoding="utf-8"))["command"]
    return [Entry(**{{"as": "instead"}.get(key, key): value for key, value in table.items()}) for table in tables]


ENTRIES = read_entries()


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield language and lines of each block of code, fenced or indented."""
    fence, language, lines = "", "", []
    for line in [*text.splitlines(), ""]:
        mark = re.match(r" *(`{3,})(\w*)", line)
        if mark:
            if fence:
                yield language, lines
            fence, language, lines = ("", "", []) if fence else (mark[1], mark[2], [])
        elif fence:
            lines.append(line)
        elif line.startswith("    "):
            yield "", [line[4:]]


def commands(text: str) -> list[str]:
    """Return the harness's commands of a page, in order, without comments; lines that go on are joined."""
    found = []
    for language, lines in blocks(text):
        if language in NOT_SHELL:
            continue
        for line in "\n".join(lines).replace("\\\n", " ").splitlines():
            command = re.sub(r"^\s*(\$ )?(\S*/)?(?=harness )", "", line)
            if command.startswith("harness "):
                found.append(" ".join(re.sub(r"\s#.*$", "", command).split()))
    return found


def entry_of(command: str) -> Entry:
    return next((entry for entry in ENTRIES if entry.fits(command)), Entry(command))


def find_command(words: list[str]) -> tuple[click.Command | None, list[str]]:
    """Return the command (or group) that words begin with, in whatever group, and the words that follow it."""
    command: click.Command | None = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        known = command.list_commands(click.Context(command))
        # of some groups a first word that is no command is an argument of `run`
        name = "run" if command is not cli and "run" in known and rest[0] not in known else rest.pop(0)
        command = command.get_command(click.Context(command), name)
    return command, rest


def problem_of(words: list[str]) -> str:
    """Return why the command line would not take these words; empty if it does. Nothing is called."""
    command, rest = find_command(words)
    if command is None:
        return f"no command {' '.join(words)!r}"
    try:
        given, more, _ = command.make_parser(click.Context(command)).parse_args(rest)
    except click.UsageError as error:
        return error.format_message()
    known = {param.name: param for param in command.params}
    for name, value in given.items():
        absent = not (isinstance(value, str | tuple) and value)  # click has a value of its own for what is not given
        if isinstance(known.get(name), click.Argument) and known[name].required and absent:
            return f"missing {name}"
    return f"too many arguments: {more}" if more else ""


PAGES_WITH_COMMANDS = {name: found for name, path in PAGES.items() if (found := commands(path.read_text("utf-8")))}


# reading pages ------------------------------------------------------------------------------------------------------


def test_commands_are_found_in_every_kind_of_block():
    page = (
        "`harness in prose` and\n```\nharness list    # all\nother\n```\n"
        "```console\n$ harness run a \\\n    --fast\noutput\n```\n"
        "    .venv/bin/harness check b\n"
        "```toml\nharness none\n```\nharness neither\n"
    )
    assert commands(page) == ["harness list", "harness run a --fast", "harness check b"]


def test_a_wrong_command_is_told_without_calling_it():
    assert problem_of(["run", "toy", "--fast"]) == ""
    assert "no command" in problem_of(["rum", "toy"])
    assert "--fats" in problem_of(["run", "toy", "--fats"])
    assert problem_of(["run", "toy", "again"]) == "too many arguments: ['again']"
    assert problem_of(["run"]) == "missing competition"


def test_the_pages_have_commands():
    assert {"README.md", "docs/tutorial/first-run.md", "plugins/protein/README.md"} <= set(PAGES_WITH_COMMANDS)
    assert sum(map(len, PAGES_WITH_COMMANDS.values())) > 80


# commands.toml ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.text)
def test_an_exception_has_a_command_and_a_reason(entry):
    assert any(entry.fits(command) for found in PAGES_WITH_COMMANDS.values() for command in found), "no page has it"
    assert bool(entry.instead) + bool(entry.not_run) == 1 or entry.pending or entry.slow
    assert entry.pending or not entry.instead or problem_of(shlex.split(entry.instead)[1:]) == ""
    assert not entry.pending or find_command(entry.pending.split())[0] is None, "it is here now: take `pending` out"


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS)
def test_commands_and_options_exist_also_where_they_are_not_run(page):
    problems = {
        command: problem
        for command in PAGES_WITH_COMMANDS[page]
        if not entry_of(command).pending and (problem := problem_of(shlex.split(command)[1:]))
    }
    assert problems == {}


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_text_exist(page):
    pending = {entry.pending.split()[0] for entry in ENTRIES if entry.pending}
    for words in re.findall(r"`harness ([a-z][a-z-]*\b[^`]*)`", PAGES[page].read_text("utf-8")):
        command, rest = find_command(words.split())
        if words.split()[0] in pending:
            continue
        assert command is not None, f"`harness {words}`"
        known = {option for param in command.params for option in param.opts}
        assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known, f"`harness {words}`"


# running them -------------------------------------------------------------------------------------------------------


def run_page(page: str, slow: bool, call, provide) -> None:
    for command in PAGES_WITH_COMMANDS[page]:
        entry = entry_of(command)
        if entry.not_run or entry.pending or (entry.slow and not slow):
            continue
        words = shlex.split(command)
        line = entry.instead.format(*words) if entry.instead else command
        code, printed = call(provide(page, shlex.split(line)[1:]))
        assert code == 0, f"{page}: {line}: exit code {code}\n{printed[-3000:]}"


def is_slow(page: str) -> bool:
    return any(entry_of(command).slow for command in PAGES_WITH_COMMANDS[page])


def runs_anything(page: str, slow: bool) -> bool:
    entries = [entry_of(command) for command in PAGES_WITH_COMMANDS[page]]
    return any(not (entry.not_run or entry.pending) and entry.slow <= slow for entry in entries)


@PACKING
@pytest.mark.parametrize("page", [page for page in PAGES_WITH_COMMANDS if runs_anything(page, slow=False)])
def test_the_commands_of_a_page_work(page, call, provide):
    run_page(page, False, call, provide)


@PACKING
@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", [page for page in PAGES_WITH_COMMANDS if is_slow(page)])
def test_the_commands_of_a_page_work_with_the_slow_ones(page, call, provide):
    run_page(page, True, call, provide)
