"""Codes, refresh tokens and id tokens: each works for one application, once, and for no more than was allowed."""

import asyncio
import base64
from hashlib import sha256
from typing import Any
from uuid import UUID

import jwt
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from auth.api import app
from auth.models import Origin
from auth.oauth import wiring
from auth.sign_in.models import InvalidRefreshToken
from authorizer.models import SessionEnded
from llmo_auth.access_token import NotAnAccessToken
from llmo_auth.principal import Permission, Person, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from llmo_messaging.envelope import Event
from tests.integration.auth.announcements import announced
from tests.integration.auth.house import ISSUER, published
from tests.integration.auth.oauth_server import REDIRECT, Browser, Server, answer_in, asked, form_in, refusal
from tests.integration.organizations import MakeOrg
from tests.integration.stores import Postgres


async def test_a_code_gets_tokens_for_what_was_allowed(served: Server) -> None:
    client = await served.application()

    tokens = await served.tokens(client, scope="usage:read keys:write openid")

    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 900, "openid usage:read")
    principal = await served.principal(tokens["access_token"])
    assert (principal.actor_id, principal.org_id) == (served.house.user_id, served.house.org_id)
    assert principal.permissions == {"usage:read"}
    assert str(principal.client_id) == client["client_id"]


async def test_a_public_application_needs_no_secret_but_its_verifier(served: Server) -> None:
    client = await served.application(confidential=False)

    assert (await served.tokens(client))["scope"] == "usage:read"
    code = await served.code(client)
    refusal(await served.exchange(client, code, code_verifier="x" * 43), "invalid_grant")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "another-verifier-that-is-long-enough-0123456789"}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": "ä" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT}/"}, "invalid_grant"),
        ({"redirect_uri": "https://report.example/cällback"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code": "x"}, "invalid_grant"),
        ({"code": "ä" * 100}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
    ],
)
async def test_a_code_is_for_who_asked_as_they_asked(served: Server, changed: dict[str, str], error: str) -> None:
    client = await served.application()

    refusal(await served.exchange(client, **{"code": await served.code(client), **changed}), error)


async def test_a_stolen_code_is_worth_nothing_to_another_client(served: Server) -> None:
    client, thief, public = (
        await served.application(),
        await served.application(),
        await served.application(confidential=False),
    )
    code = await served.code(client)

    for other in (thief, public):
        refusal(await served.exchange(other, code), "invalid_grant")
    refusal(await served.exchange(await served.account(), code), "unauthorized_client")
    assert (await served.exchange(client, code)).status_code == 200


async def test_a_code_expires_after_a_minute(served: Server) -> None:
    client = await served.application()
    code = await served.code(client)
    served.clock.advance(seconds=60)

    refusal(await served.exchange(client, code), "invalid_grant")


async def test_a_code_that_comes_again_ends_what_it_got_before(served: Server, auth_database: Database) -> None:
    client = await served.application()
    code = await served.code(client)
    tokens = (await served.exchange(client, code)).json()

    refusal(await served.exchange(client, code), "invalid_grant")

    with pytest.raises(SessionEnded):
        await served.principal(tokens["access_token"])
    refusal(
        await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]), "invalid_grant"
    )
    events = await announced(auth_database, served.house.org_id)
    assert [event.type for event in events][-2:] == ["llmo.auth.oauth_grant.created", "llmo.auth.oauth_grant.revoked"]
    assert events[-1].data["code_reused"] is True


async def test_another_client_cannot_end_what_a_code_got(served: Server) -> None:
    client, other = await served.application(), await served.application()
    code = await served.code(client)
    tokens = (await served.exchange(client, code)).json()

    refusal(await served.exchange(other, code), "invalid_grant")

    await served.principal(tokens["access_token"])


async def test_a_code_that_is_shown_at_once_ten_times_gets_one_session_at_most(
    served: Server, auth_database: Database
) -> None:
    client = await served.application()
    code = await served.code(client)

    answers = await asyncio.gather(*(served.exchange(client, code) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(served.house.user_id),))
        rows = await (await connection.execute("SELECT revoked_at FROM auth.sessions")).fetchall()
    assert len(rows) == 1
    assert rows[0]["revoked_at"] is not None


