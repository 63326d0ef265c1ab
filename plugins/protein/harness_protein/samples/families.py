"""Simulated protein families: sequences that evolve along a tree, with insertions and deletions.

Each class is a family of its own ancestor, of which a few subfamilies descend; the residues of a class's motifs hardly
change. Substitutions stay within groups of like residues three times out of four (Murphy, Wallqvist & Levy 2000, the
alphabet of ten groups), and residues are drawn with their shares in Swiss-Prot. Nothing of it is a real protein.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness_protein.params import SequencesParams
from harness_protein.reading.tables import Sequences
from harness_protein.residues import ALPHABET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness_protein.source import Parts

    Residues = NDArray[np.int64]

GROUPS = ("LVIM", "C", "A", "G", "ST", "P", "FYW", "EDNQ", "KR", "H")
SHARES = {
    "A": 8.25, "R": 5.53, "N": 4.06, "D": 5.46, "C": 1.38, "Q": 3.93, "E": 6.71, "G": 7.07, "H": 2.27, "I": 5.91,
    "L": 9.65, "K": 5.80, "M": 2.41, "F": 3.86, "P": 4.74, "S": 6.65, "T": 5.36, "W": 1.10, "Y": 2.92, "V": 6.86,
}  # fmt: skip
"""Percent of residues, UniProtKB/Swiss-Prot release statistics."""
COMMON = 0.35
"""Share of the residues that every family keeps of one ancestor of all: a fold that they have in common."""
SUBFAMILIES = 12
LENGTHS = (120, 200)
MOTIF, MOTIFS = 9, 3
SUBFAMILY_RATE, MEMBER_RATE, MOTIF_RATE = 0.9, (0.7, 1.3), 0.45
"""Share of residues that change from family to subfamily, from subfamily to member (at random between two), and how
much less often those of a motif do."""
INDELS = 4
CORPUS_FAMILIES = 6
TEST_SHARE = 0.25


def families(params: SequencesParams) -> Parts:
    """Simulate a data set: training rows, test rows without classes, a corpus of other families."""
    from harness_protein.source import Parts

    rng = np.random.default_rng([params.sample_seed, 17])
    shares = np.array([SHARES[letter] for letter in ALPHABET])
    world = _World(rng, shares / shares.sum())
    root = world.draw(LENGTHS[1])
    trees = [_Family(world, root) for _ in range(params.classes + CORPUS_FAMILIES)]
    rows = params.rows + round(TEST_SHARE * params.rows)
    sizes = 1.0 / np.arange(1, params.classes + 1) ** 0.8
    codes = rng.choice(params.classes, rows, p=sizes / sizes.sum())
    least = np.tile(np.arange(params.classes), 2)[:rows]
    codes[: len(least)] = least
    rng.shuffle(codes)
    sequences = [trees[code].member() for code in codes]
    corpus = [trees[params.classes + at % CORPUS_FAMILIES].member() for at in range(params.rows // 2)]
    cut = params.rows
    return Parts(
        train=Sequences("families", _ids("train", cut), sequences[:cut], [str(code) for code in codes[:cut]]),
        test=Sequences("families", _ids("test", rows - cut), sequences[cut:], None),
        corpora={"families": Sequences("families", _ids("corpus", len(corpus)), corpus, None)},
        classes=tuple(str(code) for code in range(params.classes)),
        simulated=True,
        notes=["simulated families; nothing of them is a real protein"],
    )


def _ids(part: str, count: int) -> list[str]:
    return [f"ID_{part}_{row}" for row in range(count)]


class _World:
    """How residues are drawn and change."""

    def __init__(self, rng: np.random.Generator, shares: NDArray[np.float64]) -> None:
        self.rng, self.shares = rng, shares
        self.alike = np.zeros((len(ALPHABET), len(ALPHABET)))
        for group in GROUPS:
            places = [ALPHABET.index(letter) for letter in group]
            self.alike[np.ix_(places, places)] = shares[places] / shares[places].sum()

    def draw(self, length: int) -> Residues:
        return self.rng.choice(len(self.shares), length, p=self.shares).astype(np.int64)

    def change(self, residues: Residues, rates: NDArray[np.float64]) -> Residues:
        changed = residues.copy()
        for at in np.flatnonzero(self.rng.random(len(residues)) < rates):
            within = self.rng.random() < 0.75
            changed[at] = self.rng.choice(len(self.shares), p=self.alike[residues[at]] if within else self.shares)
        return changed


class _Family:
    """An ancestor with conserved motifs, and subfamilies that descend from it."""

    def __init__(self, world: _World, root: Residues) -> None:
        self.world = world
        length = int(world.rng.integers(*LENGTHS))
        own = world.draw(length)
        ancestor = np.where(world.rng.random(length) < COMMON, root[:length], own)
        self.slow = np.ones(length)
        for start in world.rng.choice(length - MOTIF, MOTIFS, replace=False):
            self.slow[start : start + MOTIF] = MOTIF_RATE
        self.branches = [world.change(ancestor, SUBFAMILY_RATE * self.slow) for _ in range(SUBFAMILIES)]

    def member(self) -> str:
        rng = self.world.rng
        branch = self.branches[int(rng.integers(len(self.branches)))]
        rate = rng.uniform(*MEMBER_RATE)
        residues = self.world.change(branch, rate * self.slow).tolist()
        for _ in range(int(rng.integers(0, INDELS + 1))):
            at, size = int(rng.integers(0, len(residues))), int(rng.integers(1, 6))
            if rng.random() < 0.5:
                del residues[at : at + size]
            else:
                residues[at:at] = self.world.draw(size).tolist()
        return "".join(ALPHABET[code] for code in residues)
