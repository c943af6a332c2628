"""Changes of a configuration: one at a time, and told to gateways only once they are committed."""

import asyncio

import pytest
from redis.asyncio import Redis

from integration.configuration_changes import Changes
from llmo_core.ids import new_id_text
from llmo_data.postgres import Database
from tests.integration.management.calling import Caller, Management
from tests.integration.organizations import Org


async def test_without_redis_a_change_is_made_all_the_same(
    management: Management, org: Org, integration_database: Database, redis_down: Redis
) -> None:
    down = Changes(database=integration_database, redis=redis_down, new_version=new_id_text)
    management.shared["change"] = down.change
    made = await management.caller(org).provider()
    assert (await management.caller(org)("GET", f"providers/{made['id']}")).status_code == 200
    assert await management.config_version(org) is None


async def test_a_change_that_fails_tells_nobody(management: Management, org: Org) -> None:
    with pytest.raises(LookupError):
        async with management.shared["change"](org.org_id):
            raise LookupError
    assert await management.config_version(org) is None


async def test_changes_of_one_organization_wait_for_each_other_and_those_of_others_do_not(
    management: Management, org: Org, stranger: Caller
) -> None:
    order: list[str] = []

    async def change(name: str) -> None:
        async with management.shared["change"](org.org_id):
            order.append(f"{name} begins")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    first, second = asyncio.create_task(change("first")), asyncio.create_task(change("second"))
    await asyncio.sleep(0)
    await stranger.provider()
    await asyncio.gather(first, second)
    assert order in (
        ["first begins", "first ends", "second begins", "second ends"],
        ["second begins", "second ends", "first begins", "first ends"],
    )


async def test_of_a_model_and_a_route_that_are_made_at_once_under_one_name_one_is_refused(caller: Caller) -> None:
    provider = await caller.provider()
    model = {"name": "fast", "provider_id": provider["id"], "upstream_model": "m"}
    route = {"name": "fast", "targets": [{"model": "gpt-4o"}]}
    answers = await asyncio.gather(
        caller("POST", "models", json=model), caller("POST", "routes", json=route), caller("POST", "models", json=model)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_a_change_of_nothing_is_none(caller: Caller, management: Management) -> None:
    model = await caller.model(await caller.provider())
    route = await caller.route("chat", "fast")
    before = len(await management.announced(caller.org.org_id))
    for path in (f"providers/{model['provider_id']}", f"models/{model['id']}", f"routes/{route['id']}"):
        answer = await caller("PATCH", path, json={})
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert len(await management.announced(caller.org.org_id)) == before


async def test_of_two_changes_that_are_meant_for_one_version_one_is_refused(caller: Caller) -> None:
    made = await caller.provider()
    answers = await asyncio.gather(
        *(
            caller("PATCH", f"providers/{made['id']}", json={"name": name}, headers={"If-Match": '"1"'})
            for name in ("a", "b", "c")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
