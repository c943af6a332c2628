"""A table as CSV."""

import csv
from collections.abc import Sequence
from io import StringIO

from llmo_core.csv_cells import cell
from llmo_documents.tables import Column, Row


class CsvFile:
    """RFC 4180 in UTF-8, with a header. No text can be taken for a formula by a spreadsheet; numbers are plain."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._text = StringIO()
        self._writer = csv.writer(self._text)
        self._writer.writerow([cell(column.name) for column in columns])

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows."""
        self._writer.writerows([cell(value) for value in row] for row in rows)

    def finished(self) -> bytes:
        """The whole file."""
        return self._text.getvalue().encode()
