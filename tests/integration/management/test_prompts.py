"""Prompts and their versions over HTTP, and as the gateway reads them."""

import asyncio
from typing import Any

import pytest

from integration.gateway.configuration_rows import PostgresConfigurations
from integration.gateway.organization import Prompt
from integration.gateway.organization_record import parse
from integration.gateway.prompt_rows import PostgresPromptVersions
from integration.management.prompts.models import MOST_PROMPTS, MOST_VERSIONS
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management

MESSAGES = [{"role": "system", "content": "You know {{ product }}."}, {"role": "user", "content": "{{question}}"}]
VERSION = {"messages": MESSAGES, "defaults": {"model": "gpt-4o-mini"}, "note": "First"}
VALUES = {"product": "trains", "question": "When?"}


async def test_a_prompt_gets_versions_and_labels(caller: Caller, management: Management) -> None:
    prompt = await caller.made("prompts", name="support", description="For customers")
    path = f"prompts/{prompt['id']}"
    assert (prompt["newest"], prompt["labels"], prompt["version"]) == (0, {}, 1)

    first = await caller.made(f"{path}/versions", **VERSION, labels=["production"])
    second = await caller.made(f"{path}/versions", messages=MESSAGES[:1])

    assert (first["number"], first["variables"], first["note"]) == (1, ["product", "question"], "First")
    assert (second["number"], second["variables"], second["defaults"]) == (2, ["product"], {})
    assert (await caller("GET", f"{path}/versions")).json() == {"data": [second, first], "next_cursor": None}
    assert (await caller("GET", f"{path}/versions/1")).json() == first
    moved = await caller("PATCH", path, json={"labels": {"production": 2, "old": 1}}, headers={"If-Match": '"3"'})
    assert (moved.status_code, moved.headers["etag"], moved.json()["labels"]) == (
        200,
        '"4"',
        {"production": 2, "old": 1},
    )
    assert (await caller("GET", path)).json() == moved.json()
    events = await management.announced(caller.org.org_id)
    changes = [event.data["changed"] for event in events if event.type.endswith("prompt.changed")]
    assert changes == [["labels", "newest"], ["newest"], ["labels"]]

    assert (await caller("DELETE", path)).status_code == 204
    for gone in (path, f"{path}/versions", f"{path}/versions/1"):
        assert (await caller("GET", gone)).status_code == 404
    assert (await caller.made("prompts", name="support"))["newest"] == 0


async def test_a_prompt_can_be_tried_without_asking_anybody(caller: Caller) -> None:
    prompt = await caller.prompt("support", VERSION, {"messages": MESSAGES[:1], "labels": ["staging"]})
    path = f"prompts/{prompt['id']}/render"

    shown = await caller("POST", path, json={"version": 1, "variables": VALUES})

    assert (shown.status_code, shown.json()) == (
        200,
        {
            "number": 1,
            "messages": [{"role": "system", "content": "You know trains."}, {"role": "user", "content": "When?"}],
            "defaults": {"model": "gpt-4o-mini"},
        },
    )
    assert (await caller("POST", path, json={"version": "staging", "variables": {"product": 7}})).status_code == 200
    for body, told in (
        ({"version": 3}, "no version 3"),
        ({"version": "beta"}, "no version 'beta'"),
        ({"version": 1, "variables": {"product": "x"}}, "no value: question"),
        ({"variables": {"product": "x", "colour": "red"}}, "no such variables: colour"),
    ):
        refused = await caller("POST", path, json=body)
        assert (refused.status_code, told in refused.json()["detail"]) == (400, True), refused.text


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": "x", "name": "y"}]},
        {"messages": [{"role": "user", "content": "x" * 65_536}]},
        {"messages": [{"role": "user", "content": "nul \x00"}]},
        {"messages": MESSAGES * 51},
        {"messages": MESSAGES, "defaults": {"messages": []}},
        {"messages": MESSAGES, "defaults": {"stream": True}},
        {"messages": MESSAGES, "defaults": {"stop": "x" * 16_384}},
        {"messages": MESSAGES, "defaults": {"stop": "\x00"}},
        {"messages": MESSAGES, "defaults": []},
        {"messages": MESSAGES, "defaults": {"seed": 10**30}},
        {"messages": MESSAGES, "note": "x" * 501},
        {"messages": MESSAGES, "labels": ["7"]},
        {"messages": MESSAGES, "labels": [f"l{number}" for number in range(21)]},
        {"messages": MESSAGES, "number": 7},
    ],
)
async def test_a_malformed_version_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    prompt = await caller.prompt()
    assert (await caller("POST", f"prompts/{prompt['id']}/versions", json=body)).status_code == 422
    assert (await caller("GET", f"prompts/{prompt['id']}")).json()["newest"] == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"labels": {"production": 2}}, 404),
        ({"labels": {"production": 0}}, 422),
        ({"labels": {"2": 1}}, 422),
        ({"labels": ["production"]}, 422),
        ({"name": "no spaces"}, 422),
        ({"name": "other"}, 409),
        ({"newest": 7}, 422),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused(caller: Caller, body: dict[str, Any], status: int) -> None:
    prompt = await caller.prompt("support", VERSION)
    await caller.prompt("other")

    assert (await caller("PATCH", f"prompts/{prompt['id']}", json=body)).status_code == status
    assert (await caller("GET", f"prompts/{prompt['id']}")).json()["version"] == 2
    assert (await caller("POST", "prompts", json={"name": "support"})).status_code == 409


