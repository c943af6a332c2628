"""The kinds of fields that bodies of every service share."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

_DATED = re.compile(r"\d{4}-")
_LAST_YEAR = 9998  # west of Greenwich the last hours of 9999 lie in a year that no datetime holds, as east in year 1


def _written_out(given: object) -> object:
    """Numbers are no moments: pydantic would take them for seconds since 1970, which no document says."""
    if isinstance(given, int | float) or (isinstance(given, str) and not _DATED.match(given)):
        raise ValueError("write it as RFC 3339 has it, such as 2026-11-27T12:00:00Z")
    return given


def _storable(moment: datetime) -> datetime:
    if not 1 < moment.year <= _LAST_YEAR:
        raise ValueError(f"the year must be {_LAST_YEAR} at most, and 2 at least")
    return moment.astimezone(UTC)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether IANA's database has a time zone of this very name; `zoneinfo` takes others on some systems."""
    return name in _time_zones()


def _known_zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError("there is no time zone of this name in IANA's database")
    return name


# PostgreSQL's text holds no NUL, and no name needs a control character.
type Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]

# A boolean and nothing that pydantic takes for one: neither "yes" nor 1.
type Flag = Annotated[bool, Field(strict=True)]

type Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_storable)]
"""A moment that JSON, Python and PostgreSQL all hold, in UTC."""

type TimeZone = Annotated[str, AfterValidator(_known_zone), Field(examples=["Europe/Berlin"])]
"""A name in IANA's database."""

type Budget = Annotated[Decimal, Field(ge=0, le=9_000_000, max_digits=19, decimal_places=12)]
"""Dollars of which Redis counts every pico-dollar in 64 bits."""
