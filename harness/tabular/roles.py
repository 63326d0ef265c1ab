"""What a table's columns are for."""

from __future__ import annotations

from typing import Protocol


class Roles(Protocol):
    """Declared by a data source's parameters; empty where a table has no such column.

    Attributes
    ----------
    target : str
        Column to predict.
    id : str
        Column that names a row, kept as text.
    categorical : tuple of str
        Columns of numeric codes that are categories; text always is.
    meta, drop : tuple of str
        Columns that are no inputs: kept beside them, or left out.
    missing : tuple of str
        Texts that mean a missing value, besides the usual ones.
    separator : str
        Between the values of a CSV.
    encoding : str
        Of a CSV; empty: UTF-8.
    """

    @property
    def target(self) -> str: ...  # noqa: D102
    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def categorical(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def meta(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def drop(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def missing(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def separator(self) -> str: ...  # noqa: D102
    @property
    def encoding(self) -> str: ...  # noqa: D102
