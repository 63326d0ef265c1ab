"""Real sequences without a download: proteins of phages and other viruses, from the files of the package aaanalysis.

Two of its benchmark sets, those of VIRALpro (Galiez, Magnan, Coste & Baldi 2016, Bioinformatics 32(9):1405), tell
capsid proteins from others, and tail proteins from others; here they are three classes. The package is not imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import DataError
from harness_protein.params import SequencesParams
from harness_protein.reading.tables import Sequences

if TYPE_CHECKING:
    from harness_protein.source import Parts

FILES = {"capsid": "SEQ_CAPSID.tsv", "tail": "SEQ_TAIL.tsv"}
OTHER = "other"
CLASSES = ("capsid", "other", "tail")
TEST_SHARE = 0.25


def phage(params: SequencesParams) -> Parts:
    """Read capsid, tail and other proteins; a quarter is the test set, without classes.

    Raises
    ------
    DataError
        If the package is not installed.
    """
    import pandas as pd

    from harness_protein.source import Parts

    folder = _folder()
    frames = []
    for name, file in FILES.items():
        frame = pd.read_csv(folder / file, sep="\t", dtype=str, keep_default_na=False)
        frames.append(frame.assign(label=np.where(frame["label"] == "1", name, OTHER)))
    both = pd.concat(frames)
    own = both[both["label"] != OTHER]
    # what one set calls other may be of the other set's own class; what neither does is other once
    rest = both[(both["label"] == OTHER) & ~both["sequence"].isin(own["sequence"])]
    twice = own.groupby("sequence")["label"].transform("nunique") > 1
    together = pd.concat([own[~twice], rest]).drop_duplicates("sequence")
    rng = np.random.default_rng([params.sample_seed, 19])
    rows = min(params.rows, len(together))
    drawn = together.iloc[rng.permutation(len(together))[:rows]]
    cut = rows - round(TEST_SHARE * rows)
    train, test = drawn.iloc[:cut], drawn.iloc[cut:]
    return Parts(
        train=Sequences("phage", list(train["entry"]), list(train["sequence"]), list(train["label"])),
        test=Sequences("phage", list(test["entry"]), list(test["sequence"]), None),
        classes=CLASSES,
        url="https://github.com/breimanntools/aaanalysis",
        licence="BSD-3-Clause",
        notes=[
            f"{rows:,} of {len(together):,} proteins drawn",
            f"{own.loc[twice, 'sequence'].nunique()} proteins of both capsid and tail left out",
        ],
    )


def _folder() -> Path:
    spec = find_spec("aaanalysis")
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    folder = Path(places[0]) / "_data" / "benchmarks" if places else None
    if folder is None or not all((folder / file).is_file() for file in FILES.values()):
        raise DataError(
            "the sample of phage proteins comes with the package aaanalysis;"
            " install it: pip install 'competition-harness-protein[sample]'"
        )
    return folder
