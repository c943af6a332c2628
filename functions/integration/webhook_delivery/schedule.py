"""When a message that was not taken is sent again.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Retries" (its
recommended schedule, with random jitter).
"""

from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long each attempt waits for after the one before."""
MOST_ATTEMPTS: Final = len(WAITS)
MOST_JITTER: Final = 0.1
DISABLED_AFTER: Final = timedelta(days=5)
"""How long a webhook may fail without one success while something waits for it all the time."""


def wait_after(attempts: int, *, jitter: float, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after so many attempts; None when that was the last one.

    Args:
        attempts: One at least.
        jitter: Up to 1: the share of the largest jitter, a tenth of the wait.
        retry_after: What the receiver asked for: it is not asked earlier.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = WAITS[attempts] * (1 + MOST_JITTER * jitter)
    return max(wait, retry_after) if retry_after is not None else wait
