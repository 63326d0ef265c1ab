"""Fitted scikit-learn objects to files and back, without unpickling anything.

The files are those of skops (https://skops.readthedocs.io/en/stable/persistence.html): a zip of JSON and ``.npy``. What
may be in one is decided here and by the calling code, never by the file.

That no code runs says nothing about the content: scikit-learn follows the indices of a stored tree unchecked, so a
crafted file can still crash the process that predicts with it. Open runs of people you trust.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import StoreError, listed
from harness.files import atomic_write

TRUSTED = (
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)
"""What fitted scikit-learn estimators hold beyond the types that skops trusts by itself.

A partial is harmless because skops audits the function inside it against this same list.
"""


def save_sklearn(obj: Any, path: Path) -> None:
    """Write a fitted scikit-learn compatible object, complete or not at all.

    Two files of equal objects may differ in bytes (skops numbers objects by address); what they predict does not.

    Parameters
    ----------
    obj : object
        Estimator, transformer or pipeline; of types that skops can describe.
    path : Path

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    import skops.io

    data = skops.io.dumps(obj, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    with atomic_write(path) as file:
        file.write(data)


def load_sklearn(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read what `save_sklearn` wrote; nothing is unpickled.

    Parameters
    ----------
    path : Path
    trusted : sequence of str
        Further types that the calling code knows to be in its own files, by full name. Give constants, never what a
        file asks for.

    Raises
    ------
    StoreError
        If the file is missing, damaged, of another format (a pickle, say), or holds a type that is not allowed.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    if not path.is_file():
        raise StoreError(f"{path}: no such model file; train the run again")
    allowed = [*TRUSTED, *trusted]
    try:
        return skops.io.load(path, trusted=allowed)
    except UntrustedTypesFoundException:
        strange = set(skops.io.get_untrusted_types(file=path)) - set(allowed)
        raise StoreError(
            f"{path}: holds types that are not allowed: {listed(sorted(strange))}; load only files of your own runs, or"
            " let the model's code name them as trusted"
        ) from None
    except zipfile.BadZipFile:
        raise StoreError(
            f"{path}: not a skops file (pickles are never loaded), or cut short; train the run again"
        ) from None
    except Exception as error:  # a damaged or hostile file can break any part of the reader; the cause is chained
        raise StoreError(f"{path}: cannot be read ({type(error).__name__}: {error}); train the run again") from error
