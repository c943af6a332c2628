"""Every endpoint through the front door, with OpenAI's own client: it answers, and its cost can be read back."""

from decimal import Decimal

from tests.e2e.platform import Key, Platform, unique

SOUND = bytes(range(256)) * 100  # not a text in UTF-8, so that nothing on the way may take it for one


async def test_every_endpoint_answers_and_is_reported(platform: Platform, key: Key) -> None:
    client = platform.client(key.text)

    completion = await client.completions.create(model="gpt-3.5-turbo-instruct", prompt=unique(), max_tokens=5)
    response = await client.responses.create(model="gpt-4o-mini", input=unique())
    moderation = await client.moderations.create(input=unique())
    image = await client.images.generate(model="gpt-image-1", prompt=unique("a cat"), quality="low")
    speech = await client.audio.speech.create(model="tts-1", voice="alloy", input=unique("Read this"))
    text = await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))

    assert completion.choices[0].text.startswith("So")
    assert response.output_text.startswith("So")
    assert not moderation.results[0].flagged
    assert image.data
    assert len(speech.content) > 10_000
    assert speech.response.headers["content-type"] == "audio/mpeg"
    assert text.text.startswith("So")
    report = await platform.usage_of(key, 6, group_by="endpoint")
    costs = {row["endpoint"]: Decimal(row["cost_usd"]) for row in report["data"]}
    assert {name for name, cost in costs.items() if cost == 0} == {"moderations"}
    assert len(costs) == 6


async def test_every_stream_passes_the_front_door_event_by_event(platform: Platform, key: Key) -> None:
    client = platform.client(key.text)

    completion = await client.completions.create(model="davinci-002", prompt=unique(), stream=True)
    response = await client.responses.create(model="gpt-4o-mini", input=unique(), stream=True)
    image = await client.images.generate(model="gpt-image-1", prompt=unique("a cat"), stream=True, partial_images=1)
    text = await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", SOUND), stream=True)

    assert [chunk async for chunk in completion][-1].choices[0].finish_reason == "length"
    assert [event.type async for event in response][-1] == "response.completed"
    assert [event.type async for event in image] == ["image_generation.partial_image", "image_generation.completed"]
    assert [event.type async for event in text][-1] == "transcript.text.done"
    assert (await platform.usage_of(key, 4))["totals"]["errors"] == 0


async def test_the_same_file_is_heard_however_it_is_sent(platform: Platform, key: Key) -> None:
    client = platform.client(key.text)
    first = await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND))
    other = await client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", SOUND[:-1]))
    again = await client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=("b.mp3", SOUND))
    assert first.text != other.text
    assert again.parse() == first
    assert again.headers["x-llmo-cache"] == "hit"
