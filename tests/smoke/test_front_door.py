"""What answers without a key, and what is said to those who have none."""

import aiohttp
import jwt
import pytest

from tests.smoke.conftest import Target

SERVICES = ("auth", "integration", "analytics", "billing", "notifications")


async def test_the_gateway_is_there(target: Target, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{target.base_url}/healthz") as answer:
        assert answer.status == 200


async def test_the_signing_keys_are_published(target: Target, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{target.base_url}/.well-known/jwks.json") as answer:
        assert answer.status == 200
        assert jwt.PyJWKSet.from_dict(await answer.json()).keys


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_publishes_what_it_takes(target: Target, http: aiohttp.ClientSession, service: str) -> None:
    async with http.get(f"{target.base_url}/api/v1/{service}/openapi.json") as answer:
        assert answer.status == 200
        assert (await answer.json())["openapi"].startswith("3.1")


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/analytics/usage", "/api/v1/billing/plans"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer sk-llmo-nobodys"}], ids=["no-key", "a-wrong-key"])
async def test_nobody_gets_in_without_a_key(
    target: Target, http: aiohttp.ClientSession, path: str, headers: dict[str, str]
) -> None:
    async with http.get(f"{target.base_url}{path}", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["content-type"].startswith("application/problem+json")
        problem = await answer.json()
    assert problem["status"] == 401
    assert {"type", "title", "detail"} <= problem.keys()


async def test_the_gateway_refuses_as_openai_does(target: Target, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{target.base_url}/v1/chat/completions", json={"model": target.model}) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["message"]


async def test_a_malformed_request_is_told_what_is_wrong(target: Target, http: aiohttp.ClientSession) -> None:
    url = f"{target.base_url}/api/v1/analytics/usage"
    async with http.get(url, params={"no_such_parameter": "1"}, headers=target.bearer) as answer:
        assert answer.status == 422
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert "no_such_parameter" in await answer.text()


async def test_a_page_elsewhere_is_told_whether_it_may_call(target: Target, http: aiohttp.ClientSession) -> None:
    asked = {"origin": "https://app.example.com", "access-control-request-method": "GET"}
    async with http.options(f"{target.base_url}/api/v1/me", headers=asked) as answer:
        assert answer.status < 300
        assert answer.headers["access-control-allow-origin"]
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
