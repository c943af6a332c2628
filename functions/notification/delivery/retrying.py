"""When a message that no provider took is tried again.

A provider that is down for an hour costs nobody a message: what is due waits with growing gaps, of ten minutes at most,
until it is worth nothing any more. Jitter keeps what failed together from coming back together.
Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=10),
)
"""How long each attempt waits after the one before; all later ones as long as the last."""
MOST_JITTER: Final = 0.2


def wait_after(attempts: int, *, jitter: float, retry_after: timedelta | None = None) -> timedelta:
    """How long to wait after so many attempts, one at least.

    Args:
        attempts: How many there were.
        jitter: Up to 1: the share of the largest jitter, a fifth of the wait.
        retry_after: What the provider asked for: it is not asked earlier.
    """
    wait = WAITS[min(attempts, len(WAITS)) - 1] * (1 + MOST_JITTER * jitter)
    return max(wait, retry_after) if retry_after is not None else wait
