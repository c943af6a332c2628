"""What came of sending a message to a webhook. Nothing that the receiver said is in it but its status."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_GONE: Final = 410
_BUSY: Final = frozenset((429, 503))
LONGEST_RETRY_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt.

    Attributes:
        status: Of HTTP; None when there was no answer.
        error: What is wrong, in our own words; None for a success.
        retry_after: How long the receiver, being busy, wants to be left alone.
        slow: Whether it was waited for in vain: nobody connected, or nobody answered in time.
    """

    status: int | None
    error: str | None
    retry_after: timedelta | None = None
    slow: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the receiver took the message."""
        return self.error is None

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more messages, ever (RFC 9110, section 15.5.11)."""
        return self.status == _GONE

    @property
    def strained(self) -> bool:
        """Whether the receiver is better left alone for a while."""
        return self.slow or self.gone or self.status in _BUSY


UNSENT: Final = Answer(None, "The message cannot be sent.")
"""Something went wrong that nobody thought of; the log has the trace."""


def answered(status: int, retry_after: str | None, *, now: datetime) -> Answer:
    """What an answer means, by its status and its `Retry-After`."""
    kind = status // 100
    if kind == 2:  # noqa: PLR2004 - of HTTP
        return Answer(status, None)
    if kind == 3:  # noqa: PLR2004 - of HTTP
        error = f"The receiver redirects (HTTP {status}), which is not followed: give the final URL."
    elif status == _GONE:
        error = "The receiver wants no more messages (HTTP 410)."
    else:
        error = f"The receiver does not take the message (HTTP {status})."
    wanted = _wait(retry_after, now) if retry_after is not None and status in _BUSY else None
    return Answer(status, error, wanted)


def _wait(retry_after: str, now: datetime) -> timedelta | None:
    """`Retry-After` as RFC 9110 (10.2.3) has it, a day at most; None for what is none."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:10])
        return min(timedelta(seconds=seconds), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter: a year, or an offset, beyond what a number of C holds
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), LONGEST_RETRY_AFTER)
