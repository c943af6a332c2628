"""What an application learns of whoever it acts for: what it was let know, and only while they let it."""

from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from llmo_auth.principal import Person, Principal
from llmo_data.postgres import Database
from tests.integration.auth.ending import closing_service
from tests.integration.auth.oauth_server import Browser, Json, Server, answer_in, asked, form_in
from tests.integration.auth.tenancy import wire
from tests.integration.auth.test_oauth_tokens import change_role
from tests.integration.stores import Postgres

EVERYTHING = "openid profile email usage:read"


@pytest.fixture(autouse=True)
def profiles(served: Server, auth_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    wire(monkeypatch, auth_database, redis_client, served.clock)


async def acting(served: Server, tokens: Json) -> Principal | Person:
    """Whoever the authorizer takes an application's token for."""
    return await served.house.authenticator.authenticate(f"Bearer {tokens['access_token']}")


async def userinfo(served: Server, caller: Principal | Person) -> httpx2.Response:
    return await served("GET", "/oauth2/userinfo", caller=caller)


async def refreshed(served: Server, client: Json, tokens: Json, scope: str | None = None) -> Json:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = await served.token(client, **form | ({"scope": scope} if scope else {}))
    assert answer.status_code == 200, answer.text
    got: Json = answer.json()
    return got


async def test_people_are_told_who_they_are_themselves(served: Server) -> None:
    own = await served.principal((await served.house.login()).access_token)

    me = (await served("GET", "/api/v1/me", caller=own)).json()

    assert me["user"] == {"id": str(served.house.user_id), "email": served.house.email, "name": me["user"]["name"]}


@pytest.mark.parametrize("scope", ["usage:read", "usage:read openid", EVERYTHING])
async def test_who_am_i_tells_an_application_of_no_person(served: Server, scope: str) -> None:
    caller = await acting(served, await served.tokens(await served.application(), scope=scope))

    answer = await served("GET", "/api/v1/me", caller=caller)

    assert (answer.status_code, answer.json()["user"]) == (200, None)
    assert answer.json()["permissions"] == ["usage:read"]
    assert served.house.email not in answer.text


async def without_an_organization(served: Server, postgres: Postgres, client: Json, scope: str) -> Json:
    """What an application gets of somebody who is in no organization."""
    await change_role(postgres, served, None)
    browser = Browser(served)
    consent = await browser.sign_in(await browser.get(asked(client, scope=scope)))
    code = answer_in(await browser.post({"form": form_in(consent), "decision": "allow"}))["code"]
    tokens: Json = (await served.exchange(client, code)).json()
    return tokens


async def test_nor_of_somebody_in_no_organization(served: Server, postgres: Postgres) -> None:
    client = await served.application()
    caller = await acting(served, await without_an_organization(served, postgres, client, "openid email"))
    assert isinstance(caller, Person)

    me, told = await served("GET", "/api/v1/me", caller=caller), await userinfo(served, caller)

    assert (me.status_code, me.json()["user"], me.json()["organization"]) == (200, None, None)
    assert served.house.email not in me.text
    assert told.json().keys() == {"sub", "email", "email_verified"}


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "name"}),
        ("openid email usage:read", {"sub", "email", "email_verified"}),
    ],
)
async def test_a_token_for_less_tells_what_is_left(served: Server, left: str, told: set[str]) -> None:
    client = await served.application()
    less = await refreshed(served, client, await served.tokens(client, scope=EVERYTHING), left)

    answer = await userinfo(served, await acting(served, less))

    assert (answer.status_code, answer.json().keys()) == (200, told)


async def test_a_token_without_openid_tells_nothing_and_the_next_one_all_again(
    served: Server,
) -> None:
    client = await served.application()
    less = await refreshed(served, client, await served.tokens(client, scope=EVERYTHING), "profile email")
    assert (await userinfo(served, await acting(served, less))).status_code == 403

    full = await refreshed(served, client, less)

    answer = await userinfo(served, await acting(served, full))
    assert answer.json().keys() == {"sub", "name", "email", "email_verified"}


async def revoked(served: Server, client: Json, tokens: Json) -> None:
    """By the application itself."""
    assert (await served.as_client(client, "revoke", token=tokens["refresh_token"])).status_code == 200


async def removed(served: Server, client: Json, _: Json) -> None:
    """The application."""
    await served("DELETE", f"{served.org}/oauth-clients/{client['id']}", caller=served.owner())


async def signed_out(served: Server, _: Json, __: Json) -> None:
    """By the person, everywhere."""
    await served.house.service._sessions.revoke_all(served.house.user_id, served.clock.now(), keep=None)


async def expired(served: Server, _: Json, __: Json) -> None:
    served.clock.advance(days=400)


@pytest.mark.parametrize("ends", [revoked, removed, signed_out, expired])
async def test_once_the_session_has_ended_nobody_is_told_who_it_was(served: Server, ends: Any) -> None:
    client = await served.application()
    tokens = await served.tokens(client, scope=EVERYTHING)
    caller = await acting(served, tokens)  # API Gateway remembers it for a minute
    assert (await userinfo(served, caller)).status_code == 200

    await ends(served, client, tokens)

    answer = await userinfo(served, caller)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:llmo:problem:unauthenticated")


async def test_nor_once_the_account_is_deleted(served: Server, auth_database: Database, redis_client: Redis) -> None:
    caller = await acting(served, await served.tokens(await served.application(), scope=EVERYTHING))
    closing = closing_service(auth_database, redis_client, served.clock)

    await closing.delete(await served.house.person(await served.house.login()))

    assert (await userinfo(served, caller)).status_code == 401
