"""What every provider is spoken with: OAuth 2's authorization code grant with PKCE (RFC 6749, RFC 7636), by Authlib.

Imported when a provider is spoken with: Authlib takes a while.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import TypeAdapter, ValidationError

from auth.federation.models import FlowSecrets, IdentityProvider, IdentityRefused, ProviderUnavailable
from auth.federation.outbound import PublicOnly, Refused
from auth.fields import Email
from llmo_core.fields import Name
from llmo_core.observability import logger

_CALL_SECONDS = 5.0
_ALL_CALLS_SECONDS = 10.0
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_LONGEST_SUBJECT = 255  # OpenID Connect Core, section 2


class OAuthClients:
    """Makes clients for providers.

    Args:
        loopback: Whether providers may be on the loopback interface.
    """

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback

    @asynccontextmanager
    async def client(
        self, provider: IdentityProvider, *, auth_method: str, scope: str, redirect_uri: str
    ) -> AsyncIterator[Any]:
        """A client of a provider. What goes wrong with calls becomes IdentityRefused or ProviderUnavailable."""
        client = AsyncOAuth2Client(
            provider.client_id,
            provider.client_secret,
            token_endpoint_auth_method=auth_method,
            scope=scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            transport=PublicOnly(loopback=self._loopback),
            timeout=_CALL_SECONDS,
            trust_env=False,
            follow_redirects=False,
        )
        try:
            async with asyncio.timeout(_ALL_CALLS_SECONDS), client:
                yield client
        except AuthlibBaseError as error:
            logger().warning("an identity provider refused", extra={"provider": provider.id, "error": str(error.error)})
            raise IdentityRefused from error
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            kind = type(error).__name__
            logger().warning("an identity provider failed", extra={"provider": provider.id, "error": kind})
            raise ProviderUnavailable from error


def authorization_url(client: Any, endpoint: str, *, state: str, secrets: FlowSecrets) -> str:  # noqa: ANN401 - untyped
    """Where to send somebody."""
    url, _ = client.create_authorization_url(endpoint, state=state, code_verifier=secrets.verifier, nonce=secrets.nonce)
    return str(url)


async def tokens(client: Any, endpoint: str, *, code: str, secrets: FlowSecrets) -> dict[str, Any]:  # noqa: ANN401
    """What the provider gives for a code."""
    return dict(
        await client.fetch_token(endpoint, grant_type="authorization_code", code=code, code_verifier=secrets.verifier)
    )


async def read(client: Any, url: str, **options: Any) -> Any:  # noqa: ANN401 - Authlib is untyped, and so is JSON
    """A JSON document. Raises Refused for any other answer, and what httpx2 raises."""
    response = await client.request("GET", url, headers={"accept": "application/json"}, **options)
    if response.status_code != httpx2.codes.OK:
        raise Refused(f"HTTP {response.status_code}")
    try:
        return response.json()
    except ValueError as error:
        raise Refused("no JSON") from error


def usable_email(given: object) -> str | None:
    """An address as accounts have them; None for any other."""
    try:
        return _EMAIL.validate_python(given)
    except ValidationError:
        return None


def usable_name(given: object) -> str | None:
    """A name as accounts have them; None for any other."""
    try:
        return _NAME.validate_python(given)
    except ValidationError:
        return None


def usable_subject(given: object) -> str:
    """A subject. Raises IdentityRefused for what cannot be one."""
    if not isinstance(given, str) or not 0 < len(given) <= _LONGEST_SUBJECT:
        raise IdentityRefused
    if not (given.isascii() and given.isprintable()):
        raise IdentityRefused
    return given


def same_issuer(provider: IdentityProvider, said: str | None, *, always_said: bool) -> None:
    """Raise IdentityRefused for an answer that another provider gave (RFC 9207, section 2.4)."""
    if said is None and not always_said:
        return
    if said != provider.issuer:
        raise IdentityRefused
