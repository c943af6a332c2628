"""Spans by OTLP over HTTP, through OpenTelemetry's own SDK.

A tracer of its makes up ids and times, and decides what is sampled. Of a call all that is given: its span is made as
what the exporters take.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.re import parse_env_headers

from tracing.attributes import SCHEMA_URL
from tracing.models import CallSpan, ExportFailed

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SCOPE: Final = InstrumentationScope("llmo.gateway", schema_url=SCHEMA_URL)


class Exporter(Protocol):
    """What the SDK's exporters do."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; it blocks, and raises nothing."""
        ...


class OtlpSpans:
    """Sends spans to a collector.

    Args:
        endpoint: Its base URL, without `/v1/traces`.
        headers: As in `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`, percent-encoded; empty for none.
        stage: Which deployment they are from.
        timeout_seconds: How long one export may take, with the exporter's own attempts.
    """

    def __init__(self, *, endpoint: str, headers: str, stage: str, timeout_seconds: float) -> None:
        self._exporter: Exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers=parse_env_headers(headers, liberal=True),
            timeout=timeout_seconds,
            compression=Compression.Gzip,
        )
        self._resource = Resource({"service.name": "llmo-gateway", "deployment.environment.name": stage})

    async def export(self, spans: Sequence[CallSpan]) -> None:
        """Return when the collector has taken them. Raises ExportFailed."""
        readable = [self._readable(span) for span in spans]
        if await asyncio.to_thread(self._exporter.export, readable) is not SpanExportResult.SUCCESS:
            raise ExportFailed

    def _readable(self, span: CallSpan) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=SpanContext(span.trace_id, span.span_id, is_remote=False, trace_flags=_SAMPLED),
            parent=None if span.parent_id is None else _remote(span.trace_id, span.parent_id),
            resource=self._resource,
            attributes=span.attributes,
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.UNSET) if span.error is None else Status(StatusCode.ERROR, span.error),
            start_time=span.started_ns,
            end_time=span.ended_ns,
            instrumentation_scope=_SCOPE,
        )


def _remote(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=_SAMPLED)
