"""Calls that are made from an organization's prompts."""

from typing import Any

import openai
import pytest
from psycopg.types.json import Jsonb

from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.platform import HELLO, Platform
from tests.integration.gateway.scripted import Scripted
from tests.integration.organizations import MakeOrg

FIRST = {
    "messages": [
        {"role": "system", "content": "You know {{ product }}."},
        {"role": "user", "content": [{"type": "text", "text": "About {{product}}: {{question}}"}]},
    ],
    "defaults": {"model": "small", "temperature": 0.5, "max_tokens": 9},
}
SECOND = {"messages": [{"role": "system", "content": "Second"}], "defaults": {"model": "small"}}
VALUES = {"product": "trains", "question": "When?"}


async def ask(platform: Platform, set_up: SetUp, prompt: Any, **fields: Any) -> Any:
    """An answer with its headers."""
    client = platform.client(set_up.org)
    return await client.chat.completions.with_raw_response.create(
        **{"model": openai.omit, "messages": openai.omit, "extra_body": {"prompt": prompt}, **fields}
    )


async def test_a_call_is_made_from_a_prompt_and_what_it_says_itself(
    platform: Platform, set_up: SetUp, first: Scripted
) -> None:
    await set_up.prompt("support", FIRST)

    answer = await ask(
        platform, set_up, {"id": "support", "variables": VALUES}, messages=HELLO, temperature=0.1, user="ada"
    )

    (sent,) = first.calls
    assert sent["messages"] == [
        {"role": "system", "content": "You know trains."},
        {"role": "user", "content": [{"type": "text", "text": "About trains: When?"}]},
        *HELLO,
    ]
    assert (sent["model"], sent["temperature"], sent["max_tokens"]) == ("gpt-4o-mini", 0.1, 9)
    assert "prompt" not in sent
    assert answer.headers["x-llmo-prompt"] == "support@1"
    (event,) = platform.usage(set_up.org)
    assert (event["data"]["prompt"], event["data"]["requested_model"]) == ("support@1", "small")


async def test_versions_are_chosen_by_number_and_label_and_a_moved_label_counts_at_the_next_call(
    platform: Platform, set_up: SetUp, first: Scripted
) -> None:
    prompt_id = await set_up.prompt("support", FIRST, SECOND, labels={"production": 1})

    async def version(**which: Any) -> str:
        values = {"variables": VALUES} if which.pop("with_values", True) else {}
        answer = await ask(platform, set_up, {"id": which.pop("id", "support"), **which, **values}, user="ada")
        name: str = answer.headers["x-llmo-prompt"]
        return name

    assert await version() == "support@1"
    assert await version(id=str(prompt_id), version="production") == "support@1"
    assert await version(version=2, with_values=False) == "support@2"
    await set_up.change("prompts", prompt_id, labels=Jsonb({"production": 2}))
    assert await version(with_values=False) == "support@2"
    await set_up.change("prompts", prompt_id, name="help")
    with pytest.raises(openai.NotFoundError) as gone:
        await version(with_values=False)
    assert (gone.value.code, gone.value.param) == ("prompt_not_found", "prompt")
    assert len(first.calls) == 2  # the others were equal


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ({"id": "support"}, "no value: product, question"),
        ({"id": "support", "variables": {**VALUES, "colour": "red"}}, "no such variables: colour"),
        ({"id": "support", "variables": {**VALUES, "product": ["a"]}}, "product must be a text"),
        ({"id": "support", "variables": "all"}, "must be an object"),
        ({"id": "support", "variables": VALUES, "version": 2}, "no version 2"),
        ({"id": "support", "variables": VALUES, "version": "beta"}, "no version 'beta'"),
        ({"id": "support", "variables": VALUES, "version": 1.5}, "by its number or by a label"),
        ({"id": "support", "variables": VALUES, "colour": "red"}, "no 'colour'"),
        ({"id": 7}, "name or the id"),
        ({}, "name or the id"),
    ],
)
async def test_a_call_that_cannot_be_made_says_why(
    platform: Platform, set_up: SetUp, prompt: dict[str, Any], told: str
) -> None:
    await set_up.prompt("support", FIRST)
    with pytest.raises(openai.BadRequestError, match=told) as refused:
        await ask(platform, set_up, prompt)
    assert refused.value.param == "prompt"
    assert platform.usage(set_up.org) == []


@pytest.mark.usefixtures("first")
async def test_a_prompt_of_another_organization_is_none(platform: Platform, set_up: SetUp, make_org: MakeOrg) -> None:
    prompt_id = await set_up.prompt("support", SECOND)
    other = SetUp(make_org.connection, platform.redis, await make_org())

    for name in ("support", str(prompt_id)):
        with pytest.raises(openai.NotFoundError, match=f"The prompt `{name}` does not exist"):
            await ask(platform, other, {"id": name})


async def test_strangers_learn_nothing_of_prompts(platform: Platform, set_up: SetUp) -> None:
    await set_up.prompt("support", FIRST)
    await platform.client(set_up.org).models.list()
    stranger = platform.client_with(set_up.org.api_key[:-6] + "000000")

    with pytest.raises(openai.AuthenticationError):
        await stranger.chat.completions.create(model="small", messages=[], extra_body={"prompt": {"id": "support"}})


async def test_a_response_is_made_from_a_prompt_and_one_that_the_provider_keeps_is_passed_on(
    platform: Platform, set_up: SetUp, first: Scripted
) -> None:
    await set_up.prompt("support", FIRST)
    responses = platform.client(set_up.org).responses
    own: dict[str, Any] = {"prompt": {"id": "support", "variables": VALUES}, "input": "Now?"}
    others: dict[str, Any] = {"prompt": {"id": "pmpt_1", "variables": {"a": "b"}}}

    for call in (own, others):
        await responses.create(model="small", **call)

    made, passed = first.calls
    assert made["input"] == [
        {"role": "system", "content": "You know trains."},
        {"role": "user", "content": [{"type": "input_text", "text": "About trains: When?"}]},
        {"role": "user", "content": "Now?"},
    ]
    assert "prompt" not in made
    assert passed["prompt"] == {"id": "pmpt_1", "variables": {"a": "b"}}


@pytest.mark.parametrize("prompt", ["support", ["support"], None])
async def test_a_field_of_this_name_that_is_no_prompt_goes_to_the_provider(
    platform: Platform, set_up: SetUp, first: Scripted, prompt: Any
) -> None:
    await set_up.prompt("support", SECOND)
    await ask(platform, set_up, prompt, model="small", messages=HELLO)
    assert first.calls[0]["prompt"] == prompt


@pytest.mark.usefixtures("first")
async def test_what_is_nested_too_deeply_is_refused(platform: Platform, set_up: SetUp) -> None:
    await set_up.prompt("support", SECOND)
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]

    with pytest.raises(openai.BadRequestError, match="nested too deeply"):
        await ask(platform, set_up, {"id": "support"}, extra_body={"prompt": {"id": "support"}, "deep": deep})
