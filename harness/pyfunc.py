"""What ``mlflow.pyfunc.load_model`` loads of a registered run; MLflow finds this module by its name."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness.packing import PACK, predict_packed

if TYPE_CHECKING:
    import pandas as pd


class PackedModel:
    """A packed run that predicts.

    Parameters
    ----------
    folder : Path
        As `harness.packing.pack_run` wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def predict(self, model_input: Any, params: Any = None) -> pd.DataFrame:
        """Predict new rows.

        Parameters
        ----------
        model_input : DataFrame, str or Path
            Rows in the layout of the competition's test file; or where they lie, for data that is not a table.

        Returns
        -------
        DataFrame
            One row for each, in the columns that ``harness predict`` writes.

        Raises
        ------
        HarnessError
            If the rows do not fit.
        """
        import pandas as pd

        del params
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "predicted.csv"
            if isinstance(model_input, str | Path):
                source = Path(model_input)
            elif isinstance(model_input, pd.DataFrame):
                source = Path(folder) / "rows.csv"
                model_input.to_csv(source, index=False)
            else:
                raise DataError(f"expected a table or a path, found {type(model_input).__name__}")
            predict_packed(self.folder, source, output)
            return pd.read_csv(output)


def _load_pyfunc(path: str) -> PackedModel:
    folder = Path(path)
    if not (folder / PACK).is_file():
        raise DataError(f"{folder}: no {PACK} in it; it is not a packed run")
    return PackedModel(folder)
