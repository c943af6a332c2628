"""How sure an application can be of whom it acts for, and what its tokens are for."""

import jwt
import pytest

from llmo_auth.principal import Person
from llmo_data.postgres import Database, insert
from tests.integration.auth.announcements import announced, announced_about
from tests.integration.auth.house import ISSUER
from tests.integration.auth.oauth_server import Browser, Server, answer_in, asked, form_in, refusal
from tests.integration.organizations import MakeOrg


async def test_an_id_token_says_that_a_second_factor_was_shown(served: Server, auth_database: Database) -> None:
    await served.factors.with_totp()
    client, browser = await served.application(), Browser(served)
    page = await browser.get(asked(client, scope="openid usage:read"))
    consent = await browser.sign_in(page, code=served.factors.code())
    code = answer_in(await browser.post({"form": form_in(consent), "decision": "allow"}))["code"]

    tokens = (await served.exchange(client, code)).json()

    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["amr"] == ["mfa", "otp", "pwd"]
    started = [event for event in await announced(auth_database, served.house.org_id) if "session" in event.type]
    assert started[-1].data["amr"] == ["mfa", "otp", "pwd"]


async def test_whoever_guesses_second_factors_on_the_page_is_announced(served: Server, auth_database: Database) -> None:
    await served.factors.with_totp()

    async def suspicions() -> list[str]:
        events = await announced_about(auth_database, served.house.user_id)
        return [event.data["reason"] for event in events if event.type == "llmo.auth.login.suspicious"]

    for _ in range(4):
        await _guess(served)
    assert await suspicions() == []
    await _guess(served)
    assert await suspicions() == ["second_factor_guessed"]


async def _guess(served: Server) -> None:
    browser = Browser(served)
    page = await browser.get(asked(await served.application()))
    assert (await browser.sign_in(page, code="not-a-code")).status_code == 403


@pytest.mark.parametrize("parameter", ["resource", "audience"])
async def test_no_application_gets_a_token_for_one_service(served: Server, parameter: str) -> None:
    client = await served.application()
    narrower = {parameter: f"{ISSUER}/api/v1/usage"}

    answer = answer_in(await Browser(served).get(asked(client, **narrower)))
    assert answer["error"] == "invalid_target"
    refusal(await served.exchange(client, await served.code(client), **narrower), "invalid_target")
    tokens = await served.tokens(client, **{parameter: ISSUER})
    shown = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refusal(await served.token(client, **shown, **narrower), "invalid_target")
    assert (await served.token(client, **shown, **{parameter: ISSUER})).status_code == 200


async def test_who_somebody_is_can_be_asked_for_with_either_method(served: Server) -> None:
    tokens = await served.tokens(await served.application(), scope="openid")
    caller = await served.house.authenticator.authenticate(f"Bearer {tokens['access_token']}")

    answers = [await served(method, "/oauth2/userinfo", caller=caller) for method in ("GET", "POST")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


async def test_what_somebody_in_no_organization_allowed_stays_allowed_when_they_join_one(
    served: Server, auth_database: Database, make_org: MakeOrg
) -> None:
    client = await served.application()
    async with auth_database.transaction(served.house.org_id) as connection:
        await connection.execute("DELETE FROM auth.memberships WHERE user_id = %s", (served.house.user_id,))
    tokens = await served.tokens(client, scope="openid")
    other = await make_org()
    async with auth_database.transaction(other.org_id) as connection:
        row = {"org_id": other.org_id, "user_id": served.house.user_id, "role": "viewer"}
        await connection.execute(*insert("auth.memberships", row))

    caller = await served.house.authenticator.authenticate(f"Bearer {tokens['access_token']}")

    assert isinstance(caller, Person)
    assert (await served("GET", "/oauth2/userinfo", caller=caller)).status_code == 200


async def test_an_application_reads_no_sessions_by_its_public_id(served: Server, auth_database: Database) -> None:
    client = await served.application()
    await served.tokens(client)

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.credential', %s, true)", (client["client_id"],))
        assert await (await connection.execute("SELECT 1 FROM auth.sessions")).fetchall() == []
