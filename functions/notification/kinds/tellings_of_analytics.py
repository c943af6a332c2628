"""What events of analytics have somebody be told."""

from collections.abc import Mapping, Sequence
from typing import Final

from llmo_auth.principal import Permission
from notification.kinds.models import Address, Audience
from notification.kinds.telling import Data, Telling, same, who_may

_REPORT: Final = {"report_name": "name"} | same("report_id")


def _recipients(data: Data) -> Audience:
    addresses = tuple(Address(email=email) for email in data.get("addresses", ()))
    return Audience(user_ids=tuple(data["user_ids"]), addresses=addresses)


OF_ANALYTICS: Final[Mapping[str, Sequence[Telling]]] = {
    "llmo.analytics.anomaly.detected": [
        Telling(
            "anomaly_detected",
            who_may(Permission.BUDGETS_WRITE),
            {"value": "value_text", "expected": "expected_text"} | same("hour", "metric", "direction", "weeks"),
            once=("org_id", "hour"),  # what makes one metric odd makes others odd too: the first of an hour is told
        )
    ],
    "llmo.analytics.report.ready": [
        Telling("report_ready", _recipients, _REPORT | same("url", "expires_at"), once=("run_id",))
    ],
    "llmo.analytics.report.failed": [Telling("report_failed", _recipients, _REPORT, once=("run_id",))],
}
