"""The request log: one JSON line per metered call, which CloudWatch also reads as metrics (embedded metric format).

Written without a metrics library, because it is on every call's path.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import contextlib
from collections.abc import Callable
from typing import Any

import orjson

from integration.gateway.events import UsageRecorded


def request_log(write: Callable[[bytes], Any]) -> Callable[[UsageRecorded], None]:
    """A function that writes one line for each metered call."""
    metrics = [
        {"Name": "Latency", "Unit": "Milliseconds"},
        {"Name": "InputTokens", "Unit": "Count"},
        {"Name": "OutputTokens", "Unit": "Count"},
    ]
    directive = {"Namespace": "LLMOptimizer", "Dimensions": [["service", "status", "cache"]], "Metrics": metrics}

    def log(event: UsageRecorded) -> None:
        line = {
            "level": "INFO",
            "message": "call",
            "service": "gateway",
            "timestamp": event.started_at,
            "request_id": event.request_id,
            "org_id": event.org_id,
            "project_id": event.project_id,
            "key_id": event.key_id,
            "endpoint": event.endpoint,
            "model": event.model,
            "status": event.status,
            "http_status": event.http_status,
            "error_code": event.error_code,
            "cache": event.cache,
            "cost_usd": event.cost_usd,
            "Latency": event.latency_ms,
            "InputTokens": event.input_tokens,
            "OutputTokens": event.output_tokens,
            "_aws": {"Timestamp": int(event.started_at.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        }
        with contextlib.suppress(OSError):  # a log that cannot be written must not fail a call that was made
            write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    return log
