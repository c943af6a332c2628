"""The use cases of identity providers with their adapters.

What speaks with providers is imported when one is spoken with.
"""

from auth import wiring as shared
from auth.federation.configured import SecretProviders
from auth.federation.handshakes import Handshakes
from auth.federation.linking import Linking
from auth.federation.models import Kind
from auth.federation.own import IdentityService
from auth.federation.ports import Exchange
from auth.federation.repository import PostgresFlows, PostgresIdentities
from auth.federation.service import FederatedSignIn, ProviderList
from auth.registration.wiring import account_opening
from auth.sign_in.wiring import session_starter
from auth.wiring import once
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def _providers() -> SecretProviders:
    return SecretProviders(shared.settings().identity_providers_secret, clock=SystemClock())


@once
def _github() -> Exchange:
    from auth.federation.github import GitHub  # noqa: PLC0415 - see above
    from auth.federation.oauth import OAuthClients  # noqa: PLC0415 - see above

    return GitHub(OAuthClients(loopback=shared.settings().loopback_identity_providers))


@once
def _openid() -> Exchange:
    from auth.federation.oauth import OAuthClients  # noqa: PLC0415 - see above
    from auth.federation.openid import OpenIdConnect  # noqa: PLC0415 - see above

    loopback = shared.settings().loopback_identity_providers
    return OpenIdConnect(OAuthClients(loopback=loopback), loopback=loopback, clock=SystemClock())


def _exchange(kind: Kind) -> Exchange:
    return _github() if kind is Kind.GITHUB else _openid()


@once
def _handshakes() -> Handshakes:
    return Handshakes(
        providers=_providers(),
        exchange=_exchange,
        flows=PostgresFlows(shared.database()),
        redirect_uri=shared.settings().redirect_uri(),
        secret=shared.pepper(),
        clock=SystemClock(),
    )


@once
def _linking() -> Linking:
    return Linking(
        identities=PostgresIdentities(shared.database()), events=shared.events(), clock=SystemClock(), new_id=new_id
    )


async def provider_list() -> ProviderList:
    """The use case of showing where people may sign in."""
    return ProviderList(_providers())


async def federated_sign_in() -> FederatedSignIn:
    """The use cases of signing in with providers."""
    return FederatedSignIn(
        handshakes=_handshakes(),
        identities=PostgresIdentities(shared.database()),
        linking=_linking(),
        opening=account_opening(),
        people=shared.people(),
        starter=session_starter(),
        attempts=shared.attempts(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def identity_service() -> IdentityService:
    """The use cases of one's own identities."""
    return IdentityService(
        handshakes=_handshakes(),
        identities=PostgresIdentities(shared.database()),
        linking=_linking(),
        people=shared.people(),
        attempts=shared.attempts(),
        events=shared.events(),
        transaction=shared.database().transaction,
    )
