"""The trace that the running task belongs to, as W3C's `traceparent`.

Source: https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from contextvars import ContextVar

_PATTERN = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def parse_traceparent(text: str) -> str | None:
    """The text when it is a valid `traceparent`, else None: an invalid one is passed on to nobody."""
    return text if _PATTERN.fullmatch(text) else None


def current_traceparent() -> str | None:
    """The running task's trace; None when it belongs to none."""
    return _current.get()


def enter_trace(traceparent: str | None) -> None:
    """Make this the running task's trace, until the task ends or enters another one."""
    _current.set(traceparent)
