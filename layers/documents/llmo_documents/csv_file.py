"""A table as CSV."""

import csv
from collections.abc import Sequence
from io import StringIO

from llmo_core.csv_cells import cell
from llmo_documents.tables import Column, Row


class CsvFile:
    """RFC 4180 in UTF-8, with a header. No text can be taken for a formula by a spreadsheet; numbers are plain."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._content = bytearray()
        self.add([[column.name for column in columns]])

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self._content)

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows."""
        text = StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in rows)
        self._content += text.getvalue().encode()

    def finished(self) -> bytes:
        """The whole file."""
        return bytes(self._content)
