"""What every area of analytics refuses, and cannot do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from llmo_core.errors import Invalid, Unavailable


class Gap(StrEnum):
    """Why an answer may lack some of the calls that it is about."""

    CALLS_EXPIRED = "calls_expired"
    GROUPS_FOLDED = "groups_folded"

    @property
    def detail(self) -> str:
        """What that means, for people."""
        return _GAPS[self]


_GAPS: Final[Mapping[Gap, str]] = {
    Gap.CALLS_EXPIRED: "This is answered from single calls, and those of the beginning of the range may be gone.",
    Gap.GROUPS_FOLDED: "Some small groups are kept as one, `(others)`: calls of theirs that the filters ask for are "
    "missing.",
}


class EmptyRange(Invalid):
    """`from` must lie before `to`."""


class RangeTooLong(Invalid):
    """At most 366 days are looked at."""


class TooManyGroups(Invalid):
    """The answer would have too many rows. Ask for a shorter range, fewer dimensions, or one project."""


class StoreUnavailable(Unavailable):
    """What is tracked cannot be read or written at the moment."""


class TooSlow(Unavailable):
    """The answer took too long. A shorter range is faster."""
