"""Files of exports, as the layer of documents writes them. Only the worker imports this."""

from collections.abc import Mapping
from typing import Final

from analytics.exports.columns import SOURCES
from analytics.exports.models import Format, Order
from llmo_documents.csv_file import CsvFile
from llmo_documents.ndjson_file import NdjsonFile
from llmo_documents.parquet_file import ParquetFile
from llmo_documents.tables import Column, Kind, TableFile

_FILES: Final[Mapping[Format, type[CsvFile | NdjsonFile | ParquetFile]]] = {
    Format.CSV: CsvFile,
    Format.NDJSON: NdjsonFile,
    Format.PARQUET: ParquetFile,
}


def table_file(order: Order) -> TableFile:
    """A new file for what is ordered."""
    return _FILES[order.format]([Column(name, Kind(kind)) for name, kind in SOURCES[order.what].columns])
