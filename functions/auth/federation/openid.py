"""Signing in with OpenID Connect issuers, Google among them.

Source: https://openid.net/specs/openid-connect-core-1_0.html (section 3.1.3.7 for ID tokens) and
https://openid.net/specs/openid-connect-discovery-1_0.html.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import AnyHttpUrl

from auth.federation.models import (
    Answer,
    Confirmed,
    FlowSecrets,
    IdentityProvider,
    IdentityRefused,
    ProviderUnavailable,
)
from auth.federation.oauth import (
    OAuthClients,
    authorization_url,
    read,
    same_issuer,
    tokens,
    usable_email,
    usable_name,
    usable_subject,
)
from llmo_core.clock import Clock
from llmo_core.model import OpenModel
from llmo_core.observability import logger

_SCOPE = "openid email profile"
_HASHES = {
    "RS256": hashlib.sha256,
    "RS384": hashlib.sha384,
    "RS512": hashlib.sha512,
    "PS256": hashlib.sha256,
    "ES256": hashlib.sha256,
    "ES384": hashlib.sha384,
}
_KEY_TYPES: Mapping[str, type[RSAKey | ECKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
}  # a public key is never taken for a shared secret
_LEEWAY = timedelta(minutes=1)
_REMEMBERED = timedelta(hours=1)
_KEYS_ANEW = timedelta(minutes=1)  # at most so often for a key that is not known, which anybody can name


class Metadata(OpenModel):
    """What an issuer's discovery document says."""

    issuer: str
    authorization_endpoint: AnyHttpUrl
    token_endpoint: AnyHttpUrl
    jwks_uri: AnyHttpUrl
    userinfo_endpoint: AnyHttpUrl | None = None
    token_endpoint_auth_methods_supported: Sequence[str] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def auth_method(self) -> str:
        """How clients show their secret."""
        basic = "client_secret_basic"
        return basic if basic in self.token_endpoint_auth_methods_supported else "client_secret_post"


