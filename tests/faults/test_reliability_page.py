"""Every fault has a test or a reason, and docs/reliability.md tells of exactly these."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = tomllib.loads((Path(__file__).parent / "rows.toml").read_text(encoding="utf-8"))
IDS = [row for section in ROWS["section"] for row in section["rows"]]


def marks(tree: ast.AST) -> list[ast.expr]:
    """Return every ``pytest.mark.fault``, as it is called where it is."""
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_mark(node.func)]
    inner = {id(node.func) for node in called}
    return [*called, *(node for node in ast.walk(tree) if is_mark(node) and id(node) not in inner)]


def is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "fault" and ast.unparse(node) == "pytest.mark.fault"


@pytest.fixture(scope="module")
def marked() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for mark in marks(ast.parse(text)) if "mark.fault" in text else ():
            where = f"{path.relative_to(TESTS)}:{mark.lineno}"
            rows = [ast.literal_eval(arg) for arg in mark.args] if isinstance(mark, ast.Call) else []
            assert rows, f"{where}: the mark names no row"
            assert set(rows) <= set(IDS), f"{where}: {rows}"
            for row in rows:
                found[row].append(where)
    return found


def test_rows_are_numbered_without_a_gap():
    assert [f"F-{number:02d}" for number in range(1, 52)] == IDS


def test_every_row_has_a_test_or_a_reason(marked):
    reasons = ROWS["untested"]
    assert all(len(reason) > 20 for reason in reasons.values())
    assert [row for row in IDS if row not in marked and row not in reasons] == []
    assert set(reasons) <= set(IDS) - set(marked), "a reason stands where there is a test"


def test_the_page_tells_of_exactly_these_rows():
    page = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (F-\d\d) \| ([^|]*) \|", page, flags=re.MULTILINE))
    assert told == {row: text for section in ROWS["section"] for row, text in section["rows"].items()}
