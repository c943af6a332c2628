"""Routes over HTTP."""

from typing import Any

import pytest

from tests.integration.management.calling import Caller, Management

NO_CONDITIONS = {
    "min_input_tokens": None,
    "max_input_tokens": None,
    "tools": None,
    "vision": None,
    "stream": None,
    "region": None,
}


async def test_a_route_stands_for_models_of_three_kinds(caller: Caller) -> None:
    await caller.model(await caller.provider("anthropic", kind="anthropic"), "fast")
    answer = await caller(
        "POST",
        "routes",
        json={
            "name": "chat",
            "targets": [
                {"model": "fast", "variant": "a", "weight": 3},
                {"model": "anthropic/claude-haiku-4-5", "conditions": {"max_input_tokens": 1000, "tools": False}},
                {"model": "gpt-4o-mini"},
            ],
        },
    )
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    made = answer.json()
    targets = [{name: value for name, value in target.items() if name != "id"} for target in made["targets"]]
    assert targets == [
        {"model": "fast", "weight": 3, "variant": "a", "conditions": NO_CONDITIONS},
        {
            "model": "anthropic/claude-haiku-4-5",
            "weight": 1,
            "variant": None,
            "conditions": NO_CONDITIONS | {"max_input_tokens": 1000, "tools": False},
        },
        {"model": "gpt-4o-mini", "weight": 1, "variant": None, "conditions": NO_CONDITIONS},
    ]
    assert len({target["id"] for target in made["targets"]}) == 3
    defaults = {name: made[name] for name in ("strategy", "sticky", "attempts", "deadline_ms", "first_byte_ms")}
    assert defaults == {
        "strategy": "priority",
        "sticky": "none",
        "attempts": 3,
        "deadline_ms": 600_000,
        "first_byte_ms": 60_000,
    }
    assert made["between_chunks_ms"] == 60_000
    assert (await caller("GET", f"routes/{made['id']}")).json() == made
    assert (await caller("GET", "routes")).json() == {"data": [made], "next_cursor": None}


@pytest.mark.parametrize(
    "change",
    [
        {"targets": []},
        {"targets": [{"model": "m"}] * 21},
        {"targets": [{"model": "m", "weight": 0}]},
        {"targets": [{"model": "m", "weight": 1001}]},
        {"targets": [{"model": "m", "id": "short"}]},
        {"targets": [{"model": "m", "conditions": {"min_input_tokens": 2, "max_input_tokens": 1}}]},
        {"targets": [{"model": "m", "conditions": {"unknown": 1}}]},
        {"strategy": "luck"},
        {"sticky": "glue"},
        {"attempts": 0},
        {"attempts": 11},
        {"deadline_ms": 870_001},
        {"first_byte_ms": 0},
        {"name": "a b"},
        {"name": None},
    ],
)
async def test_a_malformed_route_is_refused(caller: Caller, change: dict[str, Any]) -> None:
    good = {"name": "chat", "targets": [{"model": "gpt-4o"}]}
    assert (await caller("POST", "routes", json={**good, **change})).status_code == 422
    route = await caller.route("chat", "gpt-4o")
    assert (await caller("PATCH", f"routes/{route['id']}", json=change)).status_code == 422


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"model": "nobody/gpt-4o"}, "unknown_target"),
        ({"model": "other"}, "route_targets_route"),
        ({"model": "chat"}, "route_targets_route"),
        ({"model": "gpt-4o", "id": "0badcafe"}, "unknown_target_id"),
    ],
)
async def test_a_target_is_a_model_that_is_there(caller: Caller, target: dict[str, str], code: str) -> None:
    await caller.route("other", "gpt-4o")
    made = await caller("POST", "routes", json={"name": "chat", "targets": [target]})
    assert (made.status_code, made.json()["type"]) == (400, f"urn:llmo:problem:{code}")
    route = await caller.route("chat", "gpt-4o")
    changed = await caller("PATCH", f"routes/{route['id']}", json={"targets": [target]})
    assert (changed.status_code, changed.json()["type"]) == (400, f"urn:llmo:problem:{code}")


async def test_another_organizations_models_and_providers_are_no_targets(caller: Caller, stranger: Caller) -> None:
    await stranger.model(await stranger.provider("theirs"), "fast")
    answer = await caller("POST", "routes", json={"name": "chat", "targets": [{"model": "theirs/gpt-4o"}]})
    assert answer.json()["type"] == "urn:llmo:problem:unknown_target"


async def test_no_route_is_named_as_another_ones_target(caller: Caller) -> None:
    await caller.route("chat", "gpt-4o")
    other = await caller.route("other", "gpt-5")
    made = await caller("POST", "routes", json={"name": "gpt-4o", "targets": [{"model": "gpt-5"}]})
    changed = await caller("PATCH", f"routes/{other['id']}", json={"name": "gpt-4o"})
    for refused in (made, changed):
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:llmo:problem:route_targeted")
        assert "chat" in refused.json()["detail"]


async def test_a_target_keeps_its_id_while_the_route_changes(caller: Caller) -> None:
    route = await caller.route("chat", "gpt-4o", "gpt-5")
    first, second = route["targets"]
    wanted = [{"model": "gpt-6"}, {**second, "weight": 7}]
    changed = (await caller("PATCH", f"routes/{route['id']}", json={"targets": wanted})).json()
    assert changed["targets"][1] == second | {"weight": 7}
    assert changed["targets"][0]["id"] not in {first["id"], second["id"]}
    twice = [{"model": "a", "id": second["id"]}, {"model": "b", "id": second["id"]}]
    refused = await caller("PATCH", f"routes/{route['id']}", json={"targets": twice})
    assert refused.json()["type"] == "urn:llmo:problem:unknown_target_id"


async def test_a_change_is_made_to_the_version_that_it_is_meant_for_announced_and_told(
    caller: Caller, management: Management
) -> None:
    route = await caller.route("chat", "gpt-4o")
    path = f"routes/{route['id']}"
    versions = {await management.config_version(caller.org)}
    body = {"strategy": "weighted", "name": "talk"}
    changed = await caller("PATCH", path, json=body, headers={"If-Match": '"1"'})
    versions.add(await management.config_version(caller.org))
    assert (changed.status_code, changed.headers["etag"], changed.json()["strategy"]) == (200, '"2"', "weighted")
    stale = await caller("PATCH", path, json=body, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await caller("DELETE", path)).status_code == 204
    versions.add(await management.config_version(caller.org))
    assert len(versions) == 3
    assert (await caller("GET", path)).status_code == 404
    events = await management.announced(caller.org.org_id)
    assert [event.type.rpartition("route.")[2] for event in events] == ["created", "changed", "removed"]
    assert events[1].data["changed"] == ["name", "strategy"]


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    route = await caller.route("chat", "gpt-4o")
    path = f"routes/{route['id']}"
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await stranger(method, path, json=body)).status_code == 404, method
    assert (await stranger("GET", "routes")).json()["data"] == []
    await stranger.route("chat", "gpt-4o")


async def test_a_reader_changes_nothing(caller: Caller) -> None:
    route = await caller.route("chat", "gpt-4o")
    reader = Caller(caller.org, permissions=frozenset({"models:read"}))
    assert (await reader("GET", f"routes/{route['id']}")).status_code == 200
    for method, path in (("PATCH", f"routes/{route['id']}"), ("DELETE", f"routes/{route['id']}")):
        assert (await reader(method, path, json={})).status_code == 403
