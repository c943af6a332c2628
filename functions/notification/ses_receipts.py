"""Entry point of what SES tells of mails, by EventBridge and a queue: keep what is news."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmo_core.clock import SystemClock
from llmo_core.cold_starts import Counting
from llmo_core.errors import Unavailable
from llmo_core.loop import run
from llmo_core.observability import logger
from notification.receipts import wiring
from notification.receipts.models import MalformedReceipts
from notification.receipts.ses_events import read_event


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Keep what a batch of events tells, and name those that failed; safe to repeat."""
    failed = run(_take_all(event["Records"]))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def _take_all(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """One after the other: what goes wrong with one keeps no other from being kept."""
    failed: list[str] = []
    news = 0
    for record in records:
        try:
            receipt = read_event(record["body"], SystemClock().now())
            news += await wiring.taking().take([receipt]) if receipt is not None else 0
        except (MalformedReceipts, Unavailable) as error:
            logger().warning("event of SES's not kept", extra={"id": record["messageId"], "reason": error.detail})
            failed.append(record["messageId"])
        except Exception:  # noqa: BLE001 - whatever went wrong, the message stays on the queue and the log says why
            logger().exception("event of SES's not kept", extra={"id": record["messageId"]})
            failed.append(record["messageId"])
    logger().info("events of SES's", extra={"events": len(records), "news": news, "failed": len(failed)})
    return failed
