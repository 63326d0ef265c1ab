"""Refuses a split that deals rows at random where the test set plainly is no such draw."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import ConfigError
from harness.prepare import Prepared

MARK = "split not like test"
"""Shown beside the scores of a split that was insisted on."""
MOST_AUC = 0.9
"""AUC of train against test above which they are no draws from the same rows."""
MOST = 0.5
"""Share of test rows, of groups that train lacks or later than all of it, above which the test set is mostly such."""


def guard(prepared: Prepared, insisted: bool = False) -> tuple[Prepared, str]:
    """Check a split at random against the test set; other splits cost nothing and are never refused.

    Parameters
    ----------
    insisted : bool
        Whether the command line has ``--allow-split``.

    Returns
    -------
    (Prepared, str)
        Marked where the split is kept although it is not like the test set, with a warning that says so; else as it
        was, and an empty text.

    Raises
    ------
    ConfigError
        If the split is not like the test set and nobody insists, with the figures, in one line.
    """
    reasons = objections(prepared) if prepared.splitter.at_random else []
    if not reasons:
        return prepared, ""
    told = f"split {prepared.splitter.name!r} deals rows at random, but {'; '.join(reasons)}"
    allowed = prepared.competition.split_allowed
    if insisted or allowed:
        return replace(prepared, marks=(*prepared.marks, MARK)), f"{told}; kept: {allowed or '--allow-split'}"
    data = f" --data {prepared.setting.data}" if prepared.setting.data else ""
    raise ConfigError(
        f"{told}: its scores would be too good; see: harness split-audit {prepared.competition.id}{data};"
        ' to insist: --allow-split, or allow = "REASON" under [split]'
    )


def objections(prepared: Prepared) -> list[str]:
    """List what speaks against dealing rows at random; empty if nothing does.

    Groups on both sides are harmless where the test set's groups are in training, too. Without a test set nothing shows
    that they are.
    """
    from harness.audit.sides import auc_of_test, compare, whereabouts

    dataset, roles = prepared.dataset, prepared.dataset.info.roles
    parts = [dataset.train] if dataset.test is None else [dataset.train, dataset.test]
    train, *others = whereabouts(parts, roles)
    test = compare(train, others[0]) if others else None
    fold = prepared.folds[0]
    own = compare(train.take(fold.train), train.take(fold.valid))
    found = []
    shared = own.group_overlap or 0.0
    if test is None:
        if shared > MOST:
            found.append(
                f"{shared:.0%} of validated rows have their group ({roles['group']}) in training, and no test set shows"
                " that this is right"
            )
        return found
    if test.group_overlap is not None and test.group_overlap < MOST and shared > MOST:
        found.append(
            f"{1 - test.group_overlap:.0%} of test rows are of groups ({roles['group']}) that train does not have,"
            f" {1 - shared:.0%} of validated ones"
        )
    if test.later is not None and test.later > MOST and (own.later or 0.0) < MOST:
        found.append(f"{test.later:.0%} of test rows are later ({roles['time']}) than all of train")
    auc = auc_of_test(dataset, prepared.setting.cache)
    if auc is not None and auc > MOST_AUC:
        found.append(f"train and test are told apart with AUC {auc:.3f} (at most {MOST_AUC:g})")
    return found
