"""The management API: who may do what, and what refusals look like."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.e2e.platform import Key, Platform, ask, unique

MANAGEMENT = [
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/api-keys"),
    ("POST", "/api/v1/api-keys"),
    ("DELETE", "/api/v1/api-keys/01980a5e-7c00-7000-8000-000000000001"),
    ("GET", "/api/v1/analytics/usage"),
    ("GET", "/api/v1/providers"),
    ("GET", "/api/v1/models"),
    ("GET", "/api/v1/models/prices"),
    ("GET", "/api/v1/routes"),
    ("GET", "/api/v1/billing/plans"),
    ("POST", "/api/v1/billing/meters"),
]
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(("method", "path"), MANAGEMENT)
async def test_without_a_key_and_with_a_wrong_one_nothing_is_answered(
    platform: Platform, method: str, path: str
) -> None:
    wrong = platform.api_key[:-1] + ("0" if platform.api_key[-1] != "0" else "1")
    for key in (None, wrong, "sk-something"):
        answer = await platform.call(method, path, api_key=key, json={"name": "x"} if method == "POST" else None)
        assert answer.status == 401, answer
        assert answer.problem()["title"] == "Unauthorized"


@pytest.mark.parametrize(("method", "path"), MANAGEMENT[1:])
async def test_a_key_without_the_permission_is_forbidden_to_use_the_route(
    platform: Platform, key: Key, method: str, path: str
) -> None:
    answer = await platform.call(method, path, api_key=key.text, json={"name": "x"} if method == "POST" else None)
    assert answer.status == 403
    assert "permission" in answer.problem()["detail"]


async def test_a_key_learns_who_it_is(platform: Platform, key: Key) -> None:
    me = (await platform.call("GET", "/api/v1/me", api_key=key.text)).json()
    assert (me["actor_id"], me["project"]["id"], me["permissions"]) == (key.id, key.project_id, ["llm:call"])
    assert me["organization"]["id"] == platform.stack.demo["org_id"]


async def test_nobody_can_make_a_key_that_may_do_more_than_they_may_themselves(platform: Platform) -> None:
    maker = await platform.make_key(permissions=["keys:write"])
    wanted = {"name": "more", "permissions": ["usage:read"]}
    answer = await platform.call("POST", "/api/v1/api-keys", api_key=maker.text, json=wanted)
    assert answer.status == 403
    answer.problem()


async def test_keys_are_listed_page_by_page_and_never_with_their_text(platform: Platform) -> None:
    made = {(await platform.make_key(name=unique("listed"))).id for _ in range(3)}
    found: list[dict[str, Any]] = []
    cursor = ""
    while not made <= {entry["id"] for entry in found}:
        page = await platform.call("GET", f"/api/v1/api-keys?limit=2{cursor}")
        assert b"llmo_" not in page.body
        found += page.json()["data"]
        cursor = f"&cursor={page.json()['next_cursor']}"
        assert page.json()["next_cursor"] or made <= {entry["id"] for entry in found}
    assert len({entry["id"] for entry in found}) == len(found)


async def test_a_repeated_post_makes_one_key_and_answers_it_again(platform: Platform) -> None:
    once = {"Idempotency_Key": unique("key")}
    first = await platform.call("POST", "/api/v1/api-keys", json={"name": "Once"}, **once)
    again = await platform.call("POST", "/api/v1/api-keys", json={"name": "Once"}, **once)
    other = await platform.call("POST", "/api/v1/api-keys", json={"name": "Other"}, **once)

    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert again.headers["x-llmo-idempotent-replay"] == "true"
    assert other.status == 422
    assert other.problem()["type"] == "urn:llmo:problem:idempotency_key_reused"


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v2/me", "/api/v1/nothing", "/api/v1/analytics/nothing", "/api/v1/me/more"]
)
async def test_an_unknown_path_is_a_404_problem(platform: Platform, path: str) -> None:
    answer = await platform.call("GET" if path != "/" else "POST", path)
    assert answer.status == 404
    answer.problem()


async def test_a_malformed_body_and_parameter_are_named(platform: Platform) -> None:
    answer = await platform.call("POST", "/api/v1/api-keys", json={"name": "x", "requests_per_minute": 0})
    assert answer.status == 422
    assert "requests_per_minute" in answer.problem()["detail"]
    answer = await platform.call("GET", "/api/v1/analytics/usage?group_by=colour")
    assert answer.status == 422
    assert "group_by" in answer.problem()["detail"]
    answer = await platform.call("GET", "/api/v1/analytics/usage?from=2026-02-01&to=2026-01-01")
    assert answer.status == 400
    answer.problem()


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/analytics/usage", "/v1/models", "/v1/nothing"])
async def test_a_request_id_comes_back_and_one_is_made_where_there_is_none(platform: Platform, path: str) -> None:
    given = await platform.call("GET", path, x_request_id="my-request-1")
    assert given.headers["x-request-id"] == "my-request-1"
    first, second = [await platform.call("GET", path) for _ in range(2)]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_trace_goes_on_at_the_provider(platform: Platform, key: Key) -> None:
    question, parent = unique(), f"00-{TRACE}-b7ad6b7169203331-01"
    await platform.client(key.text).chat.completions.create(
        model="gpt-4o-mini", messages=ask(question), extra_headers={"traceparent": parent}
    )
    (call,) = await platform.upstream_calls(question)
    assert TRACE in call["headers"]["traceparent"]
    assert key.text not in str(call), "the provider never sees our keys"


@pytest.mark.parametrize("service", ["auth", "analytics", "integration", "usage"])
async def test_the_openapi_document_is_public_valid_and_readable_as_a_page(platform: Platform, service: str) -> None:
    answer = await platform.call("GET", f"/api/v1/{service}/openapi.json", api_key=None)
    assert answer.status == 200
    document = answer.json()
    validate(document)
    assert document["openapi"].startswith("3.1")
    page = await platform.call("GET", f"/_local/docs/{service}", api_key=None)
    assert page.status == 200
    assert f"/api/v1/{service}/openapi.json" in page.body.decode()


async def test_a_browser_on_another_page_may_call_the_api(platform: Platform) -> None:
    asked = {"origin": "http://localhost:3000", "access_control_request_method": "GET"}
    preflight = await platform.call("OPTIONS", "/api/v1/me", api_key=None, **asked)
    assert preflight.status < 300
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    for path in ("/api/v1/me", "/api/v1/analytics/usage", "/v1/models", "/v1/nothing"):
        answer = await platform.call("GET", path)
        assert answer.headers["access-control-allow-origin"] == "*", path
