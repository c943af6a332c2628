"""Two organizations on one platform know nothing of each other."""

from dataclasses import replace
from uuid import uuid4

import pytest_asyncio

from tests.e2e.platform import Key, Platform, ask, unique

MODEL = "gpt-4o-mini"


@pytest_asyncio.fixture(scope="module")
async def stranger(platform: Platform) -> Platform:
    """The same platform in the hands of another organization."""
    made = await platform.invoke(
        "BootstrapFunction",
        {"organization": "Strangers", "email": f"{uuid4().hex}@example.org", "password": uuid4().hex},
    )
    return replace(platform, api_key=made["api_key"])


async def test_a_new_organization_starts_with_its_own_account_and_no_usage(
    platform: Platform, stranger: Platform
) -> None:
    mine = (await platform.call("GET", "/api/v1/me")).json()
    theirs = (await stranger.call("GET", "/api/v1/me")).json()
    assert theirs["organization"]["name"] == "Strangers"
    assert mine["organization"]["id"] != theirs["organization"]["id"]
    assert mine["project"]["id"] != theirs["project"]["id"]


async def test_the_keys_of_another_organization_are_neither_listed_nor_revoked(
    platform: Platform, stranger: Platform, key: Key
) -> None:
    listed = (await stranger.call("GET", "/api/v1/api-keys?limit=100")).json()
    assert [entry["name"] for entry in listed["data"]] == ["First key"]
    assert (await stranger.call("DELETE", f"/api/v1/api-keys/{key.id}")).status == 404
    answer = await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique()))
    assert answer.choices, "the key still works"


async def test_no_key_can_be_made_in_a_project_of_another_organization(stranger: Platform, key: Key) -> None:
    wanted = {"name": "theirs", "project_id": key.project_id}
    answer = await stranger.call("POST", "/api/v1/api-keys", json=wanted)
    assert answer.status == 400
    answer.problem()


async def test_the_usage_of_another_organization_is_not_seen_even_when_it_is_named(
    platform: Platform, stranger: Platform, key: Key
) -> None:
    await platform.client(key.text).chat.completions.create(model=MODEL, messages=ask(unique()))
    await platform.usage_of(key, 1)
    for filters in ({}, {"key_id": key.id}, {"project_id": key.project_id}):
        report = await stranger.usage(group_by="key,project", **filters)
        assert key.id not in {row["key_id"] for row in report["data"]}
        assert key.project_id not in {row["project_id"] for row in report["data"]}
        assert not filters or report["totals"]["requests"] == 0


async def test_an_answer_cached_for_one_organization_is_not_given_to_another(
    platform: Platform, stranger: Platform, key: Key
) -> None:
    question, states = unique(), []
    for api_key in (key.text, key.text, stranger.api_key):
        raw = await platform.client(api_key).chat.completions.with_raw_response.create(
            model=MODEL, messages=ask(question)
        )
        states.append(raw.headers["x-llmo-cache"])
    assert states == ["miss", "hit", "miss"]
    assert len(await platform.upstream_calls(question)) == 2
