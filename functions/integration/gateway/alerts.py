"""Alerts of budgets: journaled by the script whose change of a counter crossed a threshold, hence once."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from integration.gateway.events import BudgetThresholdReached
from llmo_core.money import dollars_text
from llmo_messaging.envelope import Envelope

_NAMESPACE: Final = UUID("6f2c0d52-6a5b-4e0e-9c55-6b1d4b6f8f0e")


def alert_in_envelope(text: bytes) -> Envelope:
    """The event that a script's alert stands for; however often it is read, its id is the same.

    Raises ValueError, KeyError or TypeError for text that is none.
    """
    alert: dict[str, Any] = orjson.loads(text)
    moment = datetime.fromtimestamp(int(alert["at"]) / 1000, UTC)
    event = BudgetThresholdReached(
        budget_id=alert["id"],
        scope=alert["scope"],
        subject=alert["subject"],
        window=alert["window"],
        window_starts=alert["starts"],
        percent=int(alert["percent"]),
        spent_usd=dollars_text(int(alert["spent"])),
        limit_usd=dollars_text(int(alert["limit"])),
        hard=alert["hard"],
    )
    name = f"{event.budget_id} {event.subject} {event.window_starts} {event.percent}"
    return Envelope.of(event, event_id=uuid5(_NAMESPACE, name), org_id=UUID(alert["org_id"]), time=moment)