class OpenIdConnect:
    """Speaks with OpenID Connect issuers. It remembers their documents and keys for an hour."""

    def __init__(self, clients: OAuthClients, *, loopback: bool, clock: Clock) -> None:
        self._clients = clients
        self._loopback = loopback
        self._clock = clock
        self._metadata: dict[str, tuple[datetime, Metadata]] = {}
        self._keys: dict[str, tuple[datetime, KeySet]] = {}

    async def authorization_url(
        self, provider: IdentityProvider, *, redirect_uri: str, state: str, secrets: FlowSecrets
    ) -> str:
        """Where to send somebody. Raises ProviderUnavailable."""
        metadata = await self._discover(provider)
        async with self._client(provider, metadata, redirect_uri) as client:
            endpoint = str(metadata.authorization_endpoint)
            return authorization_url(client, endpoint, state=state, secrets=secrets)

    async def confirm(
        self, provider: IdentityProvider, answer: Answer, *, redirect_uri: str, secrets: FlowSecrets, since: datetime
    ) -> Confirmed:
        """Who somebody is. Raises IdentityRefused, ProviderUnavailable."""
        metadata = await self._discover(provider)
        same_issuer(provider, answer.iss, always_said=metadata.authorization_response_iss_parameter_supported)
        async with self._client(provider, metadata, redirect_uri) as client:
            given = await tokens(client, str(metadata.token_endpoint), code=answer.code, secrets=secrets)
            claims = await self._verified(client, provider, metadata, given, secrets.nonce, since)
            subject = usable_subject(claims.get("sub"))
            about = claims
            if "email" not in claims and metadata.userinfo_endpoint is not None:
                about = await read(client, str(metadata.userinfo_endpoint))
                if not isinstance(about, dict) or about.get("sub") != subject:  # section 5.3.2
                    raise IdentityRefused
        return Confirmed(
            provider=provider.id,
            issuer=provider.issuer,
            subject=subject,
            email=usable_email(about.get("email")),
            email_verified=about.get("email_verified") is True,
            name=usable_name(about.get("name")),
        )

    def _client(self, provider: IdentityProvider, metadata: Metadata | None, redirect_uri: str) -> Any:  # noqa: ANN401
        auth_method = metadata.auth_method if metadata else "none"
        return self._clients.client(provider, auth_method=auth_method, scope=_SCOPE, redirect_uri=redirect_uri)

    async def _discover(self, provider: IdentityProvider) -> Metadata:
        now = self._clock.now()
        known = self._metadata.get(provider.issuer)
        if known is not None and now < known[0] + _REMEMBERED:
            return known[1]
        url = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        async with self._client(provider, None, "") as client:
            metadata = Metadata.model_validate(await read(client, url, withhold_token=True))
        if metadata.issuer != provider.issuer or not self._safe(metadata.authorization_endpoint):
            logger().warning("an issuer's document is not its own", extra={"provider": provider.id})
            raise ProviderUnavailable
        self._metadata[provider.issuer] = (now, metadata)
        return metadata

    def _safe(self, url: AnyHttpUrl) -> bool:
        """Whether people may be sent there; what we call ourselves is looked at when it is called."""
        return url.scheme == "https" or (self._loopback and url.host in {"127.0.0.1", "[::1]", "localhost"})

    async def _verified(
        self,
        client: Any,  # noqa: ANN401 - Authlib is untyped
        provider: IdentityProvider,
        metadata: Metadata,
        given: Mapping[str, Any],
        nonce: str,
        since: datetime,
    ) -> dict[str, Any]:
        """The claims of an ID token that says who answered just now, to us."""
        id_token = given.get("id_token")
        if not isinstance(id_token, str):
            raise IdentityRefused
        try:
            token = await self._signed(client, metadata, id_token)
            rules = jwt.JWTClaimsRegistry(
                now=int(self._clock.now().timestamp()),
                leeway=int(_LEEWAY.total_seconds()),
                iss={"essential": True, "value": provider.issuer},
                aud={"essential": True, "value": provider.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True},
            )
            rules.validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            kind = type(error).__name__
            logger().warning("an ID token is refused", extra={"provider": provider.id, "error": kind})
            raise IdentityRefused from error
        if not _ours(token, given, client_id=provider.client_id, nonce=nonce, since=since):
            logger().warning("an ID token is not for this sign-in", extra={"provider": provider.id})
            raise IdentityRefused
        return token.claims

    async def _signed(self, client: Any, metadata: Metadata, id_token: str) -> jwt.Token:  # noqa: ANN401
        try:
            return jwt.decode(id_token, await self._key_set(client, metadata, _REMEMBERED), algorithms=[*_HASHES])
        except JoseError:  # perhaps of a key that is newer than what is remembered
            return jwt.decode(id_token, await self._key_set(client, metadata, _KEYS_ANEW), algorithms=[*_HASHES])

    async def _key_set(self, client: Any, metadata: Metadata, remembered: timedelta) -> KeySet:  # noqa: ANN401
        now = self._clock.now()
        known = self._keys.get(metadata.issuer)
        if known is not None and now < known[0] + remembered:
            return known[1]
        document = await read(client, str(metadata.jwks_uri), withhold_token=True)
        made = [key for key in map(_verification_key, document["keys"]) if key is not None]
        self._keys[metadata.issuer] = (now, KeySet([*made]))
        return self._keys[metadata.issuer][1]


def _verification_key(given: Any) -> RSAKey | ECKey | None:  # noqa: ANN401 - whatever there is
    """A published key that can verify, or None for one that we have no use for (RFC 7517, section 5)."""
    if not isinstance(given, dict) or given.get("kty") not in [*_KEY_TYPES] or given.get("use", "sig") != "sig":
        return None
    try:
        return _KEY_TYPES[given["kty"]].import_key(given)
    except (JoseError, KeyError, TypeError, ValueError):
        return None


def _ours(token: jwt.Token, given: Mapping[str, Any], *, client_id: str, nonce: str, since: datetime) -> bool:
    """Whether an ID token answers this sign-in, and comes with this access token."""
    claims = token.claims
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        return False
    if claims["iat"] < (since - _LEEWAY).timestamp():
        return False
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        return False
    if "at_hash" not in claims:
        return True
    digest = _HASHES[token.header["alg"]](str(given.get("access_token")).encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    return hmac.compare_digest(str(claims["at_hash"]).encode(), half)
