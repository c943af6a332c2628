"""Signing in with GitHub: OAuth 2, and its REST API for who it is.

Source: https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
https://docs.github.com/en/rest/users/emails.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from auth.federation.models import Answer, Confirmed, FlowSecrets, IdentityProvider
from auth.federation.oauth import (
    OAuthClients,
    authorization_url,
    read,
    same_issuer,
    tokens,
    usable_email,
    usable_name,
)
from llmo_core.model import OpenModel

_SCOPE = "read:user user:email"
_POST = "client_secret_post"


class _User(OpenModel):
    """Of `GET /user`. The login can be given to somebody else; the number cannot."""

    id: int
    name: str | None = None


class _Address(OpenModel):
    """Of `GET /user/emails`."""

    email: str
    primary: bool
    verified: bool


_ADDRESSES = TypeAdapter(list[_Address])


class GitHub:
    """Speaks with GitHub, and with GitHub Enterprise Servers."""

    def __init__(self, clients: OAuthClients) -> None:
        self._clients = clients

    async def authorization_url(
        self, provider: IdentityProvider, *, redirect_uri: str, state: str, secrets: FlowSecrets
    ) -> str:
        """Where to send somebody."""
        options = {"auth_method": _POST, "scope": _SCOPE, "redirect_uri": redirect_uri}
        async with self._clients.client(provider, **options) as client:
            return authorization_url(client, f"{provider.issuer}/authorize", state=state, secrets=secrets)

    async def confirm(
        self,
        provider: IdentityProvider,
        answer: Answer,
        *,
        redirect_uri: str,
        secrets: FlowSecrets,
        since: datetime,  # noqa: ARG002 - nothing that GitHub gives says when it was issued
    ) -> Confirmed:
        """Who somebody is; their address is the primary one. Raises IdentityRefused, ProviderUnavailable."""
        same_issuer(provider, answer.iss, always_said=False)
        options = {"auth_method": _POST, "scope": _SCOPE, "redirect_uri": redirect_uri}
        async with self._clients.client(provider, **options) as client:
            await tokens(client, f"{provider.issuer}/access_token", code=answer.code, secrets=secrets)
            user = _User.model_validate(await read(client, f"{provider.api_url}/user"))
            addresses = _ADDRESSES.validate_python(await read(client, f"{provider.api_url}/user/emails"))
        primary = _primary(addresses)
        return Confirmed(
            provider=provider.id,
            issuer=provider.issuer,
            subject=str(user.id),
            email=usable_email(primary.email) if primary else None,
            email_verified=primary is not None and primary.verified,
            name=usable_name(user.name),
        )


def _primary(addresses: Sequence[_Address]) -> _Address | None:
    return next((address for address in addresses if address.primary), None)
