"""Traces of calls, from the laptop stack to a collector."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.platform import Platform, ask, unique
from tests.e2e.stack import Stack, own_stack
from tests.fakes.collector import FakeCollector, running_collector, values

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collector() -> Iterator[FakeCollector]:
    with running_collector() as fake:
        yield fake


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, collector: FakeCollector) -> Iterator[Stack]:
    state: Path = tmp_path_factory.mktemp("traces") / "state"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=mine"}
    with own_stack(state, environment=variables) as stack:
        yield stack
        stack.stop()


async def test_a_call_is_a_span_below_its_callers_own(
    traced: Stack, collector: FakeCollector, http: aiohttp.ClientSession
) -> None:
    platform = Platform(traced, http, traced.demo["api_key"])
    client, question = platform.client(platform.api_key), unique()
    await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=ask(question),
        extra_headers={"traceparent": f"00-{TRACE}-{CALLER}-01", "x-llmo-tags": "team=search"},
    )
    (span,) = await asyncio.to_thread(collector.wait_for, 1, 30)
    await platform.close()
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert span.name == "chat gpt-4o-mini"
    said = values(span.attributes)
    assert said["llmo.project.id"] == traced.demo["project_id"]
    assert said["llmo.tag.team"] == "search"
    assert said["gen_ai.usage.input_tokens"] > 0 < said["llmo.cost.usd"]
    assert collector.headers["x-api-key"] == "mine"
    assert question.encode() not in b"".join(collector.raw)
