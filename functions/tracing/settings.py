"""What the tracing function is told by its environment."""

from typing import Annotated

from pydantic import Field

from llmo_messaging.settings import ConsumerSettings


class TracingSettings(ConsumerSettings):
    """Where spans go, and what every consumer is told.

    Attributes:
        otlp_endpoint: The collector's base URL.
        otlp_headers_secret: Names the secret with its headers, as in `OTEL_EXPORTER_OTLP_HEADERS`; `unset` for none.
        trace_ratio: Which part is traced of the calls that belong to no trace of their caller's.
        export_seconds: How long an export may take.
    """

    otlp_endpoint: str
    otlp_headers_secret: str
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    export_seconds: Annotated[float, Field(gt=0)]
