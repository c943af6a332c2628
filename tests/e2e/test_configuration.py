"""Providers, models and routes of an organization, set up over the front door."""

from uuid import uuid4

from tests.e2e.platform import Platform, ask, unique


async def test_a_provider_a_model_and_a_route_are_set_up_and_the_connection_is_tested(platform: Platform) -> None:
    name = f"fake-{uuid4().hex[:8]}"
    provider = await platform.set_up(
        "providers",
        name=name,
        kind="openai_compatible",
        base_url=platform.stack.addresses["upstream_base_url"],
        api_key="fake-upstream-key",
    )
    tested = await platform.call("POST", f"/api/v1/providers/{provider['id']}/test")
    assert tested.json()["ok"] is True, tested
    assert tested.json()["models_count"] > 0

    model = await platform.set_up("models", name=f"{name}-m", provider_id=provider["id"], upstream_model="gpt-4o-mini")
    price = {"effective_from": "2099-01-01T00:00:00Z", "input_mtok": "0.15", "output_mtok": "0.6"}
    priced = await platform.call("PUT", f"/api/v1/models/{model['id']}/prices", json=price)
    assert priced.json() == price | {"cached_input_mtok": None}
    targets = [{"model": model["name"]}, {"model": f"{name}/gpt-4o"}]
    route = await platform.set_up("routes", name=f"{name}-r", targets=targets)

    in_use = await platform.call("DELETE", f"/api/v1/providers/{provider['id']}")
    assert (in_use.status, model["name"] in in_use.problem()["detail"]) == (409, True)
    for path, thing in (("routes", route), ("models", model), ("providers", provider)):
        shown = await platform.call("GET", f"/api/v1/{path}/{thing['id']}")
        assert (shown.status, shown.json()) == (200, thing)
        assert (await platform.call("DELETE", f"/api/v1/{path}/{thing['id']}")).status == 204


async def test_a_provider_that_nobody_answers_for_says_so(platform: Platform) -> None:
    provider = await platform.set_up(
        "providers",
        name=f"dead-{uuid4().hex[:8]}",
        kind="openai",
        base_url="http://127.0.0.1:9/v1",
        api_key="sk-secret-0123456789",
    )
    tested = await platform.call("POST", f"/api/v1/providers/{provider['id']}/test")
    assert (tested.status, tested.json()["ok"], tested.json()["status"]) == (200, False, None)
    assert "Nobody answers" in tested.json()["problem"]


async def test_a_change_for_another_version_is_refused(platform: Platform) -> None:
    route = await platform.set_up("routes", name=f"r-{uuid4().hex}", targets=[{"model": "gpt-4o-mini"}])
    path = f"/api/v1/routes/{route['id']}"
    changed = await platform.call("PATCH", path, json={"strategy": "cheapest"}, if_match='"1"')
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')
    stale = await platform.call("PATCH", path, json={"strategy": "fastest"}, if_match='"1"')
    assert (stale.status, stale.problem()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")


async def test_a_call_for_a_route_goes_to_the_organizations_own_provider_with_its_own_key(platform: Platform) -> None:
    name, secret, question = f"own-{uuid4().hex[:8]}", f"sk-{uuid4().hex}", unique()
    targets = []
    for suffix, base_url in (
        ("dead", "http://127.0.0.1:9/v1"),
        ("live", platform.stack.addresses["upstream_base_url"]),
    ):
        connection = {"name": f"{name}-{suffix}", "kind": "openai_compatible", "base_url": base_url}
        provider = await platform.set_up("providers", **connection, api_key=secret)
        registered = {"name": f"{name}-{suffix}-m", "upstream_model": "gpt-4o-mini"}
        model = await platform.set_up("models", **registered, provider_id=provider["id"])
        price = {"effective_from": "2026-01-01T00:00:00Z", "input_mtok": "1000000", "output_mtok": "0"}
        assert (await platform.call("PUT", f"/api/v1/models/{model['id']}/prices", json=price)).status == 200
        targets.append({"model": model["name"]})
    await platform.set_up("routes", name=f"{name}-r", targets=targets)
    key = await platform.make_key()

    raw = await platform.client(key.text).chat.completions.with_raw_response.create(
        model=f"{name}-r", messages=ask(question)
    )

    tokens = raw.parse().usage
    assert tokens is not None
    assert (raw.headers["x-llmo-target"], raw.headers["x-llmo-attempts"]) == (f"{name}-live-m", "2")
    assert raw.headers["x-llmo-cost-usd"] == str(tokens.prompt_tokens)
    (seen,) = await platform.upstream_calls(question)
    assert seen["headers"]["authorization"] == f"Bearer {secret}"
    assert seen["body"]["model"] == "gpt-4o-mini"
    report = await platform.usage_of(key, 1, group_by="route,connection")
    (row,) = report["data"]
    assert (row["route"], row["connection"], row["attempts"]) == (f"{name}-r", f"{name}-live", 2)
