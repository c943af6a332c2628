"""An OpenTelemetry collector: takes spans by OTLP over HTTP, and keeps them as they were sent."""

import asyncio
import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class FakeCollector:
    """What was sent, and how it is answered.

    Attributes:
        url: The base URL for exporters.
        status: What every request is answered with.
        headers: Of the last request.
        raw: Every request's body, uncompressed.
    """

    url: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)
    _news: Condition = field(default_factory=Condition)

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        """What was sent, decoded."""
        return [ExportTraceServiceRequest.FromString(body) for body in self.raw]

    @property
    def spans(self) -> list[Span]:
        """Every span that was sent, in order."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, count: int, seconds: float) -> list[Span]:
        """The spans, as soon as there are so many; it blocks. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.spans) >= count, seconds):
                raise TimeoutError
            return self.spans

    async def take(self, request: web.Request) -> web.Response:
        """POST /v1/traces."""
        body = await request.read()  # aiohttp has uncompressed it already, where it says so
        self.headers = dict(request.headers)
        with self._news:
            self.raw.append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
            self._news.notify_all()
        return web.Response(status=self.status, content_type="application/x-protobuf")


def values(pairs: Any) -> dict[str, Any]:
    """Attributes as plain values."""

    def plain(value: AnyValue) -> Any:
        return getattr(value, str(value.WhichOneof("value")))

    found: list[KeyValue] = list(pairs)
    return {pair.key: plain(pair.value) for pair in found}


@contextmanager
def running_collector() -> Iterator[FakeCollector]:
    """A collector on a free port, in a thread of its own: exporters block."""
    collector, ready, loop = FakeCollector(), Event(), asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/v1/traces", collector.take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = Thread(target=serve)
    thread.start()
    ready.wait(10)
    try:
        yield collector
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
