"""Which of an organization's limits and budgets a call is counted against, as the admission script takes them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from integration.budget_windows import Scope, counter, index, short, window_of
from integration.gateway.models import KeyRecord
from integration.gateway.organization import Budget, Organization, RateLimit

# Counters outlive their window, so that what was spent can be read afterwards, and late settlements find them.
_KEPT: Final = timedelta(days=40)
_NEVER_MS: Final = 253_370_764_800_000  # the year 9999


def metered(organization: Organization, key: KeyRecord, end_user: str | None, now: datetime) -> bytes:
    """The limits and budgets of a call as JSON; empty when there are none."""
    limits = [_limit(limit, name) for limit, name in _of(organization.limits, key, end_user)]
    budgets = [
        _budget(budget, name, window_of(budget.window, organization.time_zone, now))
        for budget, name in _of(organization.budgets, key, end_user)
        if budget.since is None or budget.since <= now
    ]
    return orjson.dumps({"limits": limits, "budgets": budgets}) if limits or budgets else b""


def _of[M: (Budget, RateLimit)](meters: tuple[M, ...], key: KeyRecord, end_user: str | None) -> Iterator[tuple[M, str]]:
    """Those that are for this call, with the names of whom they count."""
    whom = {
        Scope.ORGANIZATION: str(key.org_id),
        Scope.PROJECT: str(key.project_id),
        Scope.KEY: str(key.key_id),
        Scope.END_USER: end_user,
    }
    for meter in meters:
        subject = whom[meter.scope]
        if subject is not None and meter.subject in {None, subject}:
            yield meter, subject


def _limit(limit: RateLimit, subject: str) -> dict[str, Any]:
    rates = {
        "rpm": limit.requests_per_minute,
        "tpm": limit.tokens_per_minute,
        "tpd": limit.tokens_per_day,
        "concurrent": limit.concurrent_requests,
    }
    named = {"scope": limit.scope, "name": f":limit:{limit.id}:{short(limit.scope, subject)}"}
    return named | {name: rate for name, rate in rates.items() if rate is not None}


def _budget(budget: Budget, subject: str, window: tuple[str, datetime | None]) -> dict[str, Any]:
    starts, ends = window
    each = budget.subject is None and budget.scope is not Scope.ORGANIZATION
    return {
        "id": budget.id,
        "scope": budget.scope,
        "subject": subject,
        "name": counter(budget.id, budget.scope, subject, starts),
        "limit": str(budget.limit_pico),
        "hard": budget.hard,
        "alerts": budget.alerts,
        "window": budget.window,
        "starts": starts,
        "expires": _NEVER_MS if ends is None else int((ends + _KEPT).timestamp() * 1000),
    } | ({"index": index(budget.id, starts)} if each else {})
