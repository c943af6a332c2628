"""The authorization server over HTTP on the real stores, with a clock of its own and somebody who can sign in."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import httpx2
from redis.asyncio import Redis
from starlette.types import Receive, Scope, Send

from auth.api import app
from auth.client_secrets import ClientSecrets
from auth.oauth import wiring
from auth.oauth.account_tokens import AccountTokenService
from auth.oauth.applications import ApplicationService
from auth.oauth.authorizing import AuthorizationService
from auth.oauth.client_authentication import ClientAuthentication
from auth.oauth.granting import GrantService, challenge_of
from auth.oauth.id_tokens import IdTokens
from auth.oauth.inspection import InspectionService
from auth.oauth.open_requests import OpenRequests
from auth.oauth.repository import PostgresApplications, PostgresCodes, PostgresRequests
from auth.oauth.userinfo import UserInfoService
from auth.one_time_tokens import OneTimeTokens
from auth.organizations import wiring as organizations
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.members import MemberService
from auth.organizations.repository import PostgresRoles
from auth.service_accounts import wiring as service_accounts
from auth.service_accounts.repository import PostgresServiceAccounts
from auth.service_accounts.service import ServiceAccountService
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from auth.sign_in.signing import Signer
from llmo_auth.access_token import AccessTokens, NotAnAccessToken, public_keys
from llmo_auth.principal import PERMISSIONS_OF, ActorType, Person, Principal, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.clocks import MovableClock
from tests.integration.auth.announcements import outbox
from tests.integration.auth.calling import owned_keys
from tests.integration.auth.house import ISSUER, PASSWORD, House, OneKey, house, published
from tests.integration.auth.safe import Safe, safe
from tests.integration.auth.test_accounts import opened

type Json = dict[str, Any]
type Overrides = dict[Callable[..., Any], object]

REDIRECT = "https://report.example/callback"
VERIFIER = "a-verifier-that-nobody-else-knows-0123456789ABC"
COOKIE = "__Host-llmo-authorize"
_SECRET = b"secret"


class Keys:
    """The published keys."""

    async def key(self, kid: str) -> Any:
        known = await published()
        if kid not in known:
            raise NotAnAccessToken
        return public_keys(known)[kid]


@dataclass
class Server:
    """One organization's owner, and the server."""

    house: House
    clock: MovableClock
    factors: Safe

    async def __call__(
        self, method: str, path: str, *, caller: Principal | Person | None = None, **options: Any
    ) -> httpx2.Response:
        """Make one call, as whoever the authorizer let through."""
        context: Json = {"identity": {"sourceIp": "203.0.113.10", "userAgent": "a browser"}}
        if caller is not None:
            context["authorizer"] = caller.to_context()

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "aws.event": {"requestContext": context}}, receive, send)

        transport = httpx2.ASGITransport(app=served)
        async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as client:
            return await client.request(method, path, **options)

    def owner(self, role: Role = Role.OWNER) -> Principal:
        """The owner, or as if they were something else."""
        return Principal(
            org_id=self.house.org_id,
            project_id=None,
            actor_type=ActorType.USER,
            actor_id=self.house.user_id,
            permissions=frozenset(PERMISSIONS_OF[role]),
            session_id=new_id(),
        )

    @property
    def org(self) -> str:
        """The organization's address."""
        return f"/api/v1/orgs/{self.house.org_id}"

    async def account(self, *permissions: str) -> Json:
        """A new service account with its secret."""
        body = {"name": "Nightly", "permissions": list(permissions or ("usage:read", "keys:read"))}
        made = await self("POST", f"{self.org}/service-accounts", caller=self.owner(), json=body)
        assert made.status_code == 201, made.text
        created: Json = made.json()
        return created

    async def application(self, **body: Any) -> Json:
        """A new application with its secret, if it has one."""
        wanted = {"name": "Report", "redirect_uris": [REDIRECT], "permissions": ["usage:read", "keys:read"], **body}
        made = await self("POST", f"{self.org}/oauth-clients", caller=self.owner(), json=wanted)
        assert made.status_code == 201, made.text
        created: Json = made.json()
        return created

    async def code(self, client: Json, **parameters: str) -> str:
        """A code that the owner allows an application."""
        return (await Browser(self).allowed(client, **parameters))["code"]

    async def exchange(self, client: Json, code: str, **form: str) -> httpx2.Response:
        """Show a code."""
        shown = {"code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER, **form}
        return await self.token(client, grant_type="authorization_code", **shown)

    async def tokens(self, client: Json, **parameters: str) -> Json:
        """What an application gets for what the owner allows."""
        answer = await self.exchange(client, await self.code(client, **parameters))
        assert answer.status_code == 200, answer.text
        got: Json = answer.json()
        return got

    async def token(self, client: Json, **form: Any) -> httpx2.Response:
        """Ask for tokens as a client."""
        return await self.as_client(client, "token", **form)

    async def as_client(self, client: Json, endpoint: str, **form: Any) -> httpx2.Response:
        """Post a form as a client that shows its secret, if it has one."""
        secret = client.get("client_secret")
        if secret is None:
            return await self("POST", f"/oauth2/{endpoint}", data={"client_id": client["client_id"], **form})
        return await self("POST", f"/oauth2/{endpoint}", data=form, headers=basic(client["client_id"], secret))

    async def own_token(self, client: Json, **form: Any) -> str:
        """A service account's access token."""
        answer = await self.token(client, grant_type="client_credentials", **form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def principal(self, access_token: str) -> Principal:
        """Whom the authorizer takes a token for."""
        found = await self.house.authenticator.authenticate(f"Bearer {access_token}")
        assert isinstance(found, Principal)
        return found


class Browser:
    """A browser that keeps one cookie and fills in forms."""

    def __init__(self, served: Server) -> None:
        self._served = served
        self.cookie = ""

    async def get(self, parameters: Json) -> httpx2.Response:
        """Follow an application's link."""
        answer = await self._served("GET", "/oauth2/authorize", params=parameters, headers=self._sent())
        self._keep(answer)
        return answer

    async def post(self, form: Json) -> httpx2.Response:
        """Submit a form."""
        answer = await self._served("POST", "/oauth2/authorize", data=form, headers=self._sent())
        self._keep(answer)
        return answer

    async def sign_in(
        self, page: httpx2.Response, password: str = PASSWORD, *, code: str | None = None
    ) -> httpx2.Response:
        """Fill in the first page."""
        email = self._served.house.email
        shown = {"email": email, "password": password} | ({"code": code} if code is not None else {})
        return await self.post({"form": form_in(page), "decision": "sign_in", **shown})

    async def allowed(self, client: Json, **parameters: str) -> dict[str, str]:
        """Go through all of it, and read the answer in the address."""
        consent = await self.sign_in(await self.get(asked(client, **parameters)))
        return answer_in(await self.post({"form": form_in(consent), "decision": "allow"}))

    def _sent(self) -> dict[str, str]:
        return {"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}

    def _keep(self, answer: httpx2.Response) -> None:
        for header in answer.headers.get_list("set-cookie"):
            name, _, rest = header.partition("=")
            assert name == COOKIE
            self.cookie = rest.partition(";")[0].strip('"')


def asked(client: Json, **changed: str) -> dict[str, str]:
    """What an application sends somebody with; an empty value leaves a parameter out."""
    parameters = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": REDIRECT,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "scope": "usage:read",
        "state": "a state",
        **changed,
    }
    return {name: value for name, value in parameters.items() if value}


def form_in(page: httpx2.Response) -> str:
    """What a page's form has in it."""
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def answer_in(answer: httpx2.Response) -> dict[str, str]:
    """The parameters that somebody is sent back to the application with."""
    assert answer.status_code in {302, 303}, answer.text
    address, _, query = answer.headers["location"].partition("?")
    assert address == REDIRECT
    return dict(parse_qsl(query, strict_parsing=True))


def basic(client_id: str, secret: str) -> dict[str, str]:
    """HTTP Basic credentials."""
    return {"authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def refusal(answer: httpx2.Response, error: str, status: int = 400) -> None:
    """Fail unless this is an error of OAuth's."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"error", "error_description"}


async def server(auth_database: Database, authorizer_database: Database, redis: Redis) -> tuple[Server, Overrides]:
    """A new organization's server, and what the routes are to be given in place of the real wiring."""
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    home = house(auth_database, authorizer_database, redis, email=email, user_id=account.user_id, org_id=account.org_id)
    factors = safe(home, auth_database, redis)
    return Server(home, home.clock, factors), _overrides(auth_database, redis, factors)


def _overrides(database: Database, redis: Redis, factors: Safe) -> Overrides:
    home = factors.home
    tokens = AccessTokens(issuer=ISSUER, audience=ISSUER)
    signer = Signer(keys=OneKey(), tokens=tokens, clock=home.clock)
    accounts, secrets = PostgresServiceAccounts(database), ClientSecrets(_SECRET)
    applications, sessions, starter = PostgresApplications(database), PostgresSessions(database), home.service._starter
    announced: Json = {"events": outbox(database), "transaction": database.transaction, "clock": home.clock}
    members = PostgresMembers(database)
    return {
        organizations.member_service: MemberService(
            members=members,
            roles=PostgresRoles(database),
            keys=owned_keys(database, redis),
            people=PostgresPeople(database),
            tokens=OneTimeTokens(_SECRET),
            new_id=new_id,
            **announced,
        ),
        wiring.issuer: ISSUER,
        wiring.client_authentication: ClientAuthentication(
            applications=applications, accounts=accounts, secrets=secrets
        ),
        wiring.account_token_service: AccountTokenService(tokens=tokens, signs=signer, clock=home.clock, new_id=new_id),
        wiring.grant_service: GrantService(
            applications=applications,
            codes=PostgresCodes(database),
            sessions=sessions,
            starter=starter,
            sign_in=home.service,
            id_tokens=IdTokens(signs=signer),
            one_time=OneTimeTokens(_SECRET),
            **announced,
        ),
        wiring.application_service: ApplicationService(
            applications=applications, organizations=members, secrets=secrets, new_id=new_id, **announced
        ),
        wiring.authorization_service: AuthorizationService(
            applications=applications,
            requests=OpenRequests(
                requests=PostgresRequests(database),
                applications=applications,
                tokens=OneTimeTokens(_SECRET),
                people=PostgresPeople(database),
                transaction=database.transaction,
                clock=home.clock,
            ),
            codes=PostgresCodes(database),
            authenticates=factors.authentication,
            organizations=members,
            starter=starter,
            tokens=OneTimeTokens(_SECRET),
            issuer=ISSUER,
            clock=home.clock,
            new_id=new_id,
        ),
        wiring.userinfo_service: UserInfoService(
            sessions=sessions, profiles=PostgresPeople(database), clock=home.clock
        ),
        wiring.inspection_service: InspectionService(
            sessions=sessions, accounts=accounts, starter=starter, tokens=tokens, keys=Keys(), **announced
        ),
        service_accounts.service_account_service: ServiceAccountService(
            accounts=accounts,
            organizations=members,
            secrets=secrets,
            keys=owned_keys(database, redis),
            new_id=new_id,
            **announced,
        ),
    }


def given(value: object) -> Any:
    """A dependency that gives this."""

    async def dependency() -> object:
        return value

    return dependency


def other_organizations(principal: Principal, org_id: UUID) -> Principal:
    """The same caller in another organization."""
    return principal.model_copy(update={"org_id": org_id})
