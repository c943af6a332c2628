"""Optimization policies over HTTP, and as the gateway reads them."""

from typing import Any

import pytest

from integration.choices import Caching, SemanticMode
from integration.gateway.configuration_rows import PostgresConfigurations
from integration.gateway.organization import Policy, Semantic
from integration.gateway.organization_record import parse
from integration.management.policies.models import MOST_POLICIES
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management

PLAIN: dict[str, Any] = {
    "compact": False,
    "trim_to_tokens": None,
    "max_output_tokens": None,
    "prompt_cache": False,
    "substitute_models": {},
    "substitute_up_to_tokens": None,
    "cache": "exact",
    "cache_any_temperature": False,
    "cache_ttl_seconds": 86_400,
    "cache_namespace": None,
    "semantic_mode": "shadow",
    "semantic_threshold": 0.94,
    "semantic_embedding_model": None,
}
SEMANTIC = {"cache": "semantic", "semantic_embedding_model": "text-embedding-3-small"}


async def test_policies_are_of_projects_and_one_of_all_others(caller: Caller) -> None:
    project = str(caller.org.project_id)
    first = await caller("PUT", "policies/default", json={})
    own = await caller("PUT", f"policies/{project}", json={"compact": True, "trim_to_tokens": 100, "cache": "off"})
    for answer, subject in ((first, None), (own, project)):
        assert (answer.status_code, answer.headers["etag"], answer.json()["project_id"]) == (201, '"1"', subject)
    assert first.json() | PLAIN == first.json()
    assert own.json() | {**PLAIN, "compact": True, "trim_to_tokens": 100, "cache": "off"} == own.json()
    assert (await caller("GET", "policies")).json() == {"data": [first.json(), own.json()], "next_cursor": None}
    assert (await caller("GET", "policies/default")).json() == first.json()
    assert (await caller("GET", f"policies/{project}")).json() == own.json()


@pytest.mark.parametrize(
    "body",
    [
        {"compact": 1},
        {"compact": None},
        {"trim_to_tokens": 99},
        {"trim_to_tokens": 2**31},
        {"max_output_tokens": 0},
        {"prompt_cache": "yes"},
        {"cache": "semantic"},
        {"cache": "semantic", "semantic_embedding_model": None},
        {"semantic_embedding_model": ""},
        {"semantic_embedding_model": "two words"},
        {**SEMANTIC, "semantic_mode": "off"},
        {**SEMANTIC, "semantic_threshold": 0.89},
        {**SEMANTIC, "semantic_threshold": 1.01},
        {**SEMANTIC, "semantic_threshold": None},
        {**SEMANTIC, "semantic_threshold": "0.95"},
        {**SEMANTIC, "semantic_threshold": True},
        {"cache_ttl_seconds": 0},
        {"cache_ttl_seconds": 2_592_001},
        {"cache_ttl_seconds": None},
        {"cache_any_temperature": 1},
        {"cache_namespace": ""},
        {"substitute_models": {"gpt-4o": ""}},
        {"substitute_models": {"": "gpt-4o"}},
        {"substitute_models": ["gpt-4o"]},
        {"substitute_models": {f"m{number}": "m" for number in range(51)}},
        {"substitute_up_to_tokens": 0},
        {"cache_namespace": "x" * 65},
        {"cache_namespace": "one two"},
        {"luck": True},
    ],
)
async def test_a_malformed_policy_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    assert (await caller("PUT", "policies/default", json=body)).status_code == 422
    assert (await caller("GET", "policies")).json()["data"] == []


async def test_meanings_are_compared_in_the_shadow_unless_the_policy_says_otherwise(
    caller: Caller, integration_database: Database
) -> None:
    async def read() -> Policy | None:
        record = await PostgresConfigurations(integration_database).record(caller.org.org_ref)
        return parse("", record).terms(new_id(), new_id()).policy

    set_up = await caller("PUT", "policies/default", json=SEMANTIC)
    assert set_up.json() | {**PLAIN, **SEMANTIC} == set_up.json()
    assert await read() == Policy(cache=Caching.SEMANTIC, semantic=Semantic("text-embedding-3-small"))

    given = {**SEMANTIC, "semantic_embedding_model": "acme/embed-v3", "semantic_mode": "on", "semantic_threshold": 0.97}
    assert (await caller("PUT", "policies/default", json=given)).status_code == 200
    assert await read() == Policy(
        cache=Caching.SEMANTIC, semantic=Semantic("acme/embed-v3", SemanticMode.ON, threshold=0.97)
    )

    await caller("PUT", "policies/default", json={**given, "cache": "form"})
    assert await read() == Policy(cache=Caching.FORM)  # what is set for `semantic` waits there