async def test_a_refresh_token_gets_the_next_pair_for_the_same_scope(served: Server) -> None:
    client = await served.application()
    tokens = await served.tokens(client, scope="usage:read email")

    answer = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    following = answer.json()
    assert (answer.status_code, following["scope"]) == (200, "email usage:read")
    assert following["refresh_token"] != tokens["refresh_token"]
    principal = await served.principal(following["access_token"])
    assert principal.permissions == {"usage:read"}
    assert str(principal.client_id) == client["client_id"]
    served.clock.advance(seconds=11)
    again = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    refusal(again, "invalid_grant")
    with pytest.raises(SessionEnded):
        await served.principal(following["access_token"])


async def test_a_refresh_token_is_one_clients_own(served: Server) -> None:
    client, other = await served.application(), await served.application()
    public = await served.application(confidential=False)
    tokens = await served.tokens(client)
    own = await served.house.login()

    for thief in (other, public):
        stolen = await served.token(thief, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        refusal(stolen, "invalid_grant")
        persons = await served.token(thief, grant_type="refresh_token", refresh_token=own.refresh_token)
        refusal(persons, "invalid_grant")
    with pytest.raises(InvalidRefreshToken):  # nor does the person's own door take it
        await served.house.service.refresh(tokens["refresh_token"], origin=Origin())
    again = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert again.status_code == 200
    await served.house.refresh(own)


async def test_a_refresh_may_ask_for_less_but_not_for_more(served: Server) -> None:
    client = await served.application()
    tokens = await served.tokens(client, scope="usage:read keys:read")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    for more in ("usage:read keys:write", "openid", "org:write"):
        refusal(await served.token(client, **form, scope=more), "invalid_scope")
    less = (await served.token(client, **form, scope="keys:read")).json()
    assert less["scope"] == "keys:read"
    assert (await served.principal(less["access_token"])).permissions == {"keys:read"}
    full = (await served.token(client, grant_type="refresh_token", refresh_token=less["refresh_token"])).json()
    assert full["scope"] == "keys:read usage:read"


async def change_role(postgres: Postgres, served: Server, role: Role | None) -> None:
    """Make the owner something else, or nothing."""
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as connection:
        await connection.execute("SELECT set_config('app.org_id', %s, true)", (str(served.house.org_id),))
        of = (served.house.org_id, served.house.user_id)
        if role is None:
            await connection.execute("DELETE FROM auth.memberships WHERE org_id = %s AND user_id = %s", of)
        else:
            statement = "UPDATE auth.memberships SET role = %s WHERE org_id = %s AND user_id = %s"
            await connection.execute(statement, (role.value, *of))


async def test_an_application_may_do_no_more_than_its_person_may_then(served: Server, postgres: Postgres) -> None:
    client = await served.application()
    tokens = await served.tokens(client, scope="usage:read keys:read")

    await change_role(postgres, served, Role.BILLING)

    assert (await served.principal(tokens["access_token"])).permissions == {"usage:read"}
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await served.token(client, **form)).json()["scope"] == "usage:read"


async def test_an_application_stays_in_the_organization_that_it_was_allowed_in(
    served: Server, postgres: Postgres, auth_database: Database, make_org: MakeOrg
) -> None:
    client = await served.application()
    code, tokens = await served.code(client), await served.tokens(client)
    other = await make_org()
    async with auth_database.transaction(other.org_id) as connection:
        membership = (other.org_id, served.house.user_id, "owner")
        await connection.execute("INSERT INTO auth.memberships (org_id, user_id, role) VALUES (%s, %s, %s)", membership)

    await change_role(postgres, served, None)

    refusal(
        await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]), "invalid_grant"
    )
    refusal(await served.exchange(client, code), "invalid_grant")


