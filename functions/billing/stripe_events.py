"""Entry point of what comes of Stripe's events; every minute, it asks Stripe of what no event told.

Messages are the names of events (`billing.payments.notices.Notice`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import ValidationError

from billing import settlements
from billing.payments import wiring
from billing.payments.errors import PaymentsNotConfigured
from billing.payments.notices import DECLINED, Notice
from billing.payments.provider import ProviderUnavailable
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.observability import logger, metrics

_MOST_CHECKED: Final = 50
_SECONDS: Final = 90  # of the function's 120

settlements.connect()


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Apply the events of a batch, and name those that failed; or reconcile, when the schedule says so.

    Safe to repeat.
    """
    try:
        if "Records" in event:
            return {"batchItemFailures": run(_apply_all(event["Records"]))}
        return run(_reconcile())
    except PaymentsNotConfigured:
        return {"payments": 0, "refunds": 0}
    finally:
        if metrics().metric_set:
            metrics().flush_metrics()


async def _apply_all(records: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One after the other: events of one payment come together, and would wait for each other anyway.

    When Stripe does not answer, the rest of the batch is not tried: it would take the function's time without effect.
    """
    failed: list[str] = []
    declined = 0
    for position, record in enumerate(records):
        try:
            notice = Notice.model_validate_json(record["body"])
            await (await wiring.applying()).apply(notice)
            declined += notice.type == DECLINED
        except ProviderUnavailable as error:
            logger().warning("events of Stripe's not applied yet", extra={"reason": error.detail})
            failed += [each["messageId"] for each in records[position:]]
            break
        except ValidationError:
            logger().error("malformed message", extra={"message_id": record["messageId"]})
            failed.append(record["messageId"])
        except Exception:  # noqa: BLE001 - whatever went wrong, the message stays on the queue and the log says why
            logger().exception("event of Stripe's not applied", extra={"message_id": record["messageId"]})
            failed.append(record["messageId"])
    _count("PaymentsFailed", declined)
    _count("StripeEventsFailed", len(failed))
    _count("StripeEventsApplied", len(records) - len(failed))
    return [{"itemIdentifier": message_id} for message_id in failed]


async def _reconcile() -> dict[str, Any]:
    """Ask for as long as there is time; being cut off is safe, and what was cut off is due again in two minutes."""
    done = {"payments": 0, "refunds": 0}
    try:
        async with asyncio.timeout(_SECONDS):
            done["payments"] = await (await wiring.charging()).reconcile_due(_MOST_CHECKED)
            done["refunds"] = await (await wiring.refunding()).reconcile_due(_MOST_CHECKED)
    except TimeoutError:
        logger().warning("not all payments were checked in time", extra=done)
    _count("PaymentsChecked", done["payments"])
    return done


def _count(name: str, value: int) -> None:
    metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)
