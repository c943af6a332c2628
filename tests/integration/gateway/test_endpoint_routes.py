"""Routes and connections at the endpoints beside chat."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.metered import recorded
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.scripted import Scripted, scripted

SOUND = b"\r\n--noise" * 1_000


@pytest_asyncio.fixture
async def broken(set_up: SetUp) -> AsyncIterator[Scripted]:
    """A provider that answers nothing, and whose model is called `broken`."""
    async with scripted("broken") as provider:
        provider.then(*[503] * 9)
        await set_up.provider("one", provider.url)
        await set_up.model("broken", "one")
        yield provider


@pytest_asyncio.fixture
async def working(platform: Platform, set_up: SetUp) -> None:
    """The fake upstream as a connection of the organization, at OpenAI's prices."""
    headers = Jsonb({"authorization": "Bearer sk-two"})
    await set_up.provider("two", platform.settings.upstream_base_url, kind="openai", headers=headers)


@pytest.mark.usefixtures("broken", "working")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_falls_back_to_the_next_target(platform: Platform, set_up: SetUp, *, stream: bool) -> None:
    await set_up.route("smart", ["broken", "two/gpt-4o-mini"], attempts=2)
    answer: Any = await platform.client(set_up.org).responses.create(model="smart", input="hello", stream=stream)
    if stream:
        answer = [event async for event in answer][-1].response
    data = await recorded(platform, set_up.org)
    assert answer.output_text.startswith("So")
    assert (data["route"], data["attempts"], data["connection"], data["model"]) == ("smart", 2, "two", "gpt-4o-mini")
    assert data["estimated"] is False


@pytest.mark.usefixtures("broken", "working")
async def test_a_file_goes_to_the_target_under_its_name_for_the_model(platform: Platform, set_up: SetUp) -> None:
    await set_up.route("ears", ["broken", "two/whisper-1"], attempts=2)
    client = platform.client(set_up.org)
    routed = await client.audio.transcriptions.create(model="ears", file=("a.mp3", SOUND))
    direct = await client.audio.transcriptions.create(model="two/whisper-1", file=("a.mp3", SOUND))
    assert routed.text == direct.text
    first, second = (event["data"] for event in await platform.bus.wait_for(set_up.org.org_id, 2))
    assert (first["requested_model"], second["requested_model"]) == ("ears", "two/whisper-1")
    assert first["cost_usd"] == second["cost_usd"] != "0"


@pytest.mark.usefixtures("working")
async def test_a_target_that_is_billed_by_what_the_endpoint_cannot_meter_is_none(
    platform: Platform, set_up: SetUp
) -> None:
    await set_up.route("voice", ["two/whisper-1", "two/tts-1"])
    await platform.client(set_up.org).audio.speech.create(model="voice", voice="alloy", input="hello")
    data = await recorded(platform, set_up.org)
    assert (data["model"], data["attempts"], data["characters"]) == ("tts-1", 1, 5)


async def test_a_moderation_of_ones_own_provider_is_billed_at_ones_own_price(platform: Platform, set_up: SetUp) -> None:
    async with scripted("own") as provider:
        await set_up.provider("own", provider.url)
        await set_up.model("guard", "own", price="2")
        await platform.client(set_up.org).post(
            "/moderations", body={"model": "guard", "input": "one two three"}, cast_to=dict
        )
    data = await recorded(platform, set_up.org)
    assert provider.calls[0]["model"] == "gpt-4o-mini"
    assert (data["connection"], data["cost_usd"], data["estimated"]) == ("own", "2", False)