async def test_versions_that_are_added_at_the_same_time_have_numbers_of_their_own(caller: Caller) -> None:
    prompt = await caller.prompt()

    made = await asyncio.gather(*(caller.made(f"prompts/{prompt['id']}/versions", **VERSION) for _ in range(8)))

    assert sorted(version["number"] for version in made) == list(range(1, 9))
    page = (await caller("GET", f"prompts/{prompt['id']}/versions?limit=5")).json()
    rest = (await caller("GET", f"prompts/{prompt['id']}/versions?cursor={page['next_cursor']}")).json()
    assert [version["number"] for version in [*page["data"], *rest["data"]]] == list(range(8, 0, -1))


async def test_a_version_is_added_for_the_prompt_that_it_is_meant_for(caller: Caller) -> None:
    prompt = await caller.prompt("support", VERSION)
    stale = await caller("POST", f"prompts/{prompt['id']}/versions", json=VERSION, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    path = f"prompts/{(await caller.prompt('support', VERSION))['id']}"

    assert (await stranger("GET", "prompts")).json()["data"] == []
    for method, below, body in (
        ("GET", "", None),
        ("PATCH", "", {"description": "mine"}),
        ("DELETE", "", None),
        ("GET", "/versions", None),
        ("GET", "/versions/1", None),
        ("POST", "/versions", VERSION),
        ("POST", "/render", {"variables": VALUES}),
    ):
        answer = await stranger(method, path + below, json=body)
        assert (answer.status_code, "support" in answer.text) == (404, False), answer.text
    assert (await caller("GET", path)).json()["version"] == 2


async def test_the_gateway_reads_names_labels_and_versions(caller: Caller, integration_database: Database) -> None:
    prompt = await caller.prompt("support", VERSION, {**VERSION, "labels": ["production"]})
    removed = await caller.prompt("gone", VERSION)
    await caller("DELETE", f"prompts/{removed['id']}")
    org_ref = caller.org.org_ref

    organization = parse("", await PostgresConfigurations(integration_database).record(org_ref))
    versions = PostgresPromptVersions(integration_database)

    assert organization.prompts == {"support": Prompt(prompt["id"], "support", 2, {"production": 2})}
    assert await versions.find(org_ref, prompt["id"], 2) == {"messages": MESSAGES, "defaults": {"model": "gpt-4o-mini"}}
    assert await versions.find(org_ref, prompt["id"], 3) is None
    assert await versions.find(org_ref, str(new_id()), 1) is None
    assert await versions.find("0NoSuchOrg", prompt["id"], 2) is None


async def test_a_prompt_has_so_many_labels_and_no_more(caller: Caller) -> None:
    prompt = await caller.prompt("support", {**VERSION, "labels": [f"l{number}" for number in range(20)]})
    path = f"prompts/{prompt['id']}"

    added = await caller("POST", f"{path}/versions", json={**VERSION, "labels": ["another"]})

    assert (added.status_code, added.json()["type"]) == (400, "urn:llmo:problem:too_many_labels")
    assert (await caller("GET", path)).json()["newest"] == 1
    assert (await caller("POST", f"{path}/versions", json={**VERSION, "labels": ["l3"]})).status_code == 201


async def test_an_organization_has_so_many_prompts_and_no_more(
    caller: Caller, stranger: Caller, integration_database: Database
) -> None:
    first = await caller.prompt("first")
    async with integration_database.transaction(caller.org.org_id) as connection:
        await connection.execute(
            """
            INSERT INTO integration.prompts (id, org_id, name, description, newest, labels, version, created_by,
                created_at, updated_at)
            SELECT gen_random_uuid(), org_id, 'p' || number, '', 0, '{}', 1, created_by, created_at, updated_at
            FROM integration.prompts, generate_series(2, %s) AS number
            WHERE name = 'first'
            """,
            (MOST_PROMPTS,),
        )
    refused = await caller("POST", "prompts", json={"name": "another"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:too_many_prompts")
    await stranger.prompt("another")
    await caller("DELETE", f"prompts/{first['id']}")
    await caller.prompt("another")


async def test_a_prompt_has_so_many_versions_and_no_more(caller: Caller, integration_database: Database) -> None:
    prompt = await caller.prompt("support", VERSION)
    async with integration_database.transaction(caller.org.org_id) as connection:
        await connection.execute(
            "UPDATE integration.prompts SET newest = %s WHERE id = %s", (MOST_VERSIONS - 1, prompt["id"])
        )
    path = f"prompts/{prompt['id']}/versions"
    assert (await caller("POST", path, json=VERSION)).json()["number"] == MOST_VERSIONS
    refused = await caller("POST", path, json=VERSION)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:too_many_versions")
    assert (await caller("GET", f"prompts/{prompt['id']}")).json()["newest"] == MOST_VERSIONS
