"""The endpoints beside chat, with OpenAI's own client: each answers in its shape and is billed once, exactly."""

from decimal import Decimal
from typing import Any

import pytest
from openai.types.responses import ResponseCompletedEvent, ResponseIncompleteEvent

from local.vendors.openai_audio import BYTES_PER_SECOND
from tests.integration.gateway.metered import held, priced, recorded, spent
from tests.integration.gateway.platform import Platform
from tests.integration.organizations import MakeOrg, Org

SOUND = b"\x00\xffnoise\r\n--" * (BYTES_PER_SECOND // 10)  # a second, and a bit that looks like a form's


async def test_a_completion_is_billed_for_everything_that_was_tried(platform: Platform, org: Org) -> None:
    answer = await platform.client(org).completions.create(
        model="gpt-3.5-turbo-instruct", prompt=["one", "two"], n=2, best_of=3, max_tokens=5
    )
    data = await recorded(platform, org)
    assert len(answer.choices) == 4
    assert answer.usage is not None
    assert (data["endpoint"], data["output_tokens"]) == ("completions", 30)
    usage = {"input_tokens": answer.usage.prompt_tokens, "output_tokens": 30}
    assert Decimal(data["cost_usd"]) == priced("gpt-3.5-turbo-instruct", **usage)


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_streamed_completion_shows_its_usage_to_who_asked(
    platform: Platform, org: Org, *, wanted: bool
) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wanted else {}
    stream = await platform.client(org).completions.create(model="davinci-002", prompt="hello", stream=True, **options)
    chunks = [chunk async for chunk in stream]
    data = await recorded(platform, org)
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices).startswith("So")
    assert (chunks[-1].usage is not None) is wanted
    assert (data["stream"], data["estimated"], data["output_tokens"]) == (True, False, 16)


async def test_a_response_is_billed_for_its_reasoning_and_not_twice_for_what_was_cached(
    platform: Platform, org: Org
) -> None:
    raw = await platform.client(org).responses.with_raw_response.create(
        model="gpt-4o-mini", input="hello [[reasoning=7]] [[cached=4]]", max_output_tokens=50, instructions="be brief"
    )
    answer, data = raw.parse(), await recorded(platform, org)
    usage = answer.usage
    assert answer.output_text.startswith("So")
    assert usage is not None
    assert (data["reasoning_tokens"], data["cached_input_tokens"], data["model"]) == (7, 4, "gpt-4o-mini")
    expected = priced(
        "gpt-4o-mini", input_tokens=usage.input_tokens, cache_read_tokens=4, output_tokens=usage.output_tokens
    )
    assert Decimal(data["cost_usd"]) == Decimal(raw.headers["x-llmo-cost-usd"]) == expected


@pytest.mark.parametrize(("limit", "last"), [(None, "response.completed"), (3, "response.incomplete")])
async def test_a_streamed_response_passes_event_by_event(
    platform: Platform, org: Org, limit: int | None, last: str
) -> None:
    stream = await platform.client(org).responses.create(
        model="gpt-4o-mini", input="hello", max_output_tokens=limit, stream=True
    )
    events = [event async for event in stream]
    data = await recorded(platform, org)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert isinstance(events[-1], ResponseCompletedEvent | ResponseIncompleteEvent)
    assert events[-1].type == last
    usage = events[-1].response.usage
    assert usage is not None
    assert (data["input_tokens"], data["output_tokens"]) == (usage.input_tokens, usage.output_tokens)
    assert (data["status"], data["estimated"], data["stream"]) == ("ok", False, True)


async def test_a_response_that_goes_on_from_another_holds_what_the_model_can_read(
    platform: Platform, make_org: MakeOrg
) -> None:
    org = await make_org(key_budget_usd=Decimal("0.05"))
    client = platform.client(org)
    first = await client.responses.create(model="gpt-4o-mini", input="hello", max_output_tokens=16)
    second = await client.responses.create(
        model="gpt-4o-mini", input="go on", previous_response_id=first.id, max_output_tokens=16
    )
    assert second.usage is not None
    assert first.usage is not None
    assert second.usage.input_tokens > first.usage.total_tokens
    poor = await make_org(key_budget_usd=Decimal("0.015"))
    with pytest.raises(Exception, match="monthly budget"):
        await platform.client(poor).responses.create(model="gpt-4o-mini", input="go on", previous_response_id=first.id)


