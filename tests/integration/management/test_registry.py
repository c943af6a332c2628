"""The registry over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llmo_core.ids import new_id
from tests.integration.management.calling import Caller, Management
from tests.integration.management.clocks import At

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


async def test_a_model_is_a_providers_under_a_name_of_ones_own(caller: Caller) -> None:
    provider = await caller.provider()
    answer = await caller(
        "POST",
        "models",
        json={
            "name": "team/fast",
            "provider_id": provider["id"],
            "upstream_model": "gpt-4o-mini",
            "capabilities": ["vision", "chat", "vision"],
            "context_window": 128_000,
            "retired_at": "2027-06-01T02:00:00+02:00",
        },
    )
    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert (made["capabilities"], made["max_output_tokens"]) == (["chat", "vision"], None)
    assert made["retired_at"] == "2027-06-01T00:00:00Z"
    assert (await caller("GET", f"models/{made['id']}")).json() == made
    assert (await caller("GET", "models")).json() == {"data": [made], "next_cursor": None}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "a b"}, 422),
        ({"name": ""}, 422),
        ({"upstream_model": "a b"}, 422),
        ({"capabilities": ["fly"]}, 422),
        ({"context_window": 0}, 422),
        ({"context_window": 2**31}, 422),
        ({"deprecated_at": "2026-01-01T00:00:00"}, 422),
        ({"deprecated_at": "9999-12-31T23:59:59Z"}, 422),
        ({"deprecated_at": "0001-01-01T00:00:00+14:00"}, 422),
        ({"deprecated_at": "2027-01-02T00:00:00Z", "retired_at": "2027-01-01T00:00:00Z"}, 400),
        ({"provider_id": str(new_id())}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(caller: Caller, change: dict[str, Any], status: int) -> None:
    provider = await caller.provider()
    good = {"name": "fast", "provider_id": provider["id"], "upstream_model": "gpt-4o-mini"}
    assert (await caller("POST", "models", json={**good, **change})).status_code == status
    model = await caller.model(provider)
    assert (await caller("PATCH", f"models/{model['id']}", json=change)).status_code == status


async def test_another_organizations_provider_is_none(caller: Caller, stranger: Caller) -> None:
    provider = await stranger.provider()
    answer = await caller(
        "POST", "models", json={"name": "fast", "provider_id": provider["id"], "upstream_model": "gpt-4o-mini"}
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:no_such_provider")


async def test_a_removed_provider_is_none(caller: Caller) -> None:
    first, second = await caller.provider("first"), await caller.provider("second")
    model = await caller.model(second)
    await caller("DELETE", f"providers/{first['id']}")
    answer = await caller("PATCH", f"models/{model['id']}", json={"provider_id": first["id"]})
    assert answer.json()["type"] == "urn:llmo:problem:no_such_provider"


async def test_a_name_is_a_models_or_a_routes(caller: Caller) -> None:
    provider = await caller.provider()
    await caller.model(provider, "fast")
    other = await caller.model(provider, "slow")
    await caller.route("chat", "fast")
    body = {"provider_id": provider["id"], "upstream_model": "x"}
    for name in ("fast", "chat"):
        taken = await caller("POST", "models", json={**body, "name": name})
        assert (taken.status_code, taken.json()["type"]) == (409, "urn:llmo:problem:name_taken")
        taken = await caller("PATCH", f"models/{other['id']}", json={"name": name})
        assert taken.status_code == 409
    taken = await caller("POST", "routes", json={"name": "slow", "targets": [{"model": "fast"}]})
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:llmo:problem:name_taken")


async def test_a_change_is_made_to_the_version_that_it_is_meant_for_and_announced(
    caller: Caller, management: Management
) -> None:
    model = await caller.model(await caller.provider())
    path = f"models/{model['id']}"
    changed = await caller("PATCH", path, json={"context_window": 8000}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["context_window"]) == (200, '"2"', 8000)
    stale = await caller("PATCH", path, json={"context_window": 9000}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")
    unset = await caller("PATCH", path, json={"context_window": None})
    assert unset.json()["context_window"] is None
    assert (await caller("DELETE", path)).status_code == 204
    assert (await caller("DELETE", path)).status_code == 404
    types = [event.type for event in await management.announced(caller.org.org_id)]
    assert types[1:] == [
        "llmo.integration.model.created",
        "llmo.integration.model.changed",
        "llmo.integration.model.changed",
        "llmo.integration.model.removed",
    ]


async def test_a_model_that_routes_use_keeps_its_name_and_stays_and_they_are_named(caller: Caller) -> None:
    model = await caller.model(await caller.provider())
    await caller.route("chat", "fast")
    path = f"models/{model['id']}"
    for refused in (await caller("DELETE", path), await caller("PATCH", path, json={"name": "quick"})):
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:model_in_use")
        assert "chat" in refused.json()["detail"]
    assert (await caller("PATCH", path, json={"upstream_model": "gpt-5"})).status_code == 200


async def test_prices_are_decimal_text_the_latest_first(caller: Caller) -> None:
    model = await caller.model(await caller.provider())
    path = f"models/{model['id']}/prices"
    past = {"effective_from": "2026-01-01T00:00:00Z", "input_mtok": "0.150", "output_mtok": "0.6"}
    tiny = {
        "effective_from": "2099-01-01T00:00:00Z",
        "input_mtok": "0.000000000001",
        "cached_input_mtok": "0",
        "output_mtok": "1000",
    }
    assert (await caller("GET", path)).json() == {"data": []}
    first = await caller("PUT", path, json=past)
    assert (first.status_code, first.json()) == (200, past | {"input_mtok": "0.15", "cached_input_mtok": None})
    await caller("PUT", path, json=tiny)
    assert (await caller("GET", path)).json() == {"data": [tiny, first.json()]}


async def test_a_price_is_replaced_only_while_it_is_to_come(caller: Caller, management: Management) -> None:
    management.clock = clock = At(NOW)
    model = await caller.model(await caller.provider())
    path = f"models/{model['id']}/prices"
    moment = (NOW + timedelta(hours=1)).isoformat()
    price = {"effective_from": moment, "input_mtok": "1", "output_mtok": "2"}
    for dollars in ("1", "3"):
        assert (await caller("PUT", path, json={**price, "input_mtok": dollars})).status_code == 200
    clock.moment = NOW + timedelta(hours=1)
    late = await caller("PUT", path, json={**price, "input_mtok": "4"})
    assert (late.status_code, late.json()["type"]) == (409, "urn:llmo:problem:price_in_effect")
    assert [shown["input_mtok"] for shown in (await caller("GET", path)).json()["data"]] == ["3"]


@pytest.mark.parametrize("dollars", ["-1", "1e9", "NaN", "Infinity", "0.0000000000001", "x", None])
async def test_a_price_is_an_amount_of_dollars(caller: Caller, dollars: str | None) -> None:
    model = await caller.model(await caller.provider())
    body = {"effective_from": "2099-01-01T00:00:00Z", "input_mtok": dollars, "output_mtok": "1"}
    assert (await caller("PUT", f"models/{model['id']}/prices", json=body)).status_code == 422


async def test_a_price_is_announced_and_told_to_gateways(caller: Caller, management: Management) -> None:
    model = await caller.model(await caller.provider())
    before = await management.config_version(caller.org)
    body = {"effective_from": "2099-01-01T00:00:00Z", "input_mtok": "1", "output_mtok": "2"}
    await caller("PUT", f"models/{model['id']}/prices", json=body)
    assert await management.config_version(caller.org) != before
    priced = (await management.announced(caller.org.org_id))[-1]
    assert (priced.type, priced.data["price"]["output_mtok"]) == ("llmo.integration.model.priced", "2")


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    model = await caller.model(await caller.provider())
    path = f"models/{model['id']}"
    price = {"effective_from": "2099-01-01T00:00:00Z", "input_mtok": "1", "output_mtok": "2"}
    calls = [
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        ("GET", f"{path}/prices", None),
        ("PUT", f"{path}/prices", price),
    ]
    for method, target, body in calls:
        assert (await stranger(method, target, json=body)).status_code == 404, (method, target)
    assert (await stranger("GET", "models")).json()["data"] == []


async def test_a_reader_changes_nothing(caller: Caller) -> None:
    model = await caller.model(await caller.provider())
    reader = Caller(caller.org, permissions=frozenset({"models:read"}))
    assert (await reader("GET", f"models/{model['id']}/prices")).status_code == 200
    for method, path in (("POST", "models"), ("PATCH", f"models/{model['id']}"), ("DELETE", f"models/{model['id']}")):
        assert (await reader(method, path, json={})).status_code in {403, 422}
    assert (await reader("DELETE", f"models/{model['id']}")).status_code == 403
