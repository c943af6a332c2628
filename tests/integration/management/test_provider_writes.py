"""Whoever writes about providers: once, with the right to, in their own organization, and everybody hears of it."""

from tests.integration.management.calling import API_KEY, Caller, Management
from tests.integration.organizations import MakeOrg

OPENAI = {"name": "openai", "kind": "openai", "api_key": API_KEY}


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


async def test_an_organization_that_is_closed_changes_nothing_any_more(caller: Caller, make_org: MakeOrg) -> None:
    closing = "UPDATE auth.organizations SET closed_at = now() WHERE id = %s"
    await make_org.connection.execute(closing, (caller.org.org_id,))
    answer = await caller("POST", "providers", json=OPENAI)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:unknown_organization")
