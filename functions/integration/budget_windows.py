"""Whom limits and budgets are for, and in which windows and under which names budgets are counted in Redis.

The gateway counts, and the management API reads what it counted. The gateway starts with it: no pydantic in here.
"""

import hashlib
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from typing import Final


class Scope(StrEnum):
    """What a limit or a budget is for."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    KEY = "key"
    END_USER = "end_user"


class Window(StrEnum):
    """What a budget is for: a day, a week from Monday on, or a month, in the organization's time zone; or all time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


_DAYS: Final = {Window.DAY: 1, Window.WEEK: 7}


def window_of(window: Window, time_zone: str, now: datetime) -> tuple[str, datetime | None]:
    """The name of the window that a moment is in (the date of its first day), and when it ends; None for all time."""
    if window is Window.TOTAL:
        return "total", None
    zone = _zone(time_zone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if window is Window.MONTH:
        starts = midnight.replace(day=1)
        ends = (starts + timedelta(days=32)).replace(day=1)
    else:
        starts = midnight - timedelta(days=midnight.weekday() if window is Window.WEEK else 0)
        ends = starts + timedelta(days=_DAYS[window])
    return f"{starts:%Y-%m-%d}", ends.replace(tzinfo=zone)


def counter(budget_id: str, scope: Scope, subject: str, starts: str) -> str:
    """What the hash is called, behind `{org_ref}`, that has `spent` and `held` of a subject in a window."""
    return f":budget:{budget_id}:{short(scope, subject)}:{starts}"


def index(budget_id: str, starts: str) -> str:
    """What the sorted set is called, behind `{org_ref}`, that has a budget's subjects in a window by what they spent.

    Only budgets have one that count each subject by itself.
    """
    return f":budget:{budget_id}:{starts}:subjects"


def short(scope: Scope, subject: str) -> str:
    """What a subject is called in names of keys: end users are called whatever a caller likes."""
    return hashlib.blake2b(subject.encode(), digest_size=12).hexdigest() if scope is Scope.END_USER else subject


@cache
def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most organizations' days are UTC's

    return ZoneInfo(name)
