"""Purges of the cache over HTTP, and as the gateway reads them."""

from collections.abc import Iterator
from typing import Any

from integration.gateway.configuration_rows import SELECT_LAST_PURGES, PostgresConfigurations
from integration.gateway.organization_record import parse
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management


async def test_a_purge_is_shown_announced_and_told(caller: Caller, management: Management) -> None:
    project = str(caller.org.project_id)
    before = await management.config_version(caller.org)

    of_project = await caller("POST", "cache/purges", json={"project_id": project})
    of_all = await caller("POST", "cache/purges", json={})

    assert (of_project.status_code, of_all.status_code) == (201, 201)
    assert (of_project.json()["project_id"], of_all.json()["project_id"]) == (project, None)
    assert (await caller("GET", "cache/purges")).json()["data"] == [of_all.json(), of_project.json()]
    assert await management.config_version(caller.org) != before
    told = [envelope for envelope in await management.announced(caller.org.org_id) if "cache.purged" in envelope.type]
    assert [envelope.data["purge_id"] for envelope in told] == [of_project.json()["id"], of_all.json()["id"]]


async def test_purges_are_listed_in_pages(caller: Caller) -> None:
    made = [(await caller("POST", "cache/purges", json={})).json()["id"] for _ in range(3)]

    page = (await caller("GET", "cache/purges?limit=2")).json()
    rest = (await caller("GET", f"cache/purges?limit=2&cursor={page['next_cursor']}")).json()

    assert [purge["id"] for purge in [*page["data"], *rest["data"]]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_malformed_purges_are_refused(caller: Caller) -> None:
    bodies: list[Any] = [{"project_id": "all"}, {"model": "gpt-4o"}, []]
    for body in bodies:
        assert (await caller("POST", "cache/purges", json=body)).status_code == 422
    assert (await caller("GET", "cache/purges?cursor=x")).status_code == 400
    assert (await caller("GET", "cache/purges")).json()["data"] == []


async def test_a_repeated_purge_is_one(caller: Caller) -> None:
    headers = {"Idempotency-Key": "once"}
    first, again = [await caller("POST", "cache/purges", json={}, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert len((await caller("GET", "cache/purges")).json()["data"]) == 1


async def test_the_gateway_knows_the_last_purge_and_the_policy_of_a_key(
    caller: Caller, integration_database: Database
) -> None:
    project, key = caller.org.project_id, caller.org.key_id
    for whose in ({"project_id": str(project)}, {"project_id": str(project)}, {}):
        last = (await caller("POST", "cache/purges", json=whose)).json()["id"]
    put = await caller("PUT", f"policies/keys/{key}", json={"cache": "form", "cache_namespace": "mine"})
    assert (put.status_code, put.json()["key_id"], put.json()["project_id"]) == (201, str(key), None)
    assert (await caller("GET", f"policies/keys/{key}")).json() == put.json()
    await caller("PUT", f"policies/{project}", json={"cache": "off"})

    record = await PostgresConfigurations(integration_database).record(caller.org.org_ref)
    organization = parse("1", record)

    own, others = organization.terms(key, project), organization.terms(new_id(), project)
    assert own.policy is not None
    assert (own.policy.cache, own.policy.cache_namespace) == ("form", "mine")
    assert others.policy is not None
    assert others.policy.cache == "off"
    assert own.cache_epoch.startswith(last)
    assert own.cache_epoch == others.cache_epoch
    assert organization.terms(key, new_id()).cache_epoch == last

    assert (await caller("DELETE", f"policies/keys/{key}")).status_code == 204
    assert (await caller("GET", f"policies/keys/{key}")).status_code == 404
    listed = (await caller("GET", "policies")).json()["data"]
    assert [policy["project_id"] for policy in listed] == [str(project)]


async def test_what_the_gateway_reads_does_not_grow_with_the_purges_of_all_times(
    caller: Caller, stranger: Caller, integration_database: Database
) -> None:
    projects = sorted(str(new_id()) for _ in range(3))
    last: dict[str | None, str] = {}
    async with integration_database.transaction(caller.org.org_id) as connection:
        await connection.execute(
            """
            INSERT INTO integration.cache_purges (id, org_id, project_id, purged_by, purged_at)
            SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid, %(org_id)s,
                (ARRAY[%(one)s, %(two)s, %(three)s, NULL]::uuid[])[1 + number %% 4], %(org_id)s, now()
            FROM generate_series(1, 20000) AS number
            """,
            {"org_id": caller.org.org_id, **dict(zip(("one", "two", "three"), projects, strict=True))},
        )
    for project in (*projects, None):
        last[project] = (await caller("POST", "cache/purges", json={"project_id": project})).json()["id"]
    await stranger("POST", "cache/purges", json={})

    async with integration_database.transaction(caller.org.org_id) as connection:
        found = await (await connection.execute(SELECT_LAST_PURGES.encode())).fetchall()
        told = await connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {SELECT_LAST_PURGES}".encode())
        row = await told.fetchone()

    assert {row["project_id"] and str(row["project_id"]): str(row["id"]) for row in found} == last
    assert len(found) == len(last)
    assert row is not None
    assert sum(_rows_read(row["QUERY PLAN"][0]["Plan"])) < 50


def _rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """How many rows each scan of a table touched."""
    if plan.get("Relation Name"):
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from _rows_read(part)
