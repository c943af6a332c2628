"""Service accounts: who may make them, what their tokens may do, and how that ends."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from authorizer.models import ServiceAccountDisabled
from llmo_auth.access_token import AccessTokenExpired
from llmo_auth.principal import ActorType, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced
from tests.integration.auth.house import ISSUER
from tests.integration.auth.oauth_server import Server, basic, other_organizations, refusal
from tests.integration.organizations import MakeOrg, Org


async def test_an_account_gets_a_token_that_the_authorizer_takes_for_what_the_account_may(served: Server) -> None:
    account = await served.account("usage:read", "keys:read")

    answer = await served.token(account, grant_type="client_credentials")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() | {"access_token": ...} == {
        "access_token": ...,
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "keys:read usage:read",
    }
    principal = await served.principal(answer.json()["access_token"])
    assert (principal.actor_type, str(principal.actor_id)) == (ActorType.SERVICE_ACCOUNT, account["client_id"])
    assert principal.org_id == served.house.org_id
    assert principal.permissions == {"keys:read", "usage:read"}
    served.clock.advance(minutes=15)
    with pytest.raises(AccessTokenExpired):
        await served.principal(answer.json()["access_token"])


async def test_the_secret_may_come_in_the_form(served: Server) -> None:
    account = await served.account()
    form = {
        "grant_type": "client_credentials",
        "client_id": account["client_id"],
        "client_secret": account["client_secret"],
    }

    assert (await served("POST", "/oauth2/token", data=form)).status_code == 200
    refusal(
        await served("POST", "/oauth2/token", data=form, headers=basic(account["client_id"], account["client_secret"])),
        "invalid_request",
    )


PROOFS: list[Callable[[str, str], dict[str, Any]]] = [
    lambda _id, _secret: {},
    lambda id_, _secret: basic(id_, "wrong"),
    lambda id_, _secret: basic(id_, ""),
    lambda id_, secret: basic(id_.upper(), secret),
    lambda _id, secret: basic("", secret),
    lambda _id, secret: basic(str(UUID(int=0)), secret),
    lambda _id, secret: {"authorization": f"Bearer {secret}"},
    lambda _id, _secret: {"authorization": "Basic ä".encode()},
    lambda _id, _secret: {"authorization": "Basic /////w=="},
]


@pytest.mark.parametrize("proof", PROOFS)
async def test_whoever_does_not_prove_to_be_the_account_gets_nothing(
    served: Server, proof: Callable[[str, str], dict[str, Any]]
) -> None:
    account = await served.account()
    headers = proof(account["client_id"], account["client_secret"])

    answer = await served("POST", "/oauth2/token", data={"grant_type": "client_credentials"}, headers=headers)

    refusal(answer, "invalid_client", 401)
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_another_accounts_secret_is_no_proof(served: Server) -> None:
    first, second = await served.account(), await served.account()

    answer = await served.token(first | {"client_secret": second["client_secret"]}, grant_type="client_credentials")

    refusal(answer, "invalid_client", 401)


@pytest.mark.parametrize(
    ("asked", "given_"),
    [("usage:read", "usage:read"), ("usage:read org:write", "usage:read"), ("usage:read openid", "usage:read")],
)
async def test_a_token_is_for_what_was_asked_and_is_allowed(served: Server, asked: str, given_: str) -> None:
    account = await served.account("usage:read", "keys:read")

    answer = await served.token(account, grant_type="client_credentials", scope=asked)

    assert answer.json()["scope"] == given_
    assert (await served.principal(answer.json()["access_token"])).permissions == set(given_.split())


@pytest.mark.parametrize("asked", ["org:write", "openid", 'a"b', "usage:read  keys:read", "ä"])
async def test_a_scope_of_which_nothing_is_allowed_is_refused(served: Server, asked: str) -> None:
    account = await served.account("usage:read")

    refusal(await served.token(account, grant_type="client_credentials", scope=asked), "invalid_scope")


@pytest.mark.parametrize("grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"])
async def test_there_are_no_other_grants(served: Server, grant_type: str) -> None:
    account = await served.account()

    refusal(await served.token(account, grant_type=grant_type, username="a", password="b"), "unsupported_grant_type")


async def test_an_account_has_no_codes_and_no_refresh_tokens(served: Server) -> None:
    account = await served.account()
    code = {"code": "x", "redirect_uri": "https://a.example", "code_verifier": "x" * 43}

    refusal(await served.token(account, grant_type="authorization_code", **code), "unauthorized_client")
    refusal(await served.token(account, grant_type="refresh_token", refresh_token="x"), "unauthorized_client")


@pytest.mark.parametrize("name", ["resource", "audience"])
async def test_a_token_may_be_for_one_service(served: Server, name: str) -> None:
    account = await served.account()

    token = await served.own_token(account, **{name: f"{ISSUER}/api/v1/analytics"})

    assert (await served.principal(token)).service == "analytics"


@pytest.mark.parametrize(
    "form",
    [
        {"resource": "https://other.example/api/v1/analytics"},
        {"resource": f"{ISSUER}/api/v1/analytics/usage"},
        {"resource": f"{ISSUER}/api/v1/*"},
        {"resource": f"{ISSUER}/v1"},
        {"resource": "analytics"},
        {"resource": f"{ISSUER}/api/v1/analytics", "audience": f"{ISSUER}/api/v1/orgs"},
        {"resource": [f"{ISSUER}/api/v1/analytics", f"{ISSUER}/api/v1/orgs"]},
    ],
)
async def test_a_token_is_for_nobody_else(served: Server, form: dict[str, Any]) -> None:
    account = await served.account()

    refusal(await served.token(account, grant_type="client_credentials", **form), "invalid_target")


async def test_a_disabled_account_is_refused_at_once_and_for_good(served: Server, auth_database: Database) -> None:
    account = await served.account()
    token = await served.own_token(account)
    path = f"{served.org}/service-accounts/{account['id']}"

    assert (await served("DELETE", path, caller=served.owner())).status_code == 204

    with pytest.raises(ServiceAccountDisabled):
        await served.principal(token)
    refusal(await served.token(account, grant_type="client_credentials"), "invalid_client", 401)
    assert (await served("DELETE", path, caller=served.owner())).status_code == 404
    assert (await served("POST", f"{path}/secrets", caller=served.owner())).status_code == 404
    events = [event.type for event in await announced(auth_database, served.house.org_id)]
    assert events[-2:] == ["llmo.auth.service_account.created", "llmo.auth.service_account.disabled"]


async def test_secrets_change_over_without_a_gap(served: Server) -> None:
    account = await served.account()
    secrets = f"{served.org}/service-accounts/{account['id']}/secrets"

    added = (await served("POST", secrets, caller=served.owner())).json()
    assert (await served("POST", secrets, caller=served.owner())).status_code == 409
    new = account | {"client_secret": added["client_secret"]}
    for client in (account, new):
        assert (await served.token(client, grant_type="client_credentials")).status_code == 200

    old = next(secret["id"] for secret in account["secrets"])
    assert (await served("DELETE", f"{secrets}/{old}", caller=served.owner())).status_code == 204
    assert (await served("DELETE", f"{secrets}/{old}", caller=served.owner())).status_code == 404
    refusal(await served.token(account, grant_type="client_credentials"), "invalid_client", 401)
    assert (await served.token(new, grant_type="client_credentials")).status_code == 200


async def test_two_secrets_are_two_however_many_are_asked_for_at_once(served: Server) -> None:
    account = await served.account()
    secrets = f"{served.org}/service-accounts/{account['id']}/secrets"

    answers = await asyncio.gather(*(served("POST", secrets, caller=served.owner()) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_a_list_shows_accounts_without_their_secrets(served: Server) -> None:
    account = await served.account()

    listed = await served("GET", f"{served.org}/service-accounts", caller=served.owner())

    [shown] = listed.json()["data"]
    assert shown == {name: value for name, value in account.items() if name != "client_secret"}
    assert account["client_secret"].endswith(shown["secrets"][0]["hint"])


async def test_the_database_has_no_secret(served: Server, auth_database: Database) -> None:
    account = await served.account()

    async with auth_database.transaction(served.house.org_id) as connection:
        rows = await (
            await connection.execute("SELECT row_to_json(s)::text AS row FROM auth.service_account_secrets AS s")
        ).fetchall()
    assert rows
    assert account["client_secret"] not in json.dumps(rows)


async def test_nobody_gives_an_account_or_takes_from_it_more_than_they_may(served: Server) -> None:
    admin, powerful = served.owner(Role.ADMIN), await served.account("org:write")
    body = {"name": "x", "permissions": ["usage:read", "org:write"]}

    made = await served("POST", f"{served.org}/service-accounts", caller=admin, json=body)
    taken = await served("POST", f"{served.org}/service-accounts/{powerful['id']}/secrets", caller=admin)

    assert [answer.json()["type"] for answer in (made, taken)] == ["urn:llmo:problem:permission_beyond_own"] * 2
    assert made.status_code == taken.status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"actor_type": ActorType.API_KEY, "session_id": None},
        {"actor_type": ActorType.SERVICE_ACCOUNT, "session_id": None},
        {"client_id": new_id()},
    ],
)
async def test_only_a_person_makes_what_outlives_their_credentials(served: Server, changed: dict[str, Any]) -> None:
    account, caller = await served.account(), served.owner().model_copy(update=changed)
    body = {"name": "x", "permissions": ["usage:read"]}

    for path, options in (("", {"json": body}), (f"/{account['id']}/secrets", {})):
        answer = await served("POST", f"{served.org}/service-accounts{path}", caller=caller, **options)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:not_in_person")


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.BILLING, Role.VIEWER])
async def test_other_roles_see_no_accounts(served: Server, role: Role) -> None:
    answer = await served("GET", f"{served.org}/service-accounts", caller=served.owner(role))

    assert answer.status_code == 403


async def test_other_organizations_have_no_such_account(served: Server, make_org: MakeOrg) -> None:
    account, other = await served.account(), await make_org()
    stranger = other_organizations(served.owner(), other.org_id)
    own, foreign = f"/api/v1/orgs/{other.org_id}/service-accounts", f"{served.org}/service-accounts"
    secret = account["secrets"][0]["id"]

    for path in (own, foreign):
        for method, below in (
            ("DELETE", f"/{account['id']}"),
            ("POST", f"/{account['id']}/secrets"),
            ("DELETE", f"/{account['id']}/secrets/{secret}"),
        ):
            assert (await served(method, path + below, caller=stranger)).status_code == 404
    assert (await served("GET", foreign, caller=stranger)).status_code == 404
    assert (await served("GET", own, caller=stranger)).json() == {"data": []}
    assert (await served.token(account, grant_type="client_credentials")).status_code == 200


@pytest.mark.parametrize(
    "surprise", ["id", "org_id", "client_id", "client_secret", "secret_hash", "created_by", "disabled_at", "secrets"]
)
async def test_a_body_sets_nothing_that_is_not_asked_for(served: Server, surprise: str) -> None:
    body = {"name": "x", "permissions": ["usage:read"], surprise: str(new_id())}

    answer = await served("POST", f"{served.org}/service-accounts", caller=served.owner(), json=body)

    assert answer.status_code == 422


async def test_a_form_sets_nothing_that_is_not_asked_for(served: Server, org: Org) -> None:
    account = await served.account("usage:read")

    token = await served.own_token(account, sub=str(org.user_id), org_id=str(org.org_id), permissions="org:write")

    principal = await served.principal(token)
    assert (principal.org_id, str(principal.actor_id)) == (served.house.org_id, account["id"])
    assert principal.permissions == {"usage:read"}


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"grant_type=client_credentials&scope=%ff", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&scope=\xff", "application/x-www-form-urlencoded"),
        (b"grant_type=%ED%A0%80", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&scope=a%00b", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&scope=" + b"a" * 20_000, "application/x-www-form-urlencoded"),
        (b"a=1&" * 100 + b"grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b'{"grant_type":"client_credentials"}', "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
    ],
)
async def test_a_malformed_form_is_the_clients_mistake(served: Server, content: bytes, type_: str) -> None:
    account = await served.account()
    headers = basic(account["client_id"], account["client_secret"]) | {"content-type": type_}

    refusal(await served("POST", "/oauth2/token", content=content, headers=headers), "invalid_request")
