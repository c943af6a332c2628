"""When an event happened by our clock, which its sender's may differ from."""

from datetime import datetime, timedelta
from typing import Final

from analytics.tracking.models import InTheFuture, TooLate

LATEST: Final = timedelta(days=7)
FURTHEST_AHEAD: Final = timedelta(hours=1)
TOLERATED: Final = timedelta(seconds=5)
"""Such a difference may be the way's, and is left."""

_MILLISECOND: Final = timedelta(milliseconds=1)


def happened_at(timestamp: datetime | None, sent_at: datetime | None, *, received_at: datetime) -> tuple[datetime, int]:
    """When it happened, to the millisecond, and how many milliseconds were added to the sender's clock.

    Raises TooLate, InTheFuture: after the correction.
    """
    if timestamp is None:
        return _to_the_millisecond(received_at), 0
    skew = received_at - sent_at if sent_at is not None else timedelta(0)
    if abs(skew) <= TOLERATED:
        skew = timedelta(0)
    # The age by the sender's own clock: adding the skew to the timestamp may leave what a datetime holds.
    age = received_at - timestamp - skew
    if age > LATEST:
        raise TooLate
    if -age > FURTHEST_AHEAD:
        raise InTheFuture
    return _to_the_millisecond(received_at - age), skew // _MILLISECOND


def _to_the_millisecond(moment: datetime) -> datetime:
    """As MongoDB keeps it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
