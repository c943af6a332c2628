"""What is used is counted for billing: a call through the gateway, and an event that an organization reports itself."""

import asyncio
from uuid import uuid4

from tests.e2e.platform import Json, Platform, ask, unique

EVENTS = "/api/v1/billing/usage/events"
_BETWEEN_LOOKS_SECONDS = 0.1
_COLD_SECONDS = 30  # whoever comes first finds the function cold


async def listed(platform: Platform, key_id: str) -> Json:
    """The event of the only call of a key."""
    async with asyncio.timeout(_COLD_SECONDS):
        while True:
            answer = await platform.call("GET", f"{EVENTS}?name=llm.call&limit=1000")
            assert answer.status == 200, answer
            found: list[Json] = [event for event in answer.json()["data"] if event["fields"]["key_id"] == key_id]
            if found:
                assert len(found) == 1
                return found[0]
            await asyncio.sleep(_BETWEEN_LOOKS_SECONDS)


async def test_a_call_is_counted_for_billing_seconds_after_it_was_made(platform: Platform) -> None:
    key = await platform.make_key()
    client = platform.client(key.text)
    answer = await client.chat.completions.create(model="gpt-4o-mini", messages=ask(unique("How much is it?")))

    event = await listed(platform, key.id)

    assert answer.usage is not None
    assert event["fields"]["input_tokens"] == answer.usage.prompt_tokens
    assert event["fields"]["project_id"] == key.project_id
    assert isinstance(event["fields"]["cost_usd"], str)


async def test_an_event_is_reported_once_by_a_key_that_can_do_nothing_else(platform: Platform) -> None:
    name, reporter = f"thing.{uuid4().hex}", await platform.make_key(permissions=["billing:report"])
    meter = {"code": uuid4().hex, "name": "Things", "event": name, "aggregation": "count"}
    assert (await platform.call("POST", "/api/v1/billing/meters", json=meter)).status == 201
    body = {"events": [{"id": "one", "name": name}, {"id": "one", "name": name}, {"name": f"{name}.unknown"}]}

    reported = await platform.call("POST", f"{EVENTS}/batch", api_key=reporter.text, json=body)

    assert reported.status == 200, reported
    assert [each["status"] for each in reported.json()["data"]] == ["accepted", "duplicate", "refused"]
    assert (await platform.call("GET", EVENTS, api_key=reporter.text)).status == 403
    [event] = (await platform.call("GET", f"{EVENTS}?name={name}")).json()["data"]
    assert (event["id"], event["fields"]) == ("one", {})
