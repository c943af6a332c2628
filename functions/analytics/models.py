"""What every area of analytics refuses, and cannot do."""

from llmo_core.errors import Invalid, Unavailable


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
