"""The use cases of the authorization server with their adapters."""

from auth import wiring as shared
from auth.client_secrets import ClientSecrets
from auth.oauth.account_tokens import AccountTokenService
from auth.oauth.applications import ApplicationService
from auth.oauth.authorizing import AuthorizationService
from auth.oauth.client_authentication import ClientAuthentication
from auth.oauth.granting import GrantService
from auth.oauth.id_tokens import IdTokens
from auth.oauth.inspection import InspectionService
from auth.oauth.keys import PublishedVerificationKeys
from auth.oauth.open_requests import OpenRequests
from auth.oauth.repository import PostgresApplications, PostgresCodes, PostgresRequests
from auth.oauth.userinfo import UserInfoService
from auth.one_time_tokens import OneTimeTokens
from auth.organizations.member_repository import PostgresMembers
from auth.second_factors import wiring as second_factors
from auth.service_accounts.repository import PostgresServiceAccounts
from auth.sign_in import wiring as sign_in
from auth.sign_in.repository import PostgresSessions, PostgresSigningKeys
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def issuer() -> str:
    """Our own address."""
    return shared.settings().public_url


async def client_authentication() -> ClientAuthentication:
    """Recognizes clients."""
    return ClientAuthentication(
        applications=PostgresApplications(shared.database()),
        accounts=PostgresServiceAccounts(shared.database()),
        secrets=ClientSecrets(shared.pepper()),
    )


async def grant_service() -> GrantService:
    """The use cases of getting tokens."""
    return GrantService(
        applications=PostgresApplications(shared.database()),
        codes=PostgresCodes(shared.database()),
        sessions=PostgresSessions(shared.database()),
        starter=sign_in.session_starter(),
        sign_in=await sign_in.sign_in_service(),
        id_tokens=IdTokens(signs=sign_in.signer()),
        one_time=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def account_token_service() -> AccountTokenService:
    """The use case of service accounts' own tokens."""
    return AccountTokenService(
        tokens=sign_in.access_tokens(), signs=sign_in.signer(), clock=SystemClock(), new_id=new_id
    )


async def inspection_service() -> InspectionService:
    """The use cases of what tokens are worth."""
    return InspectionService(
        sessions=PostgresSessions(shared.database()),
        accounts=PostgresServiceAccounts(shared.database()),
        starter=sign_in.session_starter(),
        tokens=sign_in.access_tokens(),
        keys=PublishedVerificationKeys(PostgresSigningKeys(shared.database())),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def application_service() -> ApplicationService:
    """The use cases of applications."""
    return ApplicationService(
        applications=PostgresApplications(shared.database()),
        organizations=PostgresMembers(shared.database()),
        secrets=ClientSecrets(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def authorization_service() -> AuthorizationService:
    """The use cases of deciding about an application."""
    applications, tokens = PostgresApplications(shared.database()), OneTimeTokens(shared.pepper())
    return AuthorizationService(
        applications=applications,
        requests=OpenRequests(
            requests=PostgresRequests(shared.database()),
            applications=applications,
            tokens=tokens,
            people=shared.people(),
            transaction=shared.database().transaction,
            clock=SystemClock(),
        ),
        codes=PostgresCodes(shared.database()),
        authenticates=await second_factors.authentication(),
        organizations=PostgresMembers(shared.database()),
        starter=sign_in.session_starter(),
        tokens=tokens,
        issuer=await issuer(),
        clock=SystemClock(),
        new_id=new_id,
    )


async def userinfo_service() -> UserInfoService:
    """The use case of telling who an application acts for."""
    return UserInfoService(sessions=PostgresSessions(shared.database()), profiles=shared.people(), clock=SystemClock())
