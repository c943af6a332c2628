"""Limits over HTTP."""

from typing import Any

import pytest

from llmo_core.ids import new_id
from tests.integration.management.calling import Caller, Management


async def test_a_limit_is_set_and_shown(caller: Caller) -> None:
    subject = str(new_id())
    body = {"name": "Batch", "scope": "key", "subject": subject, "tokens_per_day": 2**53 - 1, "concurrent_requests": 4}
    answer = await caller("POST", "limits", json=body)
    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    shown = {name: made[name] for name in made.keys() - {"id", "created_at", "updated_at"}}
    assert shown == body | {
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "version": 1,
        "created_by": str(caller.org.key_id),
    }
    assert (await caller("GET", f"limits/{made['id']}")).json() == made
    assert (await caller("GET", "limits")).json() == {"data": [made], "next_cursor": None}


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "team"},
        {"subject": "anybody"},
        {"scope": "project", "subject": "mine"},
        {"scope": "end_user", "subject": ""},
        {"requests_per_minute": 0},
        {"tokens_per_minute": 2**31},
        {"tokens_per_day": 2**53},
        {"concurrent_requests": -1},
        {"tokens_per_minute": "many"},
        {"requests_per_hour": 1},
        {"name": None},
    ],
)
async def test_a_malformed_limit_is_refused(caller: Caller, change: dict[str, Any]) -> None:
    good = {"name": "Limit", "scope": "organization", "requests_per_minute": 1}
    assert (await caller("POST", "limits", json={**good, **change})).status_code == 422
    limit = await caller.limit(requests_per_minute=1)
    assert (await caller("PATCH", f"limits/{limit['id']}", json=change)).status_code == 422


async def test_a_limit_limits_something(caller: Caller) -> None:
    made = await caller("POST", "limits", json={"name": "Limit", "scope": "organization"})
    limit = await caller.limit(requests_per_minute=1)
    changed = await caller("PATCH", f"limits/{limit['id']}", json={"requests_per_minute": None})
    for refused in (made, changed):
        assert (refused.status_code, refused.json()["type"]) == (400, "urn:llmo:problem:nothing_limited")
    swapped = {"requests_per_minute": None, "concurrent_requests": 2}
    changed = await caller("PATCH", f"limits/{limit['id']}", json=swapped)
    assert changed.json() | swapped == changed.json()


async def test_a_change_is_made_to_the_version_that_it_is_meant_for_announced_and_told(
    caller: Caller, management: Management
) -> None:
    limit = await caller.limit(requests_per_minute=1)
    path = f"limits/{limit['id']}"
    versions = {await management.config_version(caller.org)}
    changed = await caller("PATCH", path, json={"tokens_per_minute": 9}, headers={"If-Match": '"1"'})
    versions.add(await management.config_version(caller.org))
    assert (changed.status_code, changed.headers["etag"], changed.json()["tokens_per_minute"]) == (200, '"2"', 9)
    stale = await caller("PATCH", path, json={"tokens_per_minute": 8}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:llmo:problem:changed_meanwhile")
    assert (await caller("DELETE", path)).status_code == 204
    versions.add(await management.config_version(caller.org))
    assert len(versions) == 3
    assert (await caller("GET", path)).json()["type"] == "urn:llmo:problem:unknown_limit"
    created, altered, removed = await management.announced(caller.org.org_id)
    assert (created.type, created.data["requests_per_minute"]) == ("llmo.integration.limit.created", 1)
    assert (altered.type, altered.data["changed"]) == ("llmo.integration.limit.changed", ["tokens_per_minute"])
    assert (removed.type, removed.data["limit_id"]) == ("llmo.integration.limit.removed", limit["id"])


async def test_a_repeated_request_sets_one_limit(caller: Caller) -> None:
    body = {"name": "Once", "scope": "organization", "requests_per_minute": 1}
    first, again = [await caller("POST", "limits", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert len((await caller("GET", "limits")).json()["data"]) == 1


async def test_what_is_another_organizations_is_not_there(caller: Caller, stranger: Caller) -> None:
    limit = await caller.limit(requests_per_minute=1)
    path = f"limits/{limit['id']}"
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await stranger(method, path, json=body)).status_code == 404, method
    assert (await stranger("GET", "limits")).json()["data"] == []


async def test_a_reader_changes_nothing(caller: Caller) -> None:
    limit = await caller.limit(requests_per_minute=1)
    path = f"limits/{limit['id']}"
    reader = Caller(caller.org, permissions=frozenset({"budgets:read"}))
    assert (await reader("GET", path)).status_code == 200
    for method in ("PATCH", "DELETE"):
        assert (await reader(method, path, json={})).status_code == 403
