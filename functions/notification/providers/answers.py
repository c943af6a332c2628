"""What providers' answers over HTTP mean for a message."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from notification.delivery.ports import Failed, Outcome, Outgoing, Refused

LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
"""Of a provider that wants to be left alone for longer it is asked again nevertheless."""
_LONGEST_REASON: Final = 300
_OURS: Final = frozenset({401, 402, 403})
_AGAIN: Final = frozenset({408, 429})
_SERVER_ERROR: Final = 500
_OF_ONE_BETWEEN: Final = frozenset({502, 504})
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]+")


def outcome_of(status: int, reason: str, *, retry_after: timedelta | None = None) -> Refused | Failed:
    """What an answer that is no success means, by its status (RFC 9110, section 15).

    401, 402 and 403 are about our account; 408, 429 and 5xx may be none the next time. Behind a 502 or 504 is a server
    that may have done what it was asked to, and was not heard. Everything else is about the message, and will not
    change.
    """
    said = said_by(f"HTTP {status}: {reason}" if reason else f"HTTP {status}")
    if status in _OURS:
        return Failed(said, retry_after=retry_after, ours=True)
    if status in _AGAIN or status >= _SERVER_ERROR:
        return Failed(said, retry_after=retry_after, unknown=status in _OF_ONE_BETWEEN)
    return Refused(said)


def not_reached(error: object) -> Failed:
    """Nothing arrived: the provider could not be reached, or not told everything."""
    return Failed(f"The provider cannot be reached: {type(error).__name__}.")


def not_heard(error: object) -> Failed:
    """Everything was written, and no answer came: the provider may have taken it."""
    return Failed(f"The provider did not answer: {type(error).__name__}.", unknown=True)


def to_each(messages: Sequence[Outgoing], outcome: Outcome) -> list[Outcome]:
    """The same for all messages of one call."""
    return [outcome] * len(messages)


def said_by(text: str) -> str:
    """What a provider said, as it may be kept: on one line, not without end."""
    return _UNPRINTABLE.sub(" ", text).strip()[:_LONGEST_REASON]


def retry_after_of(header: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` as RFC 9110 (10.2.3) has it, an hour at most; None for what is none."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:8])), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return until(moment if moment.tzinfo else moment.replace(tzinfo=UTC), now)


def until(moment: datetime, now: datetime) -> timedelta:
    """How long it is until then, an hour at most."""
    return min(max(moment - now, timedelta()), LONGEST_RETRY_AFTER)
