"""A table as JSON, one object on each line (https://github.com/ndjson/ndjson-spec)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import orjson

from llmo_core.clock import rfc3339
from llmo_core.csv_cells import CellValue
from llmo_core.money import decimal_text
from llmo_documents.tables import Column, Row


class NdjsonFile:
    """UTF-8. Decimals are text, exactly and in plain digits; moments are RFC 3339 in UTC; None is null."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._lines = bytearray()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self._lines)

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows."""
        for row in rows:
            named = {name: _value(value) for name, value in zip(self._names, row, strict=True)}
            self._lines += orjson.dumps(named, option=orjson.OPT_APPEND_NEWLINE)

    def finished(self) -> bytes:
        """The whole file."""
        return bytes(self._lines)


def _value(value: CellValue) -> CellValue:
    if isinstance(value, Decimal):
        return decimal_text(value)
    return rfc3339(value) if isinstance(value, datetime) else value
