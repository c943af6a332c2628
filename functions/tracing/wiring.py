"""Composition root, made once per process at the first batch."""

from functools import cache

from llmo_core.secrets import read_secret
from llmo_messaging.claims import Claims, S3Claims
from llmo_messaging.configured import configured_dead_letters
from llmo_messaging.dead_letters import DeadLetters
from tracing.otlp import OtlpSpans
from tracing.service import Tracing
from tracing.settings import TracingSettings

_NO_HEADERS = "unset"


def _settings() -> TracingSettings:
    return TracingSettings.model_validate({})


@cache
def tracing() -> Tracing:
    """The use case of tracing calls."""
    settings = _settings()
    headers = read_secret(settings.otlp_headers_secret)
    spans = OtlpSpans(
        endpoint=settings.otlp_endpoint,
        headers="" if headers == _NO_HEADERS else headers,
        stage=settings.stage,
        timeout_seconds=settings.export_seconds,
    )
    return Tracing(spans=spans, ratio=settings.trace_ratio)


def dead_letters() -> DeadLetters:
    """Where messages go that cannot be read."""
    return configured_dead_letters(_settings())


def claims() -> Claims:
    """Where the data of large events is."""
    return S3Claims(_settings().claims_bucket)
