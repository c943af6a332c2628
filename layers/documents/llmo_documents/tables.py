"""Tables: typed columns, and rows that arrive in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from llmo_core.csv_cells import CellValue

type Row = Sequence[CellValue]
"""A row's cells, in the order of the columns. None where there is no value."""


class Kind(StrEnum):
    """What a column holds.

    DECIMAL has at most 26 digits before the point and 12 after it, INTEGER 64 bits, MOMENT is a datetime with a time
    zone.
    """

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    NUMBER = "number"
    MOMENT = "moment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, and what its cells are."""

    name: str
    kind: Kind


class TableFile(Protocol):
    """A file of one table. What is added is kept encoded, not as Python objects."""

    @property
    def size(self) -> int:
        """How many bytes of memory it takes; the finished file has no more, but for a header and a footer."""
        ...

    def add(self, rows: Sequence[Row]) -> None:
        """Append rows. Raises ValueError for a value that its column cannot hold exactly."""
        ...

    def finished(self) -> bytes:
        """The whole file; nothing can be added any more. One without rows is a file all the same."""
        ...
