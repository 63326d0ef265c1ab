"""Numbers that describe a sequence: composition, pairs, scales of residues and how they run along it.

All but the length are shares or means, so that long and short sequences compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness_protein.residues import ALPHABET, UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

HYDROPATHY = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (
            1.8,
            -4.5,
            -3.5,
            -3.5,
            2.5,
            -3.5,
            -3.5,
            -0.4,
            -3.2,
            4.5,
            3.8,
            -3.9,
            1.9,
            2.8,
            -1.6,
            -0.8,
            -0.7,
            -0.9,
            -1.3,
            4.2,
        ),
        strict=True,
    )
)
"""Kyte & Doolittle 1982, "A simple method for displaying the hydropathic character of a protein", J. Mol. Biol. 157."""
POLARITY = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (8.1, 10.5, 11.6, 13.0, 5.5, 10.5, 12.3, 9.0, 10.4, 5.2, 4.9, 11.3, 5.7, 5.2, 8.0, 9.2, 8.6, 5.4, 6.2, 5.9),
        strict=True,
    )
)
VOLUME = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (31, 124, 56, 54, 55, 85, 83, 3, 96, 111, 111, 119, 105, 132, 32.5, 32, 61, 170, 136, 84),
        strict=True,
    )
)
"""Polarity and volume of side chains: Grantham 1974, "Amino acid difference formula", Science 185."""
HELIX = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (1.42, 0.98, 0.67, 1.01, 0.70, 1.11, 1.51, 0.57, 1.00, 1.08, 1.21, 1.16, 1.45, 1.13, 0.57, 0.77, 0.83, 1.08,
         0.69, 1.06),
        strict=True,
    )
)  # fmt: skip
SHEET = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (0.83, 0.93, 0.89, 0.54, 1.19, 1.10, 0.37, 0.75, 0.87, 1.60, 1.30, 0.74, 1.05, 1.38, 0.55, 0.75, 1.19, 1.37,
         1.47, 1.70),
        strict=True,
    )
)  # fmt: skip
"""Propensities for helix and sheet: Chou & Fasman 1978, Adv. Enzymol. 47."""
CHARGE = {**dict.fromkeys(ALPHABET, 0.0), "D": -1.0, "E": -1.0, "K": 1.0, "R": 1.0, "H": 0.1}
"""Charge at pH 7."""
SCALES = (HYDROPATHY, POLARITY, VOLUME, HELIX, SHEET, CHARGE)
SCALE_NAMES = ("hydropathy", "polarity", "volume", "helix", "sheet", "charge")
GROUPS = ("AGV", "ILFP", "YMTS", "HNQW", "RK", "DE", "C")
"""Classes of residues by dipole and volume: the conjoint triads of Shen et al. 2007, PNAS 104."""
WINDOW = 15
"""Residues of the window whose greatest and least mean of a scale is told."""
END = 30
"""Residues of each end whose composition is told apart."""
UNKNOWN_CODE = len(ALPHABET)


def codes(sequence: str) -> Codes:
    """Return the place of each residue in the alphabet, (n,); unknown ones come last."""
    return _PLACES[np.frombuffer(sequence.encode("ascii", "replace"), np.uint8)]


def describe(sequences: Sequence[str] | NDArray[np.object_], pairs: Sequence[int], lags: int) -> NDArray[np.float32]:
    """Describe sequences.

    Parameters
    ----------
    sequences : n cleaned sequences
    pairs : distances of the pairs whose shares are told; 1: neighbours
    lags : greatest distance at which the scales are correlated

    Returns
    -------
    (n, m) float32
    """
    rows = [_described(codes(str(sequence)), pairs, lags) for sequence in sequences]
    return np.array(rows, np.float32).reshape(len(rows), -1)


def names(pairs: Sequence[int], lags: int) -> list[str]:
    """Return the name of each column of `describe`."""
    letters = ALPHABET + UNKNOWN
    found = ["log length", *(f"share {letter}" for letter in letters)]
    found += [f"pair {one}{other} at {step}" for step in pairs for one in ALPHABET for other in ALPHABET]
    found += [f"{end} share {letter}" for end in ("head", "tail") for letter in letters]
    for name in SCALE_NAMES:
        found += [f"{name} {fact}" for fact in ("mean", "deviation", "least window", "greatest window")]
        found += [f"{name} lag {lag}" for lag in range(1, lags + 1)]
    size = len(GROUPS)
    found += [f"step {GROUPS[i]}-{GROUPS[j]}" for i in range(size) for j in range(i, size)]
    found += [f"{place} of {group}" for group in GROUPS for place in ("mean place", "spread of places")]
    return found


def _described(places: Codes, pairs: Sequence[int], lags: int) -> Floats:
    parts = [np.array([np.log(len(places))]), _shares(places)]
    parts += [_pair_shares(places, step) for step in pairs]
    parts += [_shares(places[:END]), _shares(places[-END:])]
    for values in _TABLE[:, places]:
        parts += [_facts(values), _correlations(values, lags)]
    parts += [_steps(places), _spread(places)]
    return np.concatenate(parts)


def _shares(places: Codes) -> Floats:
    return np.bincount(places, minlength=UNKNOWN_CODE + 1) / len(places)


def _pair_shares(places: Codes, step: int) -> Floats:
    size = UNKNOWN_CODE
    first, second = places[:-step], places[step:]
    known = (first < size) & (second < size)
    counts = np.bincount(first[known] * size + second[known], minlength=size * size)
    return counts / max(1, len(places) - step)


def _facts(values: Floats) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    wide = min(WINDOW, len(values))
    means = (sums[wide:] - sums[:-wide]) / wide
    return np.array([values.mean(), values.std(), means.min(), means.max()])


def _correlations(values: Floats, lags: int) -> Floats:
    """Return the mean product of standardized values at each distance; 0 where the sequence is too short."""
    return np.array(
        [values[:-lag] @ values[lag:] / (len(values) - lag) if len(values) > lag else 0.0 for lag in range(1, lags + 1)]
    )


def _steps(places: Codes) -> Floats:
    """Return the share of neighbours that are of each two classes of residues, whichever comes first."""
    classes = _CLASSES[places]
    first, second = np.minimum(classes[:-1], classes[1:]), np.maximum(classes[:-1], classes[1:])
    known = first >= 0
    size = len(GROUPS)
    counts = np.bincount(first[known] * size + second[known], minlength=size * size).reshape(size, size)
    return counts[np.triu_indices(size)] / max(1, len(places) - 1)


def _spread(places: Codes) -> Floats:
    """Return the mean and the deviation of the relative places of each class of residues, or the middle."""
    relative = (np.arange(len(places)) + 0.5) / len(places)
    classes = _CLASSES[places]
    found = []
    for group in range(len(GROUPS)):
        own = relative[classes == group]
        found += [own.mean(), own.std()] if len(own) else [0.5, 0.0]
    return np.array(found)


def _place_table() -> Codes:
    table = np.full(256, UNKNOWN_CODE, np.intp)
    for place, letter in enumerate(ALPHABET):
        table[ord(letter)] = place
    return table


def _scale_table() -> Floats:
    """Return the scales, (scales, 21), standardized over the amino acids; an unknown residue is average."""
    values = np.array([[scale[letter] for letter in ALPHABET] for scale in SCALES])
    standard = (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)
    return np.concatenate([standard, np.zeros((len(SCALES), 1))], axis=1)


def _class_table() -> Codes:
    table = np.full(UNKNOWN_CODE + 1, -1, np.intp)
    for number, letters in enumerate(GROUPS):
        table[[ALPHABET.index(letter) for letter in letters]] = number
    return table


_PLACES, _TABLE, _CLASSES = _place_table(), _scale_table(), _class_table()
