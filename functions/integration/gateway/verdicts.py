"""What the admission script answers, in the gateway's own words."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID

from integration.budget_windows import Scope, Window, window_of
from integration.gateway import billing_terms
from integration.gateway.call import Call
from integration.gateway.errors import (
    AddressNotAllowed,
    CacheMiss,
    ExpiredApiKey,
    InvalidApiKey,
    ModelNotAllowed,
    RevokedApiKey,
)
from integration.gateway.limit_errors import (
    BudgetExceeded,
    BudgetReserved,
    CallTooLarge,
    LimitKind,
    PrepaidCreditUsedUp,
    RateLimited,
    SpendCapReached,
    TooManyAtOnce,
)
from integration.gateway.models import Admission, Health, KeyRecord, Limit
from integration.gateway.organization import Organization
from integration.gateway.store import decode_answer
from integration.standings import Standing

_LONGEST_RETRY_SECONDS: Final = 31 * 86_400.0
_PLAIN: Final = 5  # of a call whose bucket is not asked for
_UTC: Final = "UTC"
_OWN_MONTH: Final = re.compile(rb"\d{4}-\d\d")  # of the monthly budget that a key, its project or organization has
_ADMITTED: Final = frozenset({b"admitted", b"hit", b"follow"})
_RESTRICTED: Final = (
    "The service of your organization is restricted because an invoice is overdue: pay it (see "
    "GET /api/v1/billing/invoices), and the limit is gone. "
)
_OF_BILLING: Final[dict[str, str]] = {
    billing_terms.SPEND_CAP: "the spend cap of your organization",
    billing_terms.PREPAID: "the prepaid credit of your organization",
}
_INVALID: Final = {b"network": AddressNotAllowed, b"expired": ExpiredApiKey, b"revoked": RevokedApiKey}


def owner_of(record: dict[str, Any]) -> KeyRecord:
    """Whose a key is, as its admission record says."""
    return KeyRecord(UUID(record["key_id"]), UUID(record["org_id"]), UUID(record["project_id"]))


def admits(answer: list[Any]) -> bool:
    """Whether a call is admitted, or answered by the cache, or by an equal call that is under way."""
    return answer[0] in _ADMITTED


def admission_of(answer: list[Any], owner: KeyRecord, targets: Sequence[str]) -> Admission:
    """What the admission script's answer means that admits a call of this key."""
    verdict = answer[0]
    return Admission(
        key=owner,
        requests=_limit(answer[2]),
        tokens=_limit(answer[3]),
        cached=decode_answer(answer[4]) if verdict == b"hit" else None,
        match=answer[5].decode() if verdict == b"hit" else "",
        following=verdict == b"follow",
        health=dict(zip(targets, map(_health, answer[4]), strict=True)) if verdict == b"admitted" else {},
        bucket=answer[5] if verdict == b"admitted" and len(answer) > _PLAIN else b"",
    )


def refuse(answer: list[Any], call: Call, organization: Organization, now: datetime) -> NoReturn:
    """Raise what the script's answer means that refuses a call: the refusals that Admissions.admit names."""
    verdict = answer[0]
    match verdict:
        case b"uncached":
            raise CacheMiss
        case b"requests" | b"tokens" | b"tokens_day":
            kind, scope = LimitKind(verdict.decode()), answer[3].decode()
            requested = 1 if kind is LimitKind.REQUESTS else call.tokens_estimate
            if answer[2] < 0:
                raise CallTooLarge(kind, limit=answer[1], requested=requested)
            wait = answer[2] / 1000
            restricted = organization.standing is Standing.RESTRICTED and kind is LimitKind.REQUESTS
            raise RateLimited(
                kind,
                limit=answer[1],
                retry_after_seconds=wait,
                requested=requested,
                scope=scope,
                why=_RESTRICTED if restricted and scope == Scope.ORGANIZATION else "",
            )
        case b"concurrent":
            raise TooManyAtOnce(answer[2].decode(), limit=answer[1])
        case b"budget" if answer[2] == b"held":
            raise BudgetReserved(
                answer[1].decode(), answer[3].decode(), which=_OF_BILLING.get(billing_terms.kind_of(answer[5].decode()))
            )
        case b"budget":
            zone = _UTC if _OWN_MONTH.fullmatch(answer[4]) else organization.time_zone
            _refuse_spending(answer, _seconds_left(answer[3], zone, now))
        case b"model":
            raise ModelNotAllowed(call.model)
        case _:
            raise _INVALID.get(verdict, InvalidApiKey)


def _refuse_spending(answer: list[Any], wait: float) -> NoReturn:
    match billing_terms.kind_of(answer[5].decode()):
        case billing_terms.SPEND_CAP:
            raise SpendCapReached(retry_after_seconds=wait)
        case billing_terms.PREPAID:
            raise PrepaidCreditUsedUp(retry_after_seconds=wait)
        case _:
            raise BudgetExceeded(answer[1].decode(), answer[3].decode(), retry_after_seconds=wait)


def _limit(text: bytes) -> Limit | None:
    return Limit(*map(int, text.split())) if text else None


def _health(text: bytes) -> Health:
    open_until, failures, latency, busy = text.split()
    return Health(int(open_until), int(failures), None if latency == b"-" else float(latency), int(busy))


def _seconds_left(window: bytes, time_zone: str, now: datetime) -> float:
    """How long a window goes on."""
    _, ends = window_of(Window(window.decode()), time_zone, now)
    return _LONGEST_RETRY_SECONDS if ends is None else (ends - now).total_seconds()
