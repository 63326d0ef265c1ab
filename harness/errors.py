"""Errors a person can mend.

Every message is one line: what was found, what was expected, and what to do next. The command line prints it without a
traceback and exits with 2. Anything that is not a `HarnessError` is a fault of the program or of a plugin.
"""

from __future__ import annotations

from collections.abc import Iterable


class HarnessError(Exception):
    """A mistake the user can mend, told in one line."""


class ConfigError(HarnessError):
    """A competition file, an option or a parameter is wrong."""


class DataError(HarnessError):
    """The data cannot be used as it is."""


class SubmissionError(HarnessError):
    """A submission does not fit its competition's schema."""


class InvalidFileError(SubmissionError):
    """A submission file cannot be read as a table at all."""


class WrongColumnsError(SubmissionError):
    """A submission has other columns than its competition asks for."""


class PluginError(HarnessError):
    """A plugin is missing, broken, or breaks the contract of a hook."""


class StoreError(HarnessError):
    """A run directory cannot be written, read or trusted."""


class TaskTimeoutError(HarnessError):
    """A task was stopped because its time was up."""


class MetricFailedError(Exception):
    """A metric raised what nobody foresaw: a fault of its program, whatever the submission."""


class WorkerDiedError(Exception):
    """The process of a task ended before it answered: it was killed, or it crashed."""


def traceback_of(error: BaseException) -> str:
    """Return where an exception was raised; in another process, what its worker noted."""
    import traceback

    notes = getattr(error, "__notes__", [])
    return str(notes[-1]) if notes else "".join(traceback.format_exception(error))


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name nearest to a mistyped one.

    Returns
    -------
    str
        ``"; did you mean 'smote'?"``, or the list of what is known, ready to be appended to a message.

    Examples
    --------
    >>> nearest("smoet", ["none", "smote"])
    "; did you mean 'smote'?"
    >>> nearest("zebra", ["smote", "none"])
    '; known: none, smote'
    >>> nearest("f1score", ["accuracy", "f1", "macro_f1"])
    "; did you mean 'f1'?"
    >>> nearest("zebra", [])
    ''
    """
    import difflib

    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6) or _of_the_same_words(name, names)
    if close:
        return f"; did you mean {close[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (f", and {len(names) - 12} more" if len(names) > 12 else "")
    return f"; known: {shown}"


def _of_the_same_words(name: str, known: list[str]) -> list[str]:
    """Return the known name most of whose words a name has, where it has all of them."""
    import re

    def words(text: str) -> set[str]:
        return set(re.findall(r"[a-z]+\d*|\d+", text.lower()))

    own = words(name)
    found = [one for one in known if words(one) and words(one) <= own]
    return [max(found, key=len)] if found else []


def listed(values: Iterable[object], limit: int = 5) -> str:
    """Join values for a message, the first few only.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    # a line break in an id must not break the message
    texts = ["".join(char if char.isprintable() else "?" for char in str(value)) for value in values]
    if len(texts) <= limit:
        return ", ".join(texts)
    return ", ".join(texts[:limit]) + f" and {len(texts) - limit} more"