async def test_who_was_in_no_organization_lets_an_application_into_none_later(
    served: Server, postgres: Postgres, make_org: MakeOrg
) -> None:
    client = await served.application()
    await change_role(postgres, served, None)
    browser = Browser(served)
    consent = await browser.sign_in(await browser.get(asked(client, scope="openid usage:read")))
    code = answer_in(await browser.post({"form": form_in(consent), "decision": "allow"}))["code"]
    other = await make_org()
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as connection:
        await connection.execute("SELECT set_config('app.org_id', %s, true)", (str(other.org_id),))
        statement = "INSERT INTO auth.memberships (org_id, user_id, role) VALUES (%s, %s, 'owner')"
        await connection.execute(statement, (other.org_id, served.house.user_id))

    tokens = (await served.exchange(client, code)).json()
    following = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    for got in (tokens, following.json()):
        claims = jwt.decode(got["access_token"], options={"verify_signature": False})
        assert ("org_id" in claims, got["scope"]) == (False, "openid")


async def test_a_removed_application_acts_for_nobody_any_more(served: Server) -> None:
    client = await served.application()
    tokens = await served.tokens(client)

    await served("DELETE", f"{served.org}/oauth-clients/{client['id']}", caller=served.owner())

    with pytest.raises(SessionEnded):
        await served.principal(tokens["access_token"])
    refreshed = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    refusal(refreshed, "invalid_client", 401)


async def test_an_application_that_is_removed_meanwhile_gets_nothing_that_lasts(served: Server) -> None:
    client = await served.application()
    codes = [await served.code(client) for _ in range(8)]

    answers, _ = await asyncio.gather(
        asyncio.gather(*(served.exchange(client, code) for code in codes)),
        served("DELETE", f"{served.org}/oauth-clients/{client['id']}", caller=served.owner()),
    )

    for answer in answers:
        if answer.status_code == 200:
            with pytest.raises(SessionEnded):
                await served.principal(answer.json()["access_token"])


class PausedEvents:
    """Announces nothing, and keeps the transaction open until it is told to go on."""

    def __init__(self) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def announce(self, _event: Event, **_about: UUID | None) -> None:
        self.reached.set()
        await self.go_on.wait()


async def somebody_waits(database: Database) -> None:
    """Return when a transaction of this database waits for another one's row."""
    statement = """
        SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1
        """
    async with asyncio.timeout(10):
        while True:
            async with database.statements() as connection:
                if await (await connection.execute(statement)).fetchone() is not None:
                    return


async def test_a_password_that_is_changed_meanwhile_ends_what_a_code_gets(
    served: Server, auth_database: Database
) -> None:
    client, paused = await served.application(), PausedEvents()
    code = await served.code(client)
    provider = app.dependency_overrides[wiring.grant_service]
    (await provider())._events = paused
    exchanged = asyncio.create_task(served.exchange(client, code))
    await paused.reached.wait()

    ended = asyncio.create_task(
        served.house.service._sessions.revoke_all(served.house.user_id, served.clock.now(), keep=None)
    )
    await somebody_waits(auth_database)
    paused.go_on.set()
    await ended

    tokens = (await exchanged).json()
    with pytest.raises(SessionEnded):
        await served.principal(tokens["access_token"])


async def test_an_applications_session_is_listed_and_ended_by_its_person(served: Server) -> None:
    client = await served.application()
    tokens = await served.tokens(client)
    person = await served.house.person(await served.house.login())

    sessions = await served.house.service.sessions(person)
    [session] = [found for found in sessions if found.client_id is not None]
    assert (str(session.client_id), session.scope) == (client["client_id"], ["usage:read"])
    await served.house.service.end(person, session.id)

    with pytest.raises(SessionEnded):
        await served.principal(tokens["access_token"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/auth/sessions", None),
        ("POST", "/api/v1/auth/logout", {"sessions": "all"}),
        ("POST", "/api/v1/auth/change-password", {"current_password": "x", "new_password": "y"}),
        ("DELETE", f"/api/v1/auth/sessions/{UUID(int=1)}", None),
        ("GET", "/api/v1/orgs", None),
        ("POST", f"/api/v1/orgs/{UUID(int=1)}/members", {"invitation_token": "x"}),
    ],
)
async def test_an_application_does_not_manage_its_persons_account(
    served: Server, method: str, path: str, body: dict[str, Any] | None
) -> None:
    tokens = await served.tokens(await served.application())
    principal = await served.principal(tokens["access_token"])

    answer = await served(method, path, caller=principal, json=body)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:acts_for_somebody")


