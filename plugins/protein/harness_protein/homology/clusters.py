"""``protein.clusters``: relatives are never on both sides of a fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from harness.data import DatasetInfo, Examples, Fold
from harness.errors import DataError
from harness.offers import Splitter
from harness.params import param

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Cluster = Callable[[Codes, float], Codes]

CLUSTER = "cluster"
STEP = 0.05
"""By how much the identity is raised within a cluster that is too large."""
MOST = 0.95
"""Identity up to which it is raised."""


@dataclass(frozen=True)
class ClustersParams:
    """Parameters of ``protein.clusters``."""

    folds: int = param(5, "number of folds", low=2, high=1000)
    seed: int = param(0, "seed of the hashes and of the order in which clusters are dealt", low=0, high=2**32 - 1)
    identity: float = param(
        0.5, "sequences at least this alike (share of equal residues) are linked", low=0.2, high=1.0
    )
    method: Literal["minhash", "mmseqs", "cd-hit"] = param(
        "minhash", "who clusters: shared k-mers by MinHash, or a program that is installed apart"
    )
    k: int = param(5, "residues of a word (minhash)", low=2, high=9)
    shared: int = param(4, "fewest shared words that link two sequences (minhash)", low=1, high=1000)
    hashes: int = param(64, "length of a MinHash sketch; more find more distant relatives", low=8, high=2000)
    band: int = param(1, "hashes that must agree; more are quicker and miss distant relatives", low=1, high=16)
    group_on: str = param("", "meta column whose groups stay whole too; empty: the declared group, where there is one")


def splitters() -> Iterable[Splitter]:
    """Yield the splitter."""
    yield Splitter(
        "protein.clusters",
        "no relatives on both sides: clusters of similar sequences stay whole, class shares as equal as they allow",
        ClustersParams,
        split,
    )


def split(params: ClustersParams, examples: Examples, info: DatasetInfo) -> Iterator[Fold]:
    """Deal whole clusters to folds of equal size and class shares, as ``stratified_group`` deals groups."""
    import pandas as pd

    from harness.builtin._splits.rows import StratifiedGroupParams, stratified_group

    codes = clusters(params, examples, info)
    found = len(set(codes[examples.scored_rows()].tolist()))
    if found < params.folds:
        raise DataError(
            f"split: {found} clusters at {params.identity:.0%} identity do not make {params.folds} folds; set fewer"
            " folds or a higher identity"
        )
    dealt = StratifiedGroupParams(folds=params.folds, seed=params.seed, group_on=CLUSTER)
    yield from stratified_group(dealt, replace(examples, meta=pd.DataFrame({CLUSTER: codes})), info)


def clusters(params: ClustersParams, examples: Examples, info: DatasetInfo) -> Codes:
    """Give each sequence a cluster: single linkage, so that no two linked sequences are apart.

    A cluster with more rows than a fold should have (all kinases look alike), or with more of one class's rows than
    two folds should, is cut again at a higher identity, by steps of 5%, until its parts fit or only near-identical
    sequences are left together. Identical sequences, and those of one declared group, are never parted.

    Returns
    -------
    (n,) int64
        Numbers from 0 without a gap, in order of appearance.
    """
    import numpy as np
    import pandas as pd

    from harness_protein.peers.shares import texts

    texts(examples, "protein.clusters")
    units = _units(params.group_on or info.roles.get("group", ""), examples)
    method = _method(params, examples.inputs)
    share = _share_of(examples, info)
    cluster_of, done = np.zeros(int(units.max()) + 1, dtype=np.int64), 0
    waiting = [(np.arange(len(cluster_of)), params.identity)]
    while waiting:
        some, identity = waiting.pop()
        rows = np.flatnonzero(np.isin(units, some))
        parts = _joined(np.searchsorted(some, units[rows]), method(rows, identity))
        cluster_of[some] = done + parts
        done += int(parts.max()) + 1
        large = share(rows, parts[np.searchsorted(some, units[rows])]) > 1 / params.folds
        if identity + STEP <= MOST:
            cut = np.flatnonzero(large & (np.bincount(parts) > 1))
            waiting += [(some[parts == part], identity + STEP) for part in cut]
    return pd.factorize(cluster_of[units])[0].astype(np.int64)


def _share_of(examples: Examples, info: DatasetInfo) -> Callable[[Codes, Codes], NDArray[np.float64]]:
    """Return ``share(rows, parts)``: of all rows, or half that of the rows of a class, how many each part has."""
    import numpy as np

    targets = examples.targets
    classes = len(info.classes) if info.task_type.single_label and targets is not None else 0

    def share(rows: Codes, parts: Codes) -> NDArray[np.float64]:
        largest: NDArray[np.float64] = np.bincount(parts) / len(examples)
        if not classes:
            return largest
        assert targets is not None
        counts = np.bincount(parts * classes + targets[rows], minlength=len(largest) * classes).reshape(-1, classes)
        # a class of two rows has no share to keep
        whole = np.maximum(np.bincount(targets, minlength=classes), 5)
        by_class: NDArray[np.float64] = np.maximum(largest, (counts / whole).max(axis=1) / 2)
        return by_class

    return share


def _units(group_on: str, examples: Examples) -> Codes:
    """Return what is never parted: rows of one sequence, and of one group, numbered from 0."""
    import numpy as np
    import pandas as pd

    from harness.builtin._splits.columns import groups

    same = pd.factorize(np.asarray(examples.inputs, dtype=object))[0].astype(np.int64)
    if not group_on:
        return same
    together = groups(examples, group_on)
    return _joined(same, together)[same]


def _joined(units: Codes, clusters: Codes) -> Codes:
    """Join units that have rows in one cluster.

    Parameters
    ----------
    units, clusters : (m,) int64
        Of each row, numbers from 0; every unit has a row.

    Returns
    -------
    (units,) int64
        Numbers from 0 without a gap.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(units.max()) + 1
    size = n + int(clusters.max()) + 1
    edges = coo_array((np.ones(len(units)), (units, n + clusters)), shape=(size, size))
    labels = connected_components(edges, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _method(params: ClustersParams, sequences: Any) -> Cluster:
    """Return ``cluster(rows, identity)``, which gives each of some rows a cluster."""
    from harness_protein.homology import external

    if params.method == "minhash":
        return _by_minhash(params, sequences)
    program = external.mmseqs if params.method == "mmseqs" else external.cd_hit
    return lambda rows, identity: program([sequences[int(row)] for row in rows], identity)


def _by_minhash(params: ClustersParams, sequences: Any) -> Cluster:
    """Link sequences once, by the identity that their shared words tell; clusters are what hangs together.

    Rare words find pairs for which a sketch has too few hashes, a fragment of a long sequence say; sketches find those
    of families so large that no word of theirs is rare.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from harness_protein.homology.identity import pair_identities, rare_pairs
    from harness_protein.homology.kmers import Word, count, residues, sets, words
    from harness_protein.homology.minhash import candidates, sketches

    given, word = residues(sequences), Word("1" * params.k)
    rows, codes, _ = words(given, word)
    matrix = sets(count(given, word))
    hashed = candidates(sketches(rows, codes, len(given), params.hashes, params.seed), params.band)
    keys = np.unique(np.concatenate([hashed, rare_pairs(matrix, params.shared)]) @ np.array([len(given), 1]))
    pairs = np.column_stack(np.divmod(keys, max(len(given), 1)))
    alike = pair_identities(matrix, pairs[:, 0], pairs[:, 1], params.k, params.shared)
    pairs, alike = pairs[alike >= params.identity], alike[alike >= params.identity]

    def cluster(rows: Codes, identity: float) -> Codes:
        place = np.full(len(given), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        one, other = place[pairs[alike >= identity]].T
        inside = (one >= 0) & (other >= 0)
        one, other = one[inside], other[inside]
        edges = coo_array((np.ones(len(one)), (one, other)), shape=(len(rows), len(rows)))
        labels: Codes = connected_components(edges, directed=False)[1].astype(np.int64)
        return labels

    return cluster
