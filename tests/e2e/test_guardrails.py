"""Guardrails, from the API that sets them up to the caller who meets them."""

from uuid import uuid4

import openai
import pytest

from tests.e2e.platform import Platform, ask, unique


async def test_a_guardrail_is_tried_set_up_met_and_told_of(platform: Platform) -> None:
    key = await platform.make_key()
    word, name = f"w{uuid4().hex}", f"g-{uuid4().hex[:8]}"
    guardrail = await platform.set_up(
        "guardrails", name=name, kind="deny", action="mask", stage="input", words=[word], message="Ask somebody."
    )
    try:
        tried = await platform.call("POST", "/api/v1/guardrails/test", json={"text": f"about {word}"})
        mask = f"[{name.upper().replace('-', '_')}]"
        assert (tried.status, tried.json()["text"]) == (200, f"about {mask}")

        question = unique()
        client = platform.client(key.text)
        await client.chat.completions.create(model="gpt-4o-mini", messages=ask(f"{question} {word}"))
        (sent,) = await platform.upstream_calls(question)
        assert word not in str(sent)

        path = f"/api/v1/guardrails/{guardrail['id']}"
        assert (await platform.call("PATCH", path, json={"action": "block"}, if_match='"1"')).status == 200
        with pytest.raises(openai.BadRequestError, match=r"Ask somebody\.") as refused:
            await client.chat.completions.create(model="gpt-4o-mini", messages=ask(f"{question} {word}"))
        assert refused.value.code == "content_filter"
        usage = await platform.usage_of(key, 2, group_by="status")
        assert {group["status"]: group["requests"] for group in usage["data"]} == {"ok": 1, "blocked": 1}
    finally:
        await platform.call("DELETE", f"/api/v1/guardrails/{guardrail['id']}")
