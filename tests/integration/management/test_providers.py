"""Providers over HTTP: what can be set up, changed and removed, and what is refused."""

import pytest

from llmo_data.postgres import Database
from tests.integration.management.calling import API_KEY, Caller, Management

OPENAI = {"name": "openai", "kind": "openai", "api_key": API_KEY}


async def test_a_provider_is_where_its_kind_is_and_shows_the_last_four_characters_of_its_key(caller: Caller) -> None:
    answer = await caller("POST", "providers", json=OPENAI)

    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    made = answer.json()
    assert (made["base_url"], made["credentials_hint"], made["version"]) == ("https://api.openai.com/v1", "WXYZ", 1)
    assert made["created_by"] == str(caller.org.key_id)
    read = await caller("GET", f"providers/{made['id']}")
    assert (read.json(), read.headers["etag"]) == (made, '"1"')
    assert (await caller("GET", "providers")).json() == {"data": [made], "next_cursor": None}


async def test_a_short_key_shows_nothing(caller: Caller) -> None:
    made = await caller.provider(
        "ollama", kind="openai_compatible", base_url="http://127.0.0.1:11434/v1/", api_key="ollama"
    )
    assert (made["credentials_hint"], made["base_url"]) == ("****", "http://127.0.0.1:11434/v1")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "a", "kind": "openai"}, "credentials_required"),
        ({"name": "a", "kind": "azure_openai", "api_key": API_KEY}, "base_url_required"),
        ({"name": "a", "kind": "openai_compatible"}, "base_url_required"),
        ({"name": "a", "kind": "bedrock", "api_key": API_KEY}, "region_required"),
        ({**OPENAI, "kind": "bedrock", "base_url": "https://proxy.example/v1"}, "region_required"),
        ({**OPENAI, "api_version": "2024-10-21"}, "api_version_not_taken"),
        ({**OPENAI, "base_url": "https://user:pass@api.openai.com/v1"}, "unusable_base_url"),
        ({**OPENAI, "base_url": "https://169.254.169.254/latest"}, "unusable_base_url"),
        ({**OPENAI, "base_url": "http://8.8.8.8/v1"}, "unusable_base_url"),
    ],
)
async def test_what_does_not_fit_the_kind_is_refused_with_a_name(
    caller: Caller, body: dict[str, object], code: str
) -> None:
    answer = await caller("POST", "providers", json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, f"urn:llmo:problem:{code}")


@pytest.mark.parametrize(
    "body",
    [
        {**OPENAI, "name": "Open AI"},
        {**OPENAI, "name": "a/b"},
        {**OPENAI, "kind": "other"},
        {**OPENAI, "api_key": "two words"},
        {**OPENAI, "api_key": "line\nbreak"},
        {**OPENAI, "api_key": ""},
        {**OPENAI, "unknown": 1},
        {**OPENAI, "headers": {"Authorization": "x"}},
        {**OPENAI, "headers": {"Transfer-Encoding": "chunked"}},
        {**OPENAI, "headers": {"X-A": "1\r\nX-B: 2"}},
        {**OPENAI, "headers": {"X A": "1"}},
        {**OPENAI, "headers": {"X-A": "1", "x-a": "2"}},
        {**OPENAI, "headers": {f"x-{number}": "1" for number in range(21)}},
    ],
)
async def test_a_malformed_provider_is_refused(caller: Caller, body: dict[str, object]) -> None:
    assert (await caller("POST", "providers", json=body)).status_code == 422


async def test_where_private_providers_are_not_allowed_addresses_inside_are_refused(
    caller: Caller, management: Management
) -> None:
    management.private = False
    for url in ("http://127.0.0.1:8000/v1", "https://127.0.0.1/v1", "https://10.0.0.1", "http://api.openai.com/v1"):
        answer = await caller("POST", "providers", json={**OPENAI, "base_url": url})
        assert answer.json()["type"] == "urn:llmo:problem:unusable_base_url", url