async def test_a_policy_is_set_for_the_version_that_it_is_meant_for_announced_and_told(
    caller: Caller, management: Management
) -> None:
    none = await caller("PUT", "policies/default", json={}, headers={"If-Match": '"1"'})
    assert (none.status_code, none.json()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")
    assert await management.config_version(caller.org) is None

    made = await caller("PUT", "policies/default", json={"cache_ttl_seconds": 60})
    changed = await caller("PUT", "policies/default", json={"compact": True}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json() | {**PLAIN, "compact": True} == changed.json()
    stale = await caller("PUT", "policies/default", json={}, headers={"If-Match": made.headers["etag"]})
    assert stale.status_code == 412
    version = await management.config_version(caller.org)
    same = await caller("PUT", "policies/default", json={"compact": True})
    assert (same.status_code, same.json()) == (200, changed.json())
    assert (await caller("DELETE", "policies/default")).status_code == 204
    assert await management.config_version(caller.org) != version
    events = await management.announced(caller.org.org_id)
    assert [event.type.rpartition(".")[2] for event in events] == ["changed", "changed", "removed"]
    told = {name: events[0].data[name] for name in ("project_id", "cache", "cache_ttl_seconds")}
    assert told == {"project_id": None, "cache": "exact", "cache_ttl_seconds": 60}
    assert events[2].data == {"project_id": None, "key_id": None, "removed_by": str(caller.org.key_id)}


@pytest.mark.parametrize("whose", ["default", "01890000-0000-7000-8000-000000000001"])
async def test_a_policy_that_was_removed_is_another_one_when_it_is_set_again(caller: Caller, whose: str) -> None:
    path = f"policies/{whose}"
    await caller("PUT", path, json={})
    assert (await caller("DELETE", path)).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await caller(method, path)
        assert (gone.status_code, gone.json()["type"]) == (404, "urn:llmo:problem:unknown_policy")
    again = await caller("PUT", path, json={})
    assert (again.status_code, again.headers["etag"]) == (201, '"2"')
    assert (await caller("PUT", path, json={"compact": True}, headers={"If-Match": '"1"'})).status_code == 412


async def test_lists_have_pages_in_the_order_of_the_projects(caller: Caller) -> None:
    projects = sorted(str(new_id()) for _ in range(3))
    for whose in [*projects[::-1], "default"]:
        await caller("PUT", f"policies/{whose}", json={})
    pages: list[list[str | None]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await caller("GET", f"policies?limit=1{cursor and f'&cursor={cursor}'}")).json()
        pages.append([policy["project_id"] for policy in page["data"]])
        cursor = page["next_cursor"]
    assert pages == [[None], *([project] for project in projects)]


async def test_the_gateway_reads_what_holds_for_a_project(caller: Caller, integration_database: Database) -> None:
    rows = PostgresConfigurations(integration_database)
    own, removed = caller.org.project_id, new_id()

    async def policies() -> tuple[Policy, Policy, Policy]:
        organization = parse("", await rows.record(caller.org.org_ref))
        terms = [organization.terms(new_id(), project) for project in (own, removed, new_id())]
        found = [which.policy for which in terms if which.policy is not None]
        return found[0], found[1], found[2]

    assert await policies() == (Policy(), Policy(), Policy())
    await caller("PUT", f"policies/{own}", json={"cache": "off", "cache_ttl_seconds": 5, "max_output_tokens": 7})
    await caller("PUT", f"policies/{removed}", json={"cache": "off"})
    await caller("DELETE", f"policies/{removed}")
    special = Policy(cache=Caching.OFF, cache_ttl=5, max_output_tokens=7)
    assert await policies() == (special, Policy(), Policy())
    substituting = {"substitute_models": {"gpt-4o": "gpt-4o-mini"}, "substitute_up_to_tokens": 9}
    rules = {"compact": True, "trim_to_tokens": 500, "prompt_cache": True, **substituting}
    put = (await caller("PUT", "policies/default", json=rules)).json()
    assert put | rules == put
    default = Policy(
        compact=True,
        trim_to_tokens=500,
        prompt_cache=True,
        substitutes={"gpt-4o": "gpt-4o-mini"},
        substitute_up_to=9,
    )
    assert await policies() == (special, default, default)


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    path = f"policies/{caller.org.project_id}"
    await caller("PUT", path, json={"compact": True})
    for method in ("GET", "DELETE"):
        assert (await stranger(method, path)).status_code == 404, method
    theirs = await stranger("PUT", path, json={"cache": "off"})
    assert (theirs.status_code, theirs.headers["etag"]) == (201, '"1"')
    shown = (await caller("GET", path)).json()
    assert (shown["compact"], shown["cache"]) == (True, "exact")


async def test_a_reader_changes_nothing(caller: Caller) -> None:
    reader = Caller(caller.org, permissions=frozenset({"models:read"}))
    assert (await reader("GET", "policies")).status_code == 200
    for whose in ("default", caller.org.project_id):
        assert (await reader("PUT", f"policies/{whose}", json={})).status_code == 403
        assert (await reader("DELETE", f"policies/{whose}")).status_code == 403


async def test_an_organization_has_so_many_policies_and_no_more(
    caller: Caller, stranger: Caller, integration_database: Database
) -> None:
    path = f"policies/keys/{new_id()}"
    await caller("PUT", path, json={})
    async with integration_database.transaction(caller.org.org_id) as connection:
        await connection.execute(
            """
            INSERT INTO integration.policies (org_id, key_id, compact, prompt_cache, cache, cache_ttl_seconds, version,
                updated_by, updated_at)
            SELECT org_id, gen_random_uuid(), compact, prompt_cache, cache, cache_ttl_seconds, 1, updated_by, updated_at
            FROM integration.policies, generate_series(2, %s)
            """,
            (MOST_POLICIES,),
        )
    another = f"policies/keys/{new_id()}"
    for whose in (another, f"policies/{new_id()}", "policies/default"):
        refused = await caller("PUT", whose, json={})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:too_many_policies")
    assert (await caller("PUT", path, json={"compact": True})).status_code == 200
    assert (await stranger("PUT", another, json={})).status_code == 201
    assert (await caller("DELETE", path)).status_code == 204
    assert (await caller("PUT", another, json={})).status_code == 201
