"""What billing has told of an organization, as limits and budgets that the admission script counts like all others.

Budgets of billing are known by their ids: the prepaid one's has the moment in it at which prepaid began, so that its
counter begins there too.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from integration.budget_windows import Scope, Window
from integration.standings import Standing

SPEND_CAP: Final = "spend_cap"
PREPAID: Final = "prepaid"
RESTRICTED: Final = "restricted"
_ALERTS: Final = [50, 80, 95, 100]

type Row = dict[str, Any]


def terms_of(row: Mapping[str, Any], restricted_rpm: int) -> Row:
    """The standing of a row of `integration.billing_terms`, with the budgets and limits that follow from it."""
    budgets: list[Row] = []
    if row["spend_cap_usd"] is not None:
        budgets.append(_budget(SPEND_CAP, Window.MONTH, row["spend_cap_usd"]))
    if row["prepaid_limit_usd"] is not None:
        since: datetime = row["prepaid_since"]
        since_ms = round(since.timestamp() * 1000)
        prepaid = _budget(f"{PREPAID}@{since_ms}", Window.TOTAL, row["prepaid_limit_usd"])
        budgets.append({**prepaid, "since_ms": since_ms})
    standing = Standing(row["standing"])
    limits = [_limit(restricted_rpm)] if standing is Standing.RESTRICTED else []
    return {"standing": standing, "budgets": budgets, "limits": limits}


def kind_of(budget_id: str) -> str:
    """What kind of a budget of billing's it is, by its id."""
    return budget_id.partition("@")[0]


def _budget(budget_id: str, window: Window, limit: Decimal) -> Row:
    whom = {"id": budget_id, "scope": Scope.ORGANIZATION, "subject": None, "window": window}
    return {**whom, "limit_usd": str(limit), "hard": True, "alerts": _ALERTS}


def _limit(requests_per_minute: int) -> Row:
    rates = dict.fromkeys(("tokens_per_minute", "tokens_per_day", "concurrent_requests"))
    whom = {"id": RESTRICTED, "scope": Scope.ORGANIZATION, "subject": None}
    return {**whom, "requests_per_minute": requests_per_minute, **rates}