async def test_an_application_does_not_leave_the_organization_for_its_person(served: Server) -> None:
    principal = await served.principal((await served.tokens(await served.application()))["access_token"])

    answer = await served("DELETE", f"{served.org}/members/{served.house.user_id}", caller=principal)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:missing_permission")


async def test_an_id_token_says_who_signed_in_when(served: Server) -> None:
    client = await served.application()
    browser = Browser(served)
    consent = await browser.sign_in(await browser.get(asked(client, scope="openid", nonce="a nonce")))
    signed_in_at = served.clock.now()
    served.clock.advance(seconds=30)
    code = answer_in(await browser.post({"form": form_in(consent), "decision": "allow"}))["code"]

    tokens = (await served.exchange(client, code)).json()

    key = next(iter((await published()).values()))
    claims = jwt.decode(
        tokens["id_token"],
        jwt.PyJWK({**key}).key,
        algorithms=["ES256"],
        issuer=ISSUER,
        audience=client["client_id"],
        options={"verify_exp": False, "verify_iat": False},
    )
    digest = sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims == {
        "iss": ISSUER,
        "aud": client["client_id"],
        "sub": str(served.house.user_id),
        "iat": int(served.clock.now().timestamp()),
        "exp": int(served.clock.now().timestamp()) + 900,
        "auth_time": int(signed_in_at.timestamp()),
        "nonce": "a nonce",
        "amr": ["pwd"],
        "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
    }
    with pytest.raises(NotAnAccessToken):
        await served.principal(tokens["id_token"])


async def test_without_openid_there_is_no_id_token(served: Server) -> None:
    assert "id_token" not in await served.tokens(await served.application(), scope="usage:read email")


@pytest.mark.parametrize(
    ("scope", "told"),
    [("openid", set()), ("openid email", {"email", "email_verified"}), ("openid profile usage:read", {"name"})],
)
async def test_an_application_learns_what_it_was_let_know(served: Server, scope: str, told: set[str]) -> None:
    tokens = await served.tokens(await served.application(), scope=scope)
    caller = await served.house.authenticator.authenticate(f"Bearer {tokens['access_token']}")

    answer = await served("GET", "/oauth2/userinfo", caller=caller)

    assert answer.json().keys() == {"sub"} | told
    assert answer.json()["sub"] == str(served.house.user_id)
    assert answer.json().get("email") in {None, served.house.email}
    assert answer.headers["cache-control"] == "no-store"


async def test_without_openid_nobody_learns_who_it_is(served: Server) -> None:
    tokens = await served.tokens(await served.application(), scope="usage:read email")
    for caller in (
        await served.principal(tokens["access_token"]),
        await served.principal((await served.house.login()).access_token),
        await served.principal(await served.own_token(await served.account())),
        Person(user_id=served.house.user_id, session_id=new_id()),
    ):
        assert (await served("GET", "/oauth2/userinfo", caller=caller)).status_code == 403


PERMISSIONS = sorted(Permission)


@settings(max_examples=15)
@given(
    registered=st.lists(st.sampled_from(PERMISSIONS), max_size=6, unique=True),
    wanted=st.lists(st.sampled_from([*PERMISSIONS, "openid", "everything"]), min_size=1, max_size=6, unique=True),
)
async def test_no_token_is_for_more_than_was_registered_and_asked(
    served: Server, registered: list[Permission], wanted: list[str]
) -> None:
    client = await served.application(permissions=registered)
    expected = set(wanted) & ({*registered} | {"openid"})
    browser = Browser(served)
    page = await browser.get(asked(client, scope=" ".join(wanted)))
    if not expected:
        assert answer_in(page)["error"] == "invalid_scope"
        return
    answer = answer_in(await browser.post({"form": form_in(await browser.sign_in(page)), "decision": "allow"}))

    tokens = (await served.exchange(client, answer["code"])).json()

    assert set(tokens["scope"].split()) == expected
    assert (await served.principal(tokens["access_token"])).permissions == expected - {"openid"}
