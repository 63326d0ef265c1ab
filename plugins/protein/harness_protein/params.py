"""Parameters of the data source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.params import param


@dataclass(frozen=True)
class SequencesParams:
    """Roles of columns, and what is read where; an empty role is looked for by its usual names."""

    id: str = param("", "column of the ids; empty: ID, accession, Entry, sequence_name, ...")
    sequence: str = param("", "column of the sequences; empty: Sequence, seq, ...")
    target: str = param("", "column of the classes; empty: target, label, class, family_accession, ...")
    organism: str = param("", "column of the organisms, kept beside the sequence; empty: organism, species")
    group: str = param("", "column of rows that must stay in one fold; empty: group, cluster")
    train: str = param("", "file of the training rows, or folder of its parts; empty: train.* or a folder train")
    test: str = param("", "file of the rows to predict, or folder of its parts; empty: test.* or a folder test")
    ec_level: int = param(1, "a UniProt table without a class: levels of the EC number that make one", low=1, high=4)
    families: int = param(0, "keep the so many largest classes; 0: all", low=0)
    sample: Literal["", "families", "phage"] = param(
        "", "instead of files: simulated families, or real viral proteins of the package aaanalysis"
    )
    classes: int = param(8, "simulated families: classes", low=2, high=26)
    rows: int = param(600, "simulated families: training rows; phage: rows in all", low=40, high=100_000)
    sample_seed: int = param(0, "seed of a sample", low=0)
