"""Made-up LLM calls as the gateway reports them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from analytics.usage.models import UsageRecorded
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope

STARTED = datetime(2026, 8, 17, 10, 15, 29, 100_000, tzinfo=UTC)


def call(organization: UUID, **data: Any) -> Envelope:
    """One call's event; `data` replaces what it says."""
    said = {
        "request_id": f"req_{new_id().hex}",
        "org_id": str(organization),
        "project_id": str(organization),
        "key_id": str(organization),
        "endpoint": "chat.completions",
        "requested_model": "gpt-4o-mini",
        "model": "gpt-4o-mini",
        "provider": "openai",
        "status": "ok",
        "http_status": 200,
        "error_code": None,
        "stream": False,
        "cache": "miss",
        "input_tokens": 42,
        "cached_input_tokens": 0,
        "output_tokens": 22,
        "reasoning_tokens": 0,
        "estimated": False,
        "cost_usd": "0.0000195",
        "saved_usd": "0",
        "price_version": "genai-prices-0.2.3",
        "latency_ms": 812.4,
        "ttft_ms": None,
        "started_at": STARTED.isoformat(),
        "end_user": None,
        **data,
    }
    return Envelope(
        id=new_id(),
        source="llmo.integration",
        type=UsageRecorded.event_type,
        time=STARTED,
        orgid=organization,
        data=said,
    )


def delivered(envelope: Envelope) -> Delivery[UsageRecorded]:
    """The event as the consumer hands it on."""
    return Delivery(envelope, UsageRecorded.model_validate(envelope.data))
