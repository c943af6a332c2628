"""What the endpoints beside chat refuse, before anybody is asked."""

from typing import Any

import aiohttp
import openai
import pytest

from integration.gateway.app import MAX_BODY_BYTES
from tests.integration.gateway.platform import Platform
from tests.integration.organizations import Org


async def answered(platform: Platform, org: Org, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:
    """An answer's status and its error."""
    headers = {"authorization": f"Bearer {org.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{platform.url}/v1/{path}", **request) as response,
    ):
        error: dict[str, Any] = (await response.json())["error"]
        return response.status, error


@pytest.mark.parametrize(
    ("path", "call", "param", "code"),
    [
        ("responses", {"background": True, "input": "hi"}, "background", "unsupported_parameter"),
        ("responses", {"input": "hi", "tools": [{"type": "image_generation"}]}, "tools", "unsupported_parameter"),
        ("responses", {"input": "hi", "tools": "all"}, "tools", None),
        ("responses", {}, "input", "missing_required_parameter"),
        ("responses", {"input": 7}, "input", None),
        ("responses", {"input": "hi", "max_output_tokens": 0}, "max_output_tokens", None),
        ("completions", {"prompt": {}}, "prompt", None),
        ("completions", {"prompt": "hi", "best_of": "all"}, "best_of", None),
        ("completions", {"prompt": "hi", "best_of": 129}, "best_of", None),
        ("chat/completions", {"messages": [{"role": "user", "content": "hi"}], "n": 10**9}, "n", None),
        ("images/generations", {"model": "gpt-image-1", "prompt": "a cat", "n": 10**9}, "n", None),
        (
            "images/generations",
            {"model": "gpt-image-1", "prompt": "a cat", "partial_images": 17},
            "partial_images",
            None,
        ),
        (
            "images/generations",
            {"model": "gpt-image-1", "prompt": "a cat", "output_format": "gif", "frame_count": 10**9},
            "frame_count",
            None,
        ),
        ("moderations", {"model": "omni-moderation-latest"}, "input", "missing_required_parameter"),
        ("images/generations", {"model": "gpt-image-1"}, "prompt", "missing_required_parameter"),
        (
            "images/generations",
            {"model": "gpt-image-1", "prompt": "a cat", "output_format": "svg"},
            "output_format",
            "unsupported_parameter",
        ),
        ("images/generations", {"prompt": "a cat"}, "model", "missing_required_parameter"),
        ("audio/speech", {"model": "tts-1", "input": ""}, "input", None),
        ("audio/speech", {"model": "tts-1", "input": "hi", "stream_format": "tape"}, "stream_format", None),
    ],
)
async def test_a_call_that_cannot_be_made_names_the_field_at_fault(
    platform: Platform, org: Org, path: str, call: dict[str, Any], param: str, code: str | None
) -> None:
    asked = platform.provider.requests
    model = {} if path in {"images/generations", "moderations"} else {"model": "gpt-4o-mini"}
    status, error = await answered(platform, org, "POST", path, json={**model, **call})
    assert (status, error["param"], error["code"]) == (400, param, code)
    assert platform.provider.requests == asked


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("images/generations", {"model": "dall-e-3", "prompt": "a cat"}),
        ("chat/completions", {"model": "tts-1", "messages": [{"role": "user", "content": "hi"}]}),
        ("chat/completions", {"model": "omni-moderation-latest", "messages": [{"role": "user", "content": "hi"}]}),
        ("responses", {"model": "gpt-image-1", "input": "a cat"}),
        ("audio/speech", {"model": "whisper-1", "input": "hi", "voice": "alloy"}),
        ("moderations", {"model": "tts-1", "input": "hi"}),
    ],
)
async def test_a_model_whose_price_the_endpoint_cannot_meter_is_not_found(
    platform: Platform, org: Org, path: str, call: dict[str, Any]
) -> None:
    status, error = await answered(platform, org, "POST", path, json=call)
    assert (status, error["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ([("model", "whisper-1")], "file"),
        ([("file", b"noise")], "model"),
        ([("model", "whisper-1"), ("file", b"noise"), ("model", "gpt-4o-transcribe")], "model"),
        ([("model", "whisper-1"), ("file", b"noise"), ("stream", "maybe")], "stream"),
    ],
)
async def test_a_form_that_is_no_call_names_the_field_at_fault(
    platform: Platform, org: Org, fields: list[tuple[str, Any]], param: str
) -> None:
    form = aiohttp.FormData()
    for name, value in fields:
        form.add_field(name, value, filename="a.mp3" if name == "file" else None)
    form.add_field("temperature", "0", content_type="text/plain")
    status, error = await answered(platform, org, "POST", "audio/transcriptions", data=form())
    assert (status, error["param"]) == (400, param)


async def test_a_body_that_is_no_form_is_refused(platform: Platform, org: Org) -> None:
    status, error = await answered(platform, org, "POST", "audio/transcriptions", json={"model": "whisper-1"})
    assert (status, error["code"]) == (400, "invalid_form")


async def test_a_file_that_is_too_large_is_refused_in_openais_shape(platform: Platform, org: Org) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await platform.client(org).audio.transcriptions.create(
            model="whisper-1", file=("a.mp3", b"\0" * MAX_BODY_BYTES)
        )
    assert refusal.value.code == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "responses/resp_1"), ("DELETE", "responses/resp_1"), ("POST", "responses/resp_1/cancel")],
)
async def test_kept_responses_are_not_served(platform: Platform, org: Org, method: str, path: str) -> None:
    status, error = await answered(platform, org, method, path)
    assert status == 404
    assert error["message"] == f"Invalid URL ({method} /v1/{path})"
