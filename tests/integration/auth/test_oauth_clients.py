"""Applications that an organization registers."""

import pytest

from llmo_auth.principal import Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced
from tests.integration.auth.oauth_server import Server, other_organizations, refusal
from tests.integration.organizations import MakeOrg


async def test_an_application_is_registered_listed_and_removed(served: Server, auth_database: Database) -> None:
    client = await served.application()
    path = f"{served.org}/oauth-clients"

    [listed] = (await served("GET", path, caller=served.owner())).json()["data"]
    assert listed == {name: value for name, value in client.items() if name != "client_secret"}
    assert (await served("DELETE", f"{path}/{client['id']}", caller=served.owner())).status_code == 204
    assert (await served("DELETE", f"{path}/{client['id']}", caller=served.owner())).status_code == 404
    assert (await served("GET", path, caller=served.owner())).json() == {"data": []}
    events = await announced(auth_database, served.house.org_id)
    assert [event.type for event in events][-2:] == ["llmo.auth.oauth_client.created", "llmo.auth.oauth_client.removed"]
    assert client["client_secret"] not in str(events)


async def test_a_public_application_has_no_secret(served: Server) -> None:
    client = await served.application(confidential=False)

    assert client["client_secret"] is None
    refusal(await served.token(client | {"client_secret": "x"}, grant_type="refresh_token"), "invalid_client", 401)


async def test_an_application_gets_no_token_for_itself(served: Server) -> None:
    for client in (await served.application(), await served.application(confidential=False)):
        refusal(await served.token(client, grant_type="client_credentials"), "unauthorized_client")


@pytest.mark.parametrize(
    "uri",
    [
        "http://report.example/callback",
        "https://report.example/callback#x",
        "https://*.example/callback",
        "https://user:password@report.example/",
        "https://report.example/a b",
        "https://report.example/\x00",
        "https://report.example/ä",
        "https://report.example\\@attacker.example/",
        "https://",
        "https:///callback",
        "https://report.example:99999/",
        "http://127.0.0.1.attacker.example/",
        "http://localhost.attacker.example/",
        "https://a.example/;default-src",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp://callback",
        "//report.example/",
        "",
    ],
)
async def test_an_address_that_people_must_not_be_sent_to_cannot_be_registered(served: Server, uri: str) -> None:
    body = {"name": "x", "redirect_uris": [uri]}

    answer = await served("POST", f"{served.org}/oauth-clients", caller=served.owner(), json=body)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "uri", ["https://a.example/b?c=d", "http://127.0.0.1:8765/cb", "http://[::1]:1/", "http://localhost/"]
)
async def test_https_and_this_machine_can_be(served: Server, uri: str) -> None:
    assert (await served.application(redirect_uris=[uri]))["redirect_uris"] == [uri]


@pytest.mark.parametrize(
    "surprise", ["id", "org_id", "client_id", "client_secret", "secret_hash", "created_by", "created_at", "removed_at"]
)
async def test_a_body_sets_nothing_that_is_not_asked_for(served: Server, surprise: str) -> None:
    body = {"name": "x", "redirect_uris": ["https://a.example/"], surprise: str(new_id())}

    answer = await served("POST", f"{served.org}/oauth-clients", caller=served.owner(), json=body)

    assert answer.status_code == 422


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.BILLING, Role.VIEWER])
async def test_other_roles_see_and_register_none(served: Server, role: Role) -> None:
    body = {"name": "x", "redirect_uris": ["https://a.example/"]}
    for method, options in (("GET", {}), ("POST", {"json": body})):
        answer = await served(method, f"{served.org}/oauth-clients", caller=served.owner(role), **options)
        assert answer.status_code == 403


async def test_other_organizations_have_no_such_application(served: Server, make_org: MakeOrg) -> None:
    client, other = await served.application(), await make_org()
    stranger = other_organizations(served.owner(), other.org_id)
    own, foreign = f"/api/v1/orgs/{other.org_id}/oauth-clients", f"{served.org}/oauth-clients"

    for path in (own, foreign):
        assert (await served("DELETE", f"{path}/{client['id']}", caller=stranger)).status_code == 404
    assert (await served("GET", foreign, caller=stranger)).status_code == 404
    assert (await served("GET", own, caller=stranger)).json() == {"data": []}
    assert len((await served("GET", foreign, caller=served.owner())).json()["data"]) == 1
