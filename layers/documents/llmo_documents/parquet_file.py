"""A table as Apache Parquet (https://parquet.apache.org/docs/file-format/), compressed with Zstandard."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from io import BytesIO
from typing import Any

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from llmo_core.csv_cells import CellValue
from llmo_documents.tables import Column, Kind, Row

_PRECISION, _SCALE = 38, 12
_EXACT = Context(prec=_PRECISION, traps=[Inexact, InvalidOperation])
_UNIT = Decimal(1).scaleb(-_SCALE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_TYPES: Mapping[Kind, DataType] = {
    Kind.TEXT: DataType.utf8(),
    Kind.INTEGER: DataType.int64(),
    Kind.DECIMAL: DataType.decimal128(_PRECISION, _SCALE),
    Kind.NUMBER: DataType.float64(),
    Kind.MOMENT: DataType.timestamp("us", tz="UTC"),
    Kind.FLAG: DataType.bool(),
}


class ParquetFile:
    """DECIMAL(38, 12), TIMESTAMP in microseconds of UTC, INT64, DOUBLE, BOOLEAN and strings; a row group a batch."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = Schema([Field(column.name, _TYPES[column.kind], nullable=True) for column in columns])
        self._batches: list[RecordBatch] = []

    @property
    def size(self) -> int:
        """How many bytes it has in memory, before it is compressed."""
        return sum(batch.nbytes for batch in self._batches)

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows. Raises ValueError for a value that its column cannot hold exactly."""
        if not rows:
            return
        arrays = [
            _array(column.kind, values) for column, values in zip(self._columns, zip(*rows, strict=True), strict=True)
        ]
        self._batches.append(RecordBatch.from_arrays(arrays, schema=self._schema))

    def finished(self) -> bytes:
        """The whole file."""
        file = BytesIO()
        write_parquet(RecordBatchReader.from_batches(self._schema, self._batches), file, compression="zstd(3)")
        return file.getvalue()


def _array(kind: Kind, values: Sequence[CellValue]) -> Array:
    """Decimals go in as text and moments as integers: Arrow's own casts take it from there, without rounding."""
    told = _TOLD.get(kind)
    if told is None:
        return Array(list(values), _TYPES[kind])
    given_as, tell = told
    given = [None if value is None else tell(value) for value in values]
    return Array(given, given_as).cast(_TYPES[kind])


def _decimal(value: Decimal) -> str:
    if value.is_nan():
        raise ValueError("a decimal is no number")
    try:
        return f"{value.quantize(_UNIT, context=_EXACT):f}"
    except (Inexact, InvalidOperation) as error:
        raise ValueError("a decimal has more digits than its column") from error


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


_TOLD: Mapping[Kind, tuple[DataType, Callable[[Any], object]]] = {
    Kind.DECIMAL: (DataType.utf8(), _decimal),
    Kind.MOMENT: (DataType.int64(), _microseconds),
}
