"""Logs and metrics in the shapes that CloudWatch reads: JSON lines, and metrics embedded in them (EMF).

Both come from Powertools. Context keys (`request_id`, `org_id`) are kept per task, so that concurrent requests in one
process never mix theirs.
"""

from functools import cache

from aws_lambda_powertools import Logger, Metrics


@cache
def logger() -> Logger:
    """The function's logger; service and level come from POWERTOOLS_SERVICE_NAME and LOG_LEVEL."""
    return Logger(utc=True, use_rfc3339=True)


@cache
def metrics() -> Metrics:
    """The function's metrics; namespace and service come from POWERTOOLS_METRICS_NAMESPACE and _SERVICE_NAME."""
    return Metrics()


def bind(**keys: str | None) -> None:
    """Put these keys on every further log line of the running task."""
    logger().thread_safe_append_keys(**{key: value for key, value in keys.items() if value is not None})


def unbind() -> None:
    """Forget the running task's keys, at the start of the next request."""
    logger().thread_safe_clear_keys()