async def test_a_moderation_is_free_and_recorded(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    answer = await client.moderations.create(input=["kind words", "[[flagged]] words"])
    data = await recorded(platform, org)
    assert [result.flagged for result in answer.results] == [False, True]
    assert (data["endpoint"], data["cost_usd"], data["estimated"]) == ("moderations", "0", False)
    assert data["requested_model"] == "omni-moderation-latest"
    assert platform.provider.last[-1]["body"]["model"] == "omni-moderation-latest"


async def test_an_image_is_billed_by_its_tokens(platform: Platform, org: Org) -> None:
    answer = await platform.client(org).images.generate(
        model="gpt-image-1.5", prompt="a cat", n=2, size="1024x1024", quality="medium"
    )
    data = await recorded(platform, org)
    assert answer.data is not None
    assert answer.usage is not None
    assert len(answer.data) == 2
    assert data["image_output_tokens"] == data["output_tokens"] == 2 * 1_056
    expected = priced(
        "gpt-image-1.5", input_tokens=answer.usage.input_tokens, output_tokens=2_112, output_image_tokens=2_112
    )
    assert Decimal(data["cost_usd"]) == expected > 0


async def test_a_streamed_image_arrives_in_parts_and_is_billed_for_them(platform: Platform, org: Org) -> None:
    stream = await platform.client(org).images.generate(
        model="gpt-image-1", prompt="a cat", quality="low", size="1024x1024", partial_images=2, stream=True
    )
    kinds = [event.type async for event in stream]
    data = await recorded(platform, org)
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert (data["output_tokens"], data["estimated"], data["status"]) == (272 + 200, False, "ok")


async def test_speech_arrives_as_it_was_made_and_is_billed_by_the_character(platform: Platform, org: Org) -> None:
    text = "Grüße, to be read aloud"
    async with platform.client(org).audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=text
    ) as response:
        sound = b"".join([piece async for piece in response.iter_bytes()])
        assert response.headers["content-type"] == "audio/mpeg"
    data = await recorded(platform, org)
    assert len(sound) == 2 * BYTES_PER_SECOND
    assert (data["characters"], data["input_tokens"], data["estimated"]) == (len(text), 0, False)
    assert Decimal(data["cost_usd"]) == priced("tts-1", input_characters=len(text))


async def test_streamed_speech_is_billed_by_the_tokens_that_it_reports(platform: Platform, org: Org) -> None:
    call = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "hello", "stream_format": "sse"}
    async with platform.client(org).audio.speech.with_streaming_response.create(**call) as response:  # type: ignore[arg-type]
        body = await response.read()
    data = await recorded(platform, org)
    assert b"x-llmo-cost-usd: " in body
    assert body.rstrip().rpartition(b"\n")[2].startswith(b'data: {"type":"speech.audio.done"')
    assert (data["stream"], data["output_tokens"], data["estimated"]) == (True, 21, False)
    expected = priced("gpt-4o-mini-tts", input_tokens=data["input_tokens"], output_tokens=21)
    assert Decimal(data["cost_usd"]) == expected


async def test_speech_of_a_model_that_reports_nothing_is_estimated(platform: Platform, org: Org) -> None:
    await platform.client(org).audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="hello there")
    data = await recorded(platform, org)
    assert data["estimated"]
    assert data["audio_output_tokens"] == 16
    assert Decimal(data["cost_usd"]) > 0


