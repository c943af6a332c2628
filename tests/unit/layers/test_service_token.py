"""Tokens of one service for another: asked for once, kept, and renewed in time."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from llmo_auth.service_token import Answer, ServiceTokenRefused, ServiceTokens
from tests.clocks import MovableClock

ANALYTICS = "https://llmo.example/api/v1/analytics"
BILLING = "https://llmo.example/api/v1/billing"


@dataclass
class TokenEndpoint:
    """Answers like ours, a token for each request, once it is let."""

    status: int = 200
    body: bytes | None = None
    asked: list[tuple[str, Mapping[str, str], dict[str, list[str]]]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        self.asked.append((url, headers, parse_qs(body.decode())))
        number = len(self.asked)
        await self.open.wait()
        token = {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": 900, "scope": "usage:read"}
        return Answer(status=self.status, body=json.dumps(token).encode() if self.body is None else self.body)


def tokens(endpoint: TokenEndpoint, clock: MovableClock | None = None) -> ServiceTokens:
    return ServiceTokens(
        "https://llmo.example/oauth2/token",
        client_id="account",
        client_secret="a secret:%",
        http=endpoint,
        clock=clock or MovableClock(),
    )


async def test_a_token_is_asked_for_with_the_accounts_credentials_for_one_audience() -> None:
    endpoint = TokenEndpoint()

    assert await tokens(endpoint).token(ANALYTICS) == "token-1"

    [(url, headers, form)] = endpoint.asked
    assert url == "https://llmo.example/oauth2/token"
    assert form == {"grant_type": ["client_credentials"], "resource": [ANALYTICS]}
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"account:a+secret%3A%25"


async def test_a_token_is_kept_until_a_minute_before_it_expires() -> None:
    endpoint, clock = TokenEndpoint(), MovableClock()
    held = tokens(endpoint, clock)
    await held.token(ANALYTICS)
    clock.moment += timedelta(minutes=13, seconds=59)
    assert await held.token(ANALYTICS) == "token-1"

    clock.moment += timedelta(seconds=1)

    assert await held.token(ANALYTICS) == "token-2"


async def test_each_audience_has_its_own() -> None:
    endpoint = TokenEndpoint()
    held = tokens(endpoint)

    assert [await held.token(audience) for audience in (ANALYTICS, BILLING, ANALYTICS)] == [
        "token-1",
        "token-2",
        "token-1",
    ]


async def test_many_at_once_are_one_request() -> None:
    endpoint = TokenEndpoint()
    endpoint.open.clear()
    held = tokens(endpoint)
    asking = [asyncio.create_task(held.token(ANALYTICS)) for _ in range(50)]
    await asyncio.sleep(0)
    endpoint.open.set()

    assert set(await asyncio.gather(*asking)) == {"token-1"}
    assert len(endpoint.asked) == 1


async def test_whoever_asks_for_one_audience_does_not_wait_for_another() -> None:
    endpoint = TokenEndpoint()
    held = tokens(endpoint)
    await held.token(BILLING)
    endpoint.open.clear()
    waiting = asyncio.create_task(held.token(ANALYTICS))
    await asyncio.sleep(0)

    assert await held.token(BILLING) == "token-1"
    waiting.cancel()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"error": "invalid_client", "error_description": "secret"}', "401 (invalid_client)"),
        (503, b"<html>", "503 (no reason given)"),
        (400, b"[]", "400 (no reason given)"),
        (400, b'{"error": "a\\nb"}', "400 (no reason given)"),
        (200, b"secret", "what is no token"),
        (200, b'{"access_token": "", "expires_in": 900}', "what is no token"),
        (200, b'{"access_token": "secret", "expires_in": 0}', "what is no token"),
    ],
)
async def test_a_refusal_says_why_and_gives_nothing_away(status: int, body: bytes, said: str) -> None:
    with pytest.raises(ServiceTokenRefused) as refused:
        await tokens(TokenEndpoint(status, body)).token(ANALYTICS)

    assert said in refused.value.detail
    assert "secret" not in refused.value.detail


async def test_a_refusal_is_not_kept_and_nothing_is_tried_again_by_itself() -> None:
    endpoint = TokenEndpoint(503, b"")
    held = tokens(endpoint)
    with pytest.raises(ServiceTokenRefused):
        await held.token(ANALYTICS)
    assert len(endpoint.asked) == 1
    endpoint.status, endpoint.body = 200, None

    assert await held.token(ANALYTICS) == "token-2"


async def test_what_is_held_shows_no_secret() -> None:
    held = tokens(TokenEndpoint())
    await held.token(ANALYTICS)

    assert "token-1" not in repr(vars(held)["_held"])
