"""Signing in through the front door, as a program of a customer's does it."""

import aiohttp
import jwt

from tests.e2e.platform import Json, Platform, Reply


async def post(platform: Platform, path: str, body: Json, token: str | None = None) -> Reply:
    return await platform.call("POST", f"/api/v1/auth/{path}", api_key=token, json=body)


async def login(platform: Platform) -> Json:
    demo = platform.stack.demo
    answer = await post(platform, "login", {"email": demo["email"], "password": demo["password"]})
    assert answer.status == 200, answer
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def test_pyjwt_verifies_an_access_token_from_the_published_keys(
    platform: Platform, http: aiohttp.ClientSession
) -> None:
    tokens = await login(platform)

    async with http.get(f"{platform.base_url}/.well-known/jwks.json") as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    header = jwt.get_unverified_header(tokens["access_token"])
    claims = jwt.decode(
        tokens["access_token"],
        keys[header["kid"]],
        algorithms=["ES256"],
        issuer=platform.base_url,
        audience=platform.base_url,
    )
    assert header["typ"] == "at+jwt"
    assert claims["org_id"] == platform.stack.demo["org_id"]
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)


async def test_a_signed_in_user_manages_keys_and_reads_usage(platform: Platform) -> None:
    token = (await login(platform))["access_token"]

    me = await platform.call("GET", "/api/v1/me", api_key=token)
    assert (me.status, me.json()["actor_type"]) == (200, "user")
    assert me.json()["organization"]["id"] == platform.stack.demo["org_id"]
    made = await platform.call(
        "POST",
        "/api/v1/api-keys",
        api_key=token,
        json={"name": "by a person", "project_id": platform.stack.demo["project_id"]},
    )
    assert made.status == 201, made
    usage = await platform.call("GET", "/api/v1/analytics/usage", api_key=token)
    assert usage.status == 200, usage


async def test_a_refresh_token_gets_the_next_pair_and_a_signed_out_session_none(platform: Platform) -> None:
    first = await login(platform)
    second = (await post(platform, "refresh", {"refresh_token": first["refresh_token"]})).json()
    assert second["refresh_token"] != first["refresh_token"]

    sessions = await platform.call("GET", "/api/v1/auth/sessions", api_key=second["access_token"])
    assert [session["current"] for session in sessions.json()["data"]].count(True) == 1
    assert (await post(platform, "logout", {}, second["access_token"])).status == 204
    refused = await post(platform, "refresh", {"refresh_token": second["refresh_token"]})
    assert refused.problem()["type"] == "urn:llmo:problem:invalid_refresh_token"


async def test_a_wrong_password_is_a_problem_that_tells_nothing(platform: Platform) -> None:
    known = await post(platform, "login", {"email": platform.stack.demo["email"], "password": "wrong"})
    unknown = await post(platform, "login", {"email": "nobody@example.com", "password": "wrong"})

    assert known.status == unknown.status == 401
    assert known.problem() == unknown.problem()
    await login(platform)  # one failure locks nobody out


async def test_a_changed_token_is_refused_by_the_front_door(platform: Platform) -> None:
    head, body, signature = (await login(platform))["access_token"].split(".")
    for token in (f"{head}.{body}.", f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body[:-2]}AA.{signature}"):
        answer = await platform.call("GET", "/api/v1/me", api_key=token)
        assert answer.status == 401
        assert answer.problem()["title"] == "Unauthorized"