@pytest.mark.parametrize(("model", "seconds"), [("whisper-1", 2), ("gpt-4o-transcribe", 0)])
async def test_a_transcription_is_billed_by_what_was_heard(
    platform: Platform, org: Org, model: str, seconds: int
) -> None:
    answer = await platform.client(org).audio.transcriptions.create(model=model, file=("a.mp3", SOUND), prompt="names")
    data = await recorded(platform, org)
    assert answer.text.startswith("So")
    assert (data["endpoint"], data["audio_seconds"], data["estimated"]) == ("audio.transcriptions", seconds, False)
    if seconds:
        expected = priced(model, audio_seconds=seconds, input_audio_seconds=seconds)
    else:
        heard = data["input_tokens"]
        assert heard == data["audio_input_tokens"] > 10
        expected = priced(model, input_tokens=heard, input_audio_tokens=heard, output_tokens=data["output_tokens"])
    assert Decimal(data["cost_usd"]) == expected > 0


async def test_a_file_reaches_the_provider_byte_for_byte(platform: Platform, org: Org) -> None:
    client = platform.client(org)
    first = await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))
    other = await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND[:-1]))
    assert first.text != other.text, "the fake hears the bytes"


@pytest.mark.parametrize("how", ["text", "srt", "vtt"])
async def test_a_transcription_that_reports_nothing_is_billed_as_long_as_it_can_be(
    platform: Platform, org: Org, how: Any
) -> None:
    text = await platform.client(org).audio.transcriptions.create(
        model="whisper-1", file=("a.mp3", SOUND), response_format=how
    )
    data = await recorded(platform, org)
    assert "So" in str(text)
    assert data["estimated"]
    assert data["audio_seconds"] == -(-len(SOUND) // 750)


async def test_a_translation_in_detail_is_billed_by_its_duration(platform: Platform, org: Org) -> None:
    with pytest.deprecated_call():
        answer = await platform.client(org).audio.translations.create(
            model="whisper-1", file=("a.mp3", SOUND), prompt="[[no_usage]]", response_format="verbose_json"
        )
    data = await recorded(platform, org)
    assert 1 < answer.duration < 2
    assert (data["endpoint"], data["audio_seconds"], data["estimated"]) == ("audio.translations", 2, False)


async def test_a_transcription_arrives_word_by_word(platform: Platform, org: Org) -> None:
    stream = await platform.client(org).audio.transcriptions.create(
        model="gpt-4o-mini-transcribe", file=("a.mp3", SOUND), stream=True
    )
    events = [event async for event in stream]
    data = await recorded(platform, org)
    assert events[-1].type == "transcript.text.done"
    assert (data["stream"], data["estimated"], data["output_tokens"]) == (True, False, 12)


async def test_a_model_that_streams_nothing_answers_all_the_same(platform: Platform, org: Org) -> None:
    async with platform.client(org).audio.transcriptions.with_streaming_response.create(
        model="whisper-1", file=("a.mp3", SOUND), stream=True
    ) as response:
        body = await response.text()
        assert response.headers["content-type"].startswith("application/json")
    data = await recorded(platform, org)
    assert body.startswith('{"text":"So')
    assert (data["audio_seconds"], data["estimated"]) == (2, False)


async def test_nothing_stays_held_and_everything_is_charged(platform: Platform, make_org: MakeOrg) -> None:
    org = await make_org(key_budget_usd=Decimal(10))
    client = platform.client(org)
    await client.completions.create(model="davinci-002", prompt="hello")
    await client.responses.create(model="gpt-4o-mini", input="hello")
    await client.moderations.create(input="hello")
    await client.images.generate(model="gpt-image-1", prompt="a cat", quality="low", size="1024x1024")
    await client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
    await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))
    with pytest.deprecated_call():
        await client.audio.translations.create(model="whisper-1", file=("a.mp3", SOUND))
    events = await platform.bus.wait_for(org.org_id, 7)
    assert await held(platform, org) == 0
    assert await platform.redis.zcard(f"{{{org.org_ref}}}:holds") == 0
    assert await spent(platform, org) == sum(Decimal(event["data"]["cost_usd"]) for event in events)