async def test_a_name_is_taken_once_per_organization_and_free_again_after_removal(
    caller: Caller, stranger: Caller
) -> None:
    first = await caller.provider()
    taken = await caller("POST", "providers", json=OPENAI)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:llmo:problem:provider_name_taken")
    other = await stranger.provider("other")
    await stranger.provider()
    renamed = await stranger("PATCH", f"providers/{other['id']}", json={"name": "openai"})
    assert renamed.json()["type"] == "urn:llmo:problem:provider_name_taken"

    assert (await caller("DELETE", f"providers/{first['id']}")).status_code == 204
    assert (await caller("GET", f"providers/{first['id']}")).status_code == 404
    await caller.provider()


async def test_a_change_replaces_what_it_names_and_raises_the_version(caller: Caller) -> None:
    made = await caller.provider(headers={"X-Team": "red", "OpenAI-Organization": "org-1"})
    assert made["headers"] == {"x-team": "red", "openai-organization": "org-1"}

    changed = await caller("PATCH", f"providers/{made['id']}", json={"headers": {"X-Team": "blue"}, "name": "main"})

    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json() == made | {
        "headers": {"x-team": "blue"},
        "name": "main",
        "version": 2,
        "updated_at": changed.json()["updated_at"],
    }


@pytest.mark.parametrize(
    ("tags", "status"),
    [('"1"', 200), ('"9", "1"', 200), ("*", 200), ('"2"', 412), ('W/"1"', 412), ('"none"', 412), ("1", 400)],
)
async def test_a_change_is_made_to_the_version_that_it_is_meant_for(caller: Caller, tags: str, status: int) -> None:
    made = await caller.provider()
    answer = await caller("PATCH", f"providers/{made['id']}", json={"name": "other"}, headers={"If-Match": tags})
    assert answer.status_code == status, answer.text
    name = (await caller("GET", f"providers/{made['id']}")).json()["name"]
    assert name == ("other" if status == 200 else "openai")


async def test_another_region_of_bedrock_is_another_address(caller: Caller) -> None:
    made = await caller.provider("bedrock", kind="bedrock", region="eu-west-1")
    assert made["base_url"] == "https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1"
    changed = await caller("PATCH", f"providers/{made['id']}", json={"region": "us-east-1"})
    assert changed.json()["base_url"] == "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1"
    gone = await caller("PATCH", f"providers/{made['id']}", json={"region": None})
    assert gone.json()["type"] == "urn:llmo:problem:region_required"


async def test_credentials_do_not_follow_a_provider_to_another_host_unless_they_are_given_again(
    caller: Caller,
) -> None:
    made = await caller.provider()
    thief = {"base_url": "https://collector.example/v1"}

    moved = await caller("PATCH", f"providers/{made['id']}", json=thief)
    assert (moved.status_code, moved.json()["type"]) == (
        400,
        "urn:llmo:problem:credentials_for_another_address",
    )
    same_host = {"base_url": "https://api.openai.com/v2"}
    assert (await caller("PATCH", f"providers/{made['id']}", json=same_host)).status_code == 200
    again = await caller("PATCH", f"providers/{made['id']}", json={**thief, "api_key": "sk-another-0123456789"})
    assert (again.status_code, again.json()["credentials_hint"]) == (200, "6789")
    back = await caller("PATCH", f"providers/{made['id']}", json={"base_url": None})
    assert back.status_code == 400


async def test_an_api_key_can_be_taken_away_only_where_none_is_needed(caller: Caller) -> None:
    needed = await caller.provider()
    answer = await caller("PATCH", f"providers/{needed['id']}", json={"api_key": None})
    assert answer.json()["type"] == "urn:llmo:problem:credentials_required"

    vllm = await caller.provider("vllm", kind="openai_compatible", base_url="https://vllm.example/v1")
    answer = await caller("PATCH", f"providers/{vllm['id']}", json={"api_key": None})
    assert (answer.status_code, answer.json()["credentials_hint"]) == (200, None)


async def test_a_provider_that_models_or_routes_use_stays_and_they_are_named(caller: Caller) -> None:
    provider = await caller.provider()
    path = f"providers/{provider['id']}"
    model = await caller.model(provider, "fast")
    refused = await caller("DELETE", path)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:provider_in_use")
    assert "fast" in refused.json()["detail"]

    await caller("DELETE", f"models/{model['id']}")
    route = await caller.route("chat", "openai/gpt-4o")
    for refused in (await caller("DELETE", path), await caller("PATCH", path, json={"name": "other"})):
        assert (refused.status_code, "chat" in refused.json()["detail"]) == (409, True)
    await caller("DELETE", f"routes/{route['id']}")
    assert (await caller("DELETE", path)).status_code == 204


