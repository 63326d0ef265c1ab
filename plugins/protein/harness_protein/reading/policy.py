"""What becomes of a sequence that is not plainly twenty letters.

================================ =====================================================================================
in the file                      becomes
================================ =====================================================================================
white space, ``-``, ``.``        nothing: line breaks and gaps of an alignment
lower case                       upper case: soft masking
``*`` at the end                 nothing: the stop codon
``*`` within                     ``X``
``U`` (selenocysteine)           ``C``, which it differs from by one atom
``O`` (pyrrolysine)              ``K``, of which it is a derivative
``B``, ``Z``, ``J``              ``X``: one of two residues, which of them is not known
any other letter                 ``X``
digits, other characters         refused in training (``--skip-bad`` leaves the row out), ``X`` in rows to predict
nothing at all                   refused in training (``--skip-bad`` leaves the row out), ``X`` in rows to predict
================================ =====================================================================================
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import DataError, listed
from harness_protein.residues import ALPHABET, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DROPPED = re.compile(r"[\s.\-\u00a0\ufeff]+")
_OTHER = re.compile(rf"[^{ALPHABET}{UNKNOWN}]")
_NO_LETTER = re.compile(r"[^A-Z*]")
_TWINS = str.maketrans("UO", "CK")
SHOWN = 3


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Sequences of letters that models know.

    Attributes
    ----------
    inputs : (n,) object array of str
        Of `ALPHABET` and `UNKNOWN`, at least one letter each.
    kept : (n,) int64
        Which rows they are of.
    notes : tuple of str
        What was repaired or left out, with counts.
    """

    inputs: NDArray[np.object_]
    kept: NDArray[np.int64]
    notes: tuple[str, ...]


def clean(
    sequences: Sequence[str], ids: Sequence[str], where: str, *, to_predict: bool = False, skip_bad: bool = False
) -> Cleaned:
    """Apply the policy to sequences.

    Parameters
    ----------
    ids : sequence of str
        For messages.
    where : str
        File or part, for messages.
    to_predict : bool
        Every row gets an answer, whatever it holds.
    skip_bad : bool
        Leave out rows that are no sequence instead of refusing them.

    Raises
    ------
    DataError
        Naming the rows that are no sequence.
    """
    counts = {"in lower case": 0, "with gaps or white space": 0, "with residues other than the twenty": 0}
    found: list[str] = []
    kept: list[int] = []
    bad: list[int] = []
    for row, raw in enumerate(sequences):
        text = _DROPPED.sub("", raw)
        upper = text.upper().rstrip("*")
        plain = _OTHER.sub(UNKNOWN, upper.translate(_TWINS)) or UNKNOWN
        if not upper or _NO_LETTER.search(upper):
            bad.append(row)
            if not to_predict:
                continue
        else:
            counts["in lower case"] += text.upper() != text
            counts["with gaps or white space"] += len(text) < len(raw.strip())
            counts["with residues other than the twenty"] += plain != upper
        found.append(plain)
        kept.append(row)
    if bad and not to_predict and not skip_bad:
        raise DataError(
            f"{where}: {_number(len(bad), 'row')} without a sequence of residues: "
            f"{listed([f'{ids[row]} ({_shown(sequences[row])})' for row in bad], SHOWN)}; --skip-bad leaves them out"
        )
    notes = [f"{where}: {_number(count, 'sequence')} {what}" for what, count in counts.items() if count]
    if bad:
        done = "taken as unknown residues" if to_predict else "left out"
        examples = listed([str(ids[row]) for row in bad], SHOWN)
        notes.append(f"{where}: {_number(len(bad), 'row')} without a sequence of residues {done}: {examples}")
    inputs = np.empty(len(found), object)
    inputs[:] = found
    return Cleaned(inputs, np.array(kept, np.int64), tuple(notes))


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _shown(text: str) -> str:
    plain = "".join(char if char in string.printable and char not in "\r\n\t\v\f" else "?" for char in text[:20])
    return repr(plain + ("..." if len(text) > 20 else "")) if text.strip() else "empty"
