"""Run the tests marked `fault` and write docs/reliability.md: one line for each fault the harness is to survive.

``python scripts/reliability.py`` (or ``make reliability``) takes a while; options are passed on to pytest: with
``-m "not slow" -n 2`` the page is made by a run of all quick tests. It exits with 1 if a test failed or a row has
neither a test nor a reason.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "tests" / "faults" / "rows.toml"
PAGE = ROOT / "docs" / "reliability.md"
HEAD = """# Reliability

What the harness is to survive, and the tests that show it. This page is made by `make reliability` from a run of the
tests marked `fault`; it is not written by hand.
"""


@dataclass
class Test:
    """What became of one test function: how many of its cases ended how.

    Attributes
    ----------
    reasons : list of str
        Why cases were skipped, or are expected to fail.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)


class Collector:
    """Notes the outcome of each test by the rows of its marks."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Test]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a part of a test (its set-up, itself, its end) went; tests/conftest.py tells its rows."""
        if report.when == "call" or report.outcome != "passed":
            for row in {value for name, value in report.user_properties if name == "fault"}:
                tests = self.found.setdefault(str(row), {})
                note(tests.setdefault(report.nodeid.partition("[")[0], Test()), report)


def note(test: Test, report: pytest.TestReport) -> None:
    """Add one report to what is known of a test."""
    if hasattr(report, "wasxfail"):
        test.outcomes["known fault" if report.outcome == "skipped" else "failed"] += 1
        test.reasons.append(report.wasxfail.removeprefix("reason: "))
    elif report.outcome == "skipped":
        test.outcomes["skipped"] += 1
        test.reasons.append(str(report.longrepr[2]).removeprefix("Skipped: "))  # type: ignore[index]
    else:
        test.outcomes[report.outcome] += 1


def result_of(tests: Mapping[str, Test], reason: str) -> str:
    """Return the result of a row in words.

    Examples
    --------
    >>> result_of({"a": Test(Counter(passed=2))}, ""), result_of({}, "needs a GPU"), result_of({}, "")
    ('passed', 'not tested: needs a GPU', '**missing**')
    >>> result_of({"a": Test(Counter(passed=2)), "b": Test(Counter({"known fault": 1}), ["not yet"])}, "")
    '**known fault**: not yet'
    """
    total = sum((test.outcomes for test in tests.values()), Counter[str]())
    reasons = "; ".join(dict.fromkeys(text for test in tests.values() for text in test.reasons))
    if total["failed"]:
        return "**failed**"
    if total["known fault"]:
        return f"**known fault**: {reasons}"
    if total["passed"]:
        return f"passed; in part skipped: {reasons}" if total["skipped"] else "passed"
    if reason or total["skipped"]:
        return f"not tested: {reason or reasons}"
    return "**missing**"


def page(rows: Mapping[str, Any], found: Mapping[str, Mapping[str, Test]]) -> Iterator[str]:
    """Yield the lines of the page, one table for each section."""
    yield HEAD
    for section in rows["section"]:
        yield f"## {section['title']}\n\n| | fault | result | tests |\n|---|---|---|---|"
        for row, text in section["rows"].items():
            tests = found.get(row, {})
            result = result_of(tests, rows["untested"].get(row, "")).replace("|", "\\|")
            names = "<br>".join(f"`{name.removeprefix('tests/').replace('::', ' ')}`" for name in sorted(tests))
            yield f"| {row} | {text} | {result} | {names} |"
        yield ""


def main(args: Sequence[str]) -> int:
    """Run the tests, write the page, and return an exit code."""
    collector = Collector()
    # the last -m counts: with it the slow ones run too
    code = pytest.main(["-q", "-m", "fault", str(ROOT / "tests"), *args], plugins=[collector])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return int(code)  # a page of half a run would tell of missing tests
    rows = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    text = "\n".join(page(rows, collector.found)).rstrip() + "\n"
    PAGE.write_text(text, encoding="utf-8")
    wrong = text.count("| **failed** |") + text.count("| **missing** |")
    print(f"{PAGE.relative_to(ROOT)}: {wrong} rows failed or missing")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