async def test_pages_show_each_provider_once_the_newest_first(caller: Caller) -> None:
    names = [f"p{number}" for number in range(5)]
    for name in names:
        await caller.provider(name)
    first = (await caller("GET", "providers", params={"limit": 2})).json()
    second = (await caller("GET", "providers", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    last = (await caller("GET", "providers", params={"limit": 2, "cursor": second["next_cursor"]})).json()
    shown = [provider["name"] for page in (first, second, last) for provider in page["data"]]
    assert (shown, last["next_cursor"]) == (names[::-1], None)
    assert (await caller("GET", "providers", params={"cursor": "nonsense"})).status_code == 400


async def test_a_repeated_request_has_its_effect_once(caller: Caller, management: Management) -> None:
    key = {"Idempotency-Key": "once"}
    first = await caller("POST", "providers", json=OPENAI, headers=key)
    again = await caller("POST", "providers", json=OPENAI, headers=key)
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, first.json(), first.headers["etag"])
    assert again.headers["x-llmo-idempotent-replay"] == "true"
    assert len(await management.announced(caller.org.org_id)) == 1
    other = await caller("POST", "providers", json={**OPENAI, "name": "other"}, headers=key)
    assert other.status_code == 422


async def test_reading_and_writing_are_rights_of_their_own(caller: Caller) -> None:
    made = await caller.provider()
    reader = Caller(caller.org, permissions=frozenset({"models:read"}))
    assert (await reader("GET", "providers")).status_code == 200
    calls = [
        ("POST", "providers", OPENAI),
        ("PATCH", f"providers/{made['id']}", {}),
        ("DELETE", f"providers/{made['id']}", None),
        ("POST", f"providers/{made['id']}/test", None),
    ]
    for method, path, body in calls:
        assert (await reader(method, path, json=body)).status_code == 403, (method, path)
    nobody = Caller(caller.org, permissions=frozenset({"llm:call"}))
    assert (await nobody("GET", "providers")).status_code == 403


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    made = await caller.provider()
    path = f"providers/{made['id']}"
    calls = [
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
    ]
    for method, target, body in calls:
        assert (await stranger(method, target, json=body)).status_code == 404, (method, target)
    assert (await stranger("GET", "providers")).json()["data"] == []
    assert (await caller("GET", path)).json() == made


async def test_every_change_is_announced_and_told_to_gateways(caller: Caller, management: Management) -> None:
    made = await caller.provider()
    versions = [await management.config_version(caller.org)]
    await caller("PATCH", f"providers/{made['id']}", json={"api_key": "sk-another-0123456789"})
    versions.append(await management.config_version(caller.org))
    await caller("DELETE", f"providers/{made['id']}")
    versions.append(await management.config_version(caller.org))

    assert None not in versions
    assert len(set(versions)) == 3
    created, changed, removed = await management.announced(caller.org.org_id)
    assert [created.type, changed.type, removed.type] == [
        "llmo.integration.provider.created",
        "llmo.integration.provider.changed",
        "llmo.integration.provider.removed",
    ]
    assert created.data["base_url"] == "https://api.openai.com/v1"
    assert (changed.data["changed"], changed.data["version"]) == (["api_key"], 2)
    assert {event.data["provider_id"] for event in (created, changed, removed)} == {made["id"]}


async def test_what_is_refused_is_neither_announced_nor_told(caller: Caller, management: Management) -> None:
    await caller.provider()
    version = await management.config_version(caller.org)
    await caller("POST", "providers", json=OPENAI)
    assert await management.config_version(caller.org) == version
    assert len(await management.announced(caller.org.org_id)) == 1


async def test_an_organization_that_is_closed_changes_nothing_any_more(caller: Caller, auth_database: Database) -> None:
    async with auth_database.transaction(caller.org.org_id) as connection:
        await connection.execute("UPDATE auth.organizations SET closed_at = now() WHERE id = %s", (caller.org.org_id,))
    answer = await caller("POST", "providers", json=OPENAI)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:unknown_organization")
