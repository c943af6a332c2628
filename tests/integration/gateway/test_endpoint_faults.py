"""When the provider fails at an endpoint beside chat, or the client leaves: billed once, told as OpenAI tells it."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tests.integration.gateway.metered import held, recorded, spent
from tests.integration.gateway.platform import Platform
from tests.integration.organizations import MakeOrg, Org

SOUND = b"noise" * 5_000
type Ask = Callable[[AsyncOpenAI, str], Awaitable[Any]]


async def respond(client: AsyncOpenAI, text: str) -> Any:
    return await client.responses.create(model="gpt-4o-mini", input=text)


async def complete(client: AsyncOpenAI, text: str) -> Any:
    return await client.completions.create(model="davinci-002", prompt=text)


async def moderate(client: AsyncOpenAI, text: str) -> Any:
    return await client.moderations.create(input=text)


async def draw(client: AsyncOpenAI, text: str) -> Any:
    return await client.images.generate(model="gpt-image-1", prompt=text, quality="low", size="1024x1024")


async def speak(client: AsyncOpenAI, text: str) -> Any:
    return await client.audio.speech.create(model="tts-1", voice="alloy", input=text)


async def transcribe(client: AsyncOpenAI, text: str) -> Any:
    return await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND), prompt=text)


async def stream_response(client: AsyncOpenAI, text: str) -> list[Any]:
    return [event async for event in await client.responses.create(model="gpt-4o-mini", input=text, stream=True)]


async def stream_completion(client: AsyncOpenAI, text: str) -> list[Any]:
    return [chunk async for chunk in await client.completions.create(model="davinci-002", prompt=text, stream=True)]


async def stream_image(client: AsyncOpenAI, text: str) -> list[Any]:
    call = {"model": "gpt-image-1", "quality": "low", "partial_images": 3}
    return [event async for event in await client.images.generate(prompt=text, stream=True, **call)]  # type: ignore[call-overload]


async def stream_transcription(client: AsyncOpenAI, text: str) -> list[Any]:
    call = {"model": "gpt-4o-transcribe", "file": ("a.mp3", SOUND)}
    return [event async for event in await client.audio.transcriptions.create(prompt=text, stream=True, **call)]  # type: ignore[call-overload]


@pytest.mark.parametrize("ask", [respond, complete, moderate, draw, speak, transcribe, stream_response])
@pytest.mark.parametrize(("fault", "status"), [("[[status=429]]", 429), ("[[status=500]]", 500)])
async def test_what_the_provider_refuses_is_passed_on_and_free(
    platform: Platform, make_org: MakeOrg, ask: Ask, fault: str, status: int
) -> None:
    org = await make_org(key_budget_usd=Decimal(5))
    with pytest.raises(openai.APIStatusError) as failure:
        await ask(platform.client(org), fault)
    data = await recorded(platform, org)
    assert failure.value.status_code == data["http_status"] == status
    assert (data["status"], data["cost_usd"]) == ("error", "0")
    assert await held(platform, org) == 0


@pytest.mark.parametrize("ask", [respond, complete, moderate, draw, transcribe])
async def test_an_answer_that_is_none_is_a_502_and_free(platform: Platform, org: Org, ask: Ask) -> None:
    with pytest.raises(openai.InternalServerError) as failure:
        await ask(platform.client(org), "[[malformed]]")
    assert failure.value.status_code == 502
    assert (await recorded(platform, org))["cost_usd"] == "0"


@pytest.mark.parametrize("ask", [respond, complete, draw, stream_response, stream_completion, stream_image])
async def test_usage_that_is_not_reported_is_estimated(platform: Platform, org: Org, ask: Ask) -> None:
    await ask(platform.client(org), "hello [[no_usage]]")
    data = await recorded(platform, org)
    assert (data["status"], data["estimated"]) == ("ok", True)
    assert data["output_tokens"] > 0
    assert data["input_tokens"] > 0


async def test_an_estimated_response_is_close_to_the_truth(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    for text in ("How many are these? [[chunks=30]]", "How many are these? [[chunks=30]] [[no_usage]]"):
        await stream_response(client, text)
    reported, estimated = (event["data"] for event in await platform.bus.wait_for(org.org_id, 2))
    assert estimated["output_tokens"] == reported["output_tokens"] == 30
    assert abs(estimated["input_tokens"] - reported["input_tokens"]) <= 12


@pytest.mark.parametrize("ask", [stream_response, stream_completion, stream_image, stream_transcription])
async def test_a_stream_that_breaks_off_ends_with_an_error_and_is_billed(
    platform: Platform, make_org: MakeOrg, ask: Ask
) -> None:
    org = await make_org(key_budget_usd=Decimal(5))
    with pytest.raises(openai.APIError, match="broke off"):
        await ask(platform.client(org), "hello [[drop_after=3]]")
    data = await recorded(platform, org)
    assert (data["status"], data["error_code"], data["estimated"]) == ("error", "upstream_broken", True)
    assert await spent(platform, org) == Decimal(data["cost_usd"]) > 0
    assert await held(platform, org) == 0


async def test_a_malformed_event_passes_and_the_response_is_still_metered(platform: Platform, org: Org) -> None:
    headers = {"authorization": f"Bearer {org.api_key}"}
    call = {"model": "gpt-4o-mini", "input": "hello [[malformed]]", "stream": True}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{platform.url}/v1/responses", json=call) as response,
    ):
        body = await response.read()
    data = await recorded(platform, org)
    assert b'{"type": "odd' in body
    assert body.rstrip().rpartition(b"\n\n")[2].startswith(b"event: response.completed\n")
    assert (data["status"], data["estimated"]) == ("ok", False)


async def test_sound_that_breaks_off_is_cut_off_and_charged(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(key_budget_usd=Decimal(5))
    with pytest.raises(openai.APIConnectionError):
        await speak(platform.client(org), "hello [[drop_after=3]]")
    data = await recorded(platform, org)
    assert (data["status"], data["characters"]) == ("error", 22)
    assert await spent(platform, org) == Decimal(data["cost_usd"]) > 0


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("responses", {"model": "gpt-4o-mini", "input": "hello [[stall]]", "stream": True}),
        ("completions", {"model": "davinci-002", "prompt": "hello [[stall]]", "stream": True}),
        ("audio/speech", {"model": "tts-1", "input": "hello [[stall]]", "voice": "alloy"}),
    ],
)
async def test_a_client_that_leaves_stops_the_provider_and_pays_for_what_came(
    platform: Platform, make_org: MakeOrg, path: str, call: dict[str, Any]
) -> None:
    org = await make_org(key_budget_usd=Decimal(5))
    aborted = platform.provider.aborted
    headers = {"authorization": f"Bearer {org.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{platform.url}/v1/{path}", json=call) as response,
    ):
        await response.content.readany()
        response.close()
    async with asyncio.timeout(5):
        await platform.provider.until_aborted(aborted + 1)
    data = await recorded(platform, org)
    assert data["status"] == "aborted"
    assert await spent(platform, org) == Decimal(data["cost_usd"]) > 0
    assert await held(platform, org) == 0
