"""Parquet files, read in batches. Values are made clean while they are still columns, which is fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import SourceError
from .base import why
from .reader import Type

BATCH_ROWS = 8192


class Parquet:
    """A table with typed columns. NaN counts as an empty cell; infinite numbers are refused.

    Raises
    ------
    SourceError
        If the file is not a readable Parquet file.
    """

    unit = "row"
    strings = False

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        try:
            with path.open("rb") as file:
                if not file.read(1):
                    raise SourceError(f"{path}: the file is empty")
            with pq.ParquetFile(path) as opened:
                schema = opened.schema_arrow
                self.length: int | None = opened.metadata.num_rows
        except OSError as error:
            raise self._error(error) from error
        except pa.ArrowException as error:
            raise self._unreadable(error) from error
        twice = next((name for name in schema.names if schema.names.count(name) > 1), None)
        if twice is not None:
            raise SourceError(f"{path}: the column {twice!r} is there twice")
        self.types: dict[str, Type] | None = {field.name: _type(field.type) for field in schema}
        self.columns: list[str] | None = list(schema.names)
        self.whole = {field.name for field in schema if pa.types.is_integer(field.type)}

    def rows(self, columns: list[str] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row and its 0-based number."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        assert self.types is not None
        wanted = [name for name in columns or self.types if self.types.get(name, "other") != "other"]
        start = 0
        try:
            # pre-buffering would hold whole row groups in memory, and some writers make only one
            with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=2**20) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
                    clean = [self._clean(batch.column(name), name, start).to_pylist() for name in wanted]
                    for row, cells in enumerate(zip(*clean, strict=True), start):
                        yield row, dict(zip(wanted, cells, strict=True))
                    start += batch.num_rows
        except OSError as error:
            raise self._error(error) from error
        except pa.ArrowException as error:
            raise self._unreadable(error) from error

    def _clean(self, column: Any, name: str, start: int) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.dictionary_decode()
            kind = column.type
        if pa.types.is_decimal(kind):
            return column.cast(pa.float64())
        if pa.types.is_floating(kind):
            if pa.types.is_float16(kind):
                column = column.cast(pa.float32())
            infinite = pc.index(pc.is_inf(column), True).as_py()
            if infinite >= 0:
                raise SourceError(
                    f"{self.path} row {start + infinite}: the number in column {name!r} is infinite"
                )
            if pc.any(pc.is_nan(column)).as_py():
                column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
            return column
        if pa.types.is_temporal(kind):
            return column.cast(pa.string())
        return column

    def _error(self, error: OSError) -> SourceError:
        return SourceError(f"{self.path}: {why(error)}") if error.errno else self._unreadable(error)

    def _unreadable(self, error: Exception) -> SourceError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return SourceError(f"{self.path}: not a readable Parquet file: {reason}")


def _type(kind: Any) -> Type:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    ):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_temporal(kind):
        return "string"
    return "other"
