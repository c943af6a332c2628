"""A closed organization: nobody joins it, and nothing that it gave out is worth anything."""

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.accounts.closing import ClosingService
from auth.api import app
from auth.api_keys import wiring as api_keys
from auth.organizations.repository import PostgresProjects
from authorizer.models import KeyRevoked, SessionEnded
from llmo_auth.principal import Role
from llmo_core.errors import Unauthenticated
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced
from tests.integration.auth.calling import service
from tests.integration.auth.ending import closing_service
from tests.integration.auth.house import House, house
from tests.integration.auth.oauth_server import REDIRECT, Browser, Json, Server, asked, given, refusal
from tests.integration.auth.test_accounts import opened
from tests.integration.auth.test_sign_in import join


@pytest.fixture
def closing(served: Server, auth_database: Database, redis_client: Redis) -> ClosingService:
    return closing_service(auth_database, redis_client, served.clock)


@pytest_asyncio.fixture
async def grace(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> House:
    """Somebody with an organization of their own."""
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    return house(
        auth_database, authorizer_database, redis_client, email=email, user_id=account.user_id, org_id=account.org_id
    )


async def invite(served: Server, email: str) -> Any:
    body = {"email": email, "role": "viewer"}
    return await served("POST", f"{served.org}/invitations", caller=served.owner(), json=body)


async def test_nobody_is_invited_to_it(served: Server, closing: ClosingService, auth_database: Database) -> None:
    await closing.close(served.owner())

    answer = await invite(served, "late@example.com")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:unknown_organization")
    events = [event.type for event in await announced(auth_database, served.house.org_id)]
    assert "llmo.auth.member.invited" not in events


async def test_nobody_joins_it_with_an_earlier_invitation(
    served: Server, closing: ClosingService, auth_database: Database, grace: House
) -> None:
    assert (await invite(served, grace.email)).status_code == 201
    invited = (await announced(auth_database, served.house.org_id))[-1]
    await closing.close(served.owner())

    guest = await grace.person(await grace.login())
    joined = {"invitation_token": invited.data["token"]}
    answer = await served("POST", f"{served.org}/members", caller=guest, json=joined)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:invalid_token")
    assert [membership.org_id for membership in await grace.service._people.memberships(grace.user_id)] == [
        grace.org_id
    ]


async def test_its_applications_get_no_tokens_for_anybody(
    served: Server, closing: ClosingService, grace: House
) -> None:
    client, hers = await served.application(), replace(served, house=grace)
    code, tokens = await hers.code(client), await hers.tokens(client)
    assert (await hers.principal(tokens["access_token"])).org_id == grace.org_id

    await closing.close(served.owner())

    with pytest.raises(SessionEnded):
        await hers.principal(tokens["access_token"])
    refreshed = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    for answer in (refreshed, await hers.exchange(client, code)):
        refusal(answer, "invalid_client", 401)
    assert (await Browser(hers).get(asked(client))).status_code == 400
    await grace.principal(await grace.login())


async def test_a_public_application_of_it_gets_no_tokens_either(
    served: Server, closing: ClosingService, grace: House
) -> None:
    client, hers = await served.application(confidential=False), replace(served, house=grace)
    code, tokens = await hers.code(client), await hers.tokens(client)

    await closing.close(served.owner())

    refreshed = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    for answer in (refreshed, await hers.exchange(client, code)):
        refusal(answer, "invalid_client", 401)


async def test_what_somebody_was_about_to_allow_one_of_its_applications_is_over(
    served: Server, closing: ClosingService, grace: House
) -> None:
    hers = replace(served, house=grace)
    browser = Browser(hers)
    page = await browser.get(asked(await served.application()))

    await closing.close(served.owner())

    assert (await browser.sign_in(page)).status_code == 400


async def test_its_service_accounts_are_disabled(
    served: Server, closing: ClosingService, auth_database: Database
) -> None:
    account = await served.account()
    token = await served.own_token(account)
    await served.principal(token)

    await closing.close(served.owner())

    refusal(await served.token(account, grant_type="client_credentials"), "invalid_client", 401)
    with pytest.raises(Unauthenticated):
        await served.principal(token)
    async with auth_database.transaction(served.house.org_id) as connection:
        rows = await (await connection.execute("SELECT disabled_at FROM auth.service_accounts")).fetchall()
    assert [row["disabled_at"] for row in rows] == [served.clock.now()]


async def test_every_key_of_it_is_refused_at_the_authorizer_whoever_owns_it(
    served: Server,
    closing: ClosingService,
    auth_database: Database,
    redis_client: Redis,
    grace: House,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.dependency_overrides, api_keys.api_key_service, given(service(auth_database, redis_client)))
    await join(auth_database, grace, served.house.org_id, Role.DEVELOPER)
    account = await served.account("llm:call")
    member = served.owner(Role.DEVELOPER).model_copy(update={"actor_id": grace.user_id})
    [project] = await PostgresProjects(auth_database).all(served.house.org_id)
    body = {"name": "x", "project_id": str(project.id), "permissions": ["llm:call"]}
    made: list[Json] = []
    for caller, more in (
        (served.owner(), {}),
        (member, {}),
        (served.owner(), {"service_account_id": account["id"]}),
    ):
        answer = await served("POST", "/api/v1/api-keys", caller=caller, json=body | more)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
        await grace.authenticator.authenticate(f"Bearer {made[-1]['api_key']}")

    await closing.close(served.owner())

    for key in made:
        with pytest.raises(KeyRevoked):
            await grace.authenticator.authenticate(f"Bearer {key['api_key']}")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("oauth-clients", {"name": "Late", "redirect_uris": [REDIRECT], "permissions": ["usage:read"]}),
        ("service-accounts", {"name": "Late", "permissions": ["usage:read"]}),
    ],
)
async def test_whoever_api_gateway_still_lets_in_makes_nothing_in_it(
    served: Server, closing: ClosingService, path: str, body: Json
) -> None:
    await closing.close(served.owner())

    answer = await served("POST", f"{served.org}/{path}", caller=served.owner(), json=body)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:llmo:problem:unknown_organization")
