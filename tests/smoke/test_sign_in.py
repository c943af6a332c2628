"""Signing in. The account has no second factor, and is not somebody's who has more rights than this takes."""

import os

import aiohttp

from tests.smoke.conftest import Target


async def test_a_person_signs_in_learns_who_they_are_and_signs_out(target: Target, http: aiohttp.ClientSession) -> None:
    api, account = f"{target.base_url}/api/v1", os.environ["SMOKE_EMAIL"]
    asked = {"email": account, "password": os.environ["SMOKE_PASSWORD"]}

    async with http.post(f"{api}/auth/login", json=asked) as answer:
        assert answer.status == 200, await answer.text()
        tokens = await answer.json()
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    async with http.get(f"{api}/me", headers=bearer) as answer:
        assert answer.status == 200
        me = await answer.json()
    async with http.post(f"{api}/auth/logout", headers=bearer) as answer:
        assert answer.status < 300
    async with http.post(f"{api}/auth/refresh", json={"refresh_token": tokens["refresh_token"]}) as answer:
        assert answer.status == 401

    assert me["actor_type"] == "user"


async def test_a_wrong_password_is_refused(target: Target, http: aiohttp.ClientSession) -> None:
    nobody = {"email": "nobody@example.com", "password": "not the password of anybody"}
    async with http.post(f"{target.base_url}/api/v1/auth/login", json=nobody) as answer:
        assert answer.status == 401
