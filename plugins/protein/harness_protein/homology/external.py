"""Clusters by programs that are installed apart: MMseqs2 and CD-HIT."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import ConfigError, HarnessError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

WORD_SIZES = ((0.7, 5), (0.6, 4), (0.5, 3), (0.4, 2))
"""Least identity for which CD-HIT's manual advises each word size."""


def mmseqs(sequences: Sequence[str], identity: float) -> Codes:
    """Cluster with ``mmseqs easy-cluster`` (Steinegger & Söding 2017, Nature Biotechnology 35).

    Single linkage (``--cluster-mode 1``), one thread, 80% of the shorter sequence covered.

    Returns
    -------
    (n,) int64
        The cluster of each sequence.

    Raises
    ------
    HarnessError
        If it is not installed, fails, or leaves a sequence out.
    """
    options = ["--min-seq-id", f"{identity:g}", "--cov-mode", "1", "-c", "0.8", "--cluster-mode", "1", "--threads", "1"]

    def read(folder: Path) -> list[tuple[str, str]]:
        lines = (folder / "out_cluster.tsv").read_text().splitlines()
        return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]

    command = ["mmseqs", "easy-cluster", "in.fasta", "out", "work", *options]
    return _clustered(sequences, command, read)


def cd_hit(sequences: Sequence[str], identity: float) -> Codes:
    """Cluster with ``cd-hit`` (Fu et al. 2012, Bioinformatics 28), the slower and more exact way (``-g 1``).

    Raises
    ------
    ConfigError
        Below 40% identity, which it cannot do.
    HarnessError
        If it is not installed, fails, or leaves a sequence out.
    """
    size = next((size for least, size in WORD_SIZES if identity >= least), None)
    if size is None:
        raise ConfigError(
            f'split: identity = {identity:g}: CD-HIT clusters at 0.4 and above; raise it, or set method = "minhash"'
        )
    options = ["-c", f"{identity:g}", "-n", str(size), "-d", "0", "-M", "0", "-T", "1", "-g", "1", "-l", "1"]

    def read(folder: Path) -> list[tuple[str, str]]:
        found, cluster = [], ""
        for line in (folder / "out.clstr").read_text().splitlines():
            if line.startswith(">"):
                cluster = line
            else:
                found.append((cluster, line.split(">", 1)[1].split("...", 1)[0]))
        return found

    return _clustered(sequences, ["cd-hit", "-i", "in.fasta", "-o", "out", *options], read)


def _clustered(
    sequences: Sequence[str], command: Sequence[str], read: Callable[[Path], list[tuple[str, str]]]
) -> Codes:
    name = command[0]
    program = shutil.which(name)
    if program is None:
        raise HarnessError(f'split: {name} is not installed; install it, or set method = "minhash"')
    with TemporaryDirectory(prefix="harness-") as made:
        folder = Path(made)
        (folder / "in.fasta").write_text("".join(f">{row}\n{text}\n" for row, text in enumerate(sequences)))
        done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            told = (done.stderr.strip() or done.stdout.strip() or "it says nothing").splitlines()[-1]
            raise HarnessError(f'split: {name} failed ({done.returncode}): {told}; or set method = "minhash"')
        try:
            pairs = read(folder)
            members = {int(member): cluster for cluster, member in pairs}
        except (OSError, ValueError, IndexError) as error:
            raise HarnessError(f"split: what {name} wrote cannot be read: {error}; is it another version?") from None
    missing = [row for row in range(len(sequences)) if row not in members]
    if missing:
        raise HarnessError(
            f"split: {name} left out {len(missing)} sequences, the first of {len(sequences[missing[0]])} residues;"
            ' set method = "minhash"'
        )
    return np.unique([members[row] for row in range(len(sequences))], return_inverse=True)[1].astype(np.int64)
