"""Editions of the price tables: what they are called, which content they have, and the packaged one.

The gateway imports it too: nothing of pydantic in here. A table is what `integration.price_tables.conversion` makes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

SHAPE: Final = 1
"""Of tables, and another one whenever they look otherwise: stored editions of another shape are not read."""

_PACKAGED: Final = Path(__file__).with_name("gateway") / "prices"
_EDITION: Final = "edition.json"
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class EditionName:
    """What an edition is called, and as of when its prices are the providers'."""

    version: str
    dated: datetime


@dataclass(frozen=True, slots=True)
class StoredEdition:
    """An edition with its tables as JSON, by provider."""

    name: EditionName
    tables: Mapping[str, bytes]

    @property
    def is_whole(self) -> bool:
        """Whether these are the tables that it was named after, all of them and unchanged."""
        return self.name.version.endswith(" " + digest(self.tables))


@cache
def packaged() -> EditionName:
    """The edition that this deployment came with, dated as the package that it was made from."""
    known = orjson.loads((_PACKAGED / _EDITION).read_bytes())
    return EditionName(known["version"], datetime.fromisoformat(known["date"]).replace(tzinfo=UTC))


def packaged_table(provider: str) -> bytes | None:
    """A provider's table in the packaged edition; None where there is none."""
    file = _PACKAGED / f"{provider}.json"
    return file.read_bytes() if file.exists() else None


def packaged_tables() -> dict[str, bytes]:
    """Every table of the packaged edition, in its canonical form."""
    files = (file for file in sorted(_PACKAGED.glob("*.json")) if file.name != _EDITION)
    return {file.stem: canonical(orjson.loads(file.read_bytes())) for file in files}


def canonical(table: Any) -> bytes:  # noqa: ANN401 - JSON
    """A table as the one text that it is stored and compared as."""
    return orjson.dumps(table, option=orjson.OPT_SORT_KEYS)


def digest(tables: Mapping[str, bytes]) -> str:
    """Names the content of canonical tables: the same prices have the same digest."""
    content = hashlib.sha256()
    for provider in sorted(tables):
        content.update(b"%d %b " % (len(tables[provider]), provider.encode()))
        content.update(tables[provider])
    return content.hexdigest()[:_DIGITS]


def stored(dated: datetime, tables: Mapping[str, bytes]) -> StoredEdition:
    """The edition of tables that were fetched at a moment."""
    return StoredEdition(EditionName(f"genai-prices {dated:%Y-%m-%dT%H:%M:%SZ} {digest(tables)}", dated), tables)


def in_force(known: EditionName | None) -> bool:
    """Whether a stored edition goes before the packaged one: when it is newer."""
    return known is not None and known.dated > packaged().dated
