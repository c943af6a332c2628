"""Access tokens: JSON Web Tokens of type `at+jwt`, signed with ES256.

Sources: RFC 9068 (the profile), RFC 8725 (what a verifier must refuse). The signature comes from PyJWT; what is added
here is that nothing in a token chooses how it is verified: the algorithm is fixed, and a key is one of ours or none.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import jwt

from llmo_core.errors import Unauthenticated
from llmo_core.model import Model

ALGORITHM = "ES256"
LIFETIME = timedelta(minutes=15)
_TYPE = "at+jwt"
_LONGEST = 8192
_REQUIRED = ["iss", "aud", "sub", "scope", "iat", "exp", "jti"]
_SERVICE = re.compile(r"/api/v1/([a-z][a-z0-9-]{0,62})")


class NotAnAccessToken(Unauthenticated):
    """The token is no access token of this platform, or has been changed."""


class AccessTokenExpired(Unauthenticated):
    """The access token has expired; a refresh token gets a new one."""


class AccessToken(Model):
    """What an access token says.

    Attributes:
        user_id: `sub`: a person's, or a service account's where there is no session.
        org_id: The organization that it is for; None, and no claim, for somebody who is in none.
        session_id: Where the person signed in; None for a service account.
        scope: The permissions that it was given; what its session may do now can be less.
        id: `jti`.
        client_id: The application or service account that it was given to; None where somebody signed in themselves.
        service: The only part of the API that it is for: `analytics` is `/api/v1/analytics`. None for all of it.
    """

    user_id: UUID
    org_id: UUID | None
    session_id: UUID | None
    scope: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    id: UUID
    client_id: UUID | None = None
    service: str | None = None


class SigningKey(Protocol):
    """The private half of a key."""

    @property
    def kid(self) -> str:
        """Its name in the published set."""
        ...

    @property
    def private_key(self) -> Any:  # noqa: ANN401 - cryptography's, which PyJWT takes
        """What PyJWT signs with."""
        ...


class AccessTokens:
    """Signs and verifies.

    Args:
        issuer: Our address, as in the metadata (RFC 8414); without a trailing slash.
        audience: Whom tokens are for: all of the API, whose parts have addresses below this one.
    """

    def __init__(self, *, issuer: str, audience: str) -> None:
        self._issuer = issuer
        self._audience = audience

    @property
    def issuer(self) -> str:
        """Who signs."""
        return self._issuer

    def service_at(self, address: str) -> str | None:
        """The part of the API at `{audience}/api/v1/<service>`; None when the address is that of no part."""
        if not address.startswith(self._audience):
            return None
        found = _SERVICE.fullmatch(address[len(self._audience) :])
        return found[1] if found is not None else None

    def audience_of(self, token: AccessToken) -> str:
        """Whom a token is for."""
        return self._audience if token.service is None else f"{self._audience}/api/v1/{token.service}"

    def sign(self, token: AccessToken, key: SigningKey) -> str:
        """The token as text."""
        claims = {
            "iss": self._issuer,
            "aud": self.audience_of(token),
            "sub": str(token.user_id),
            **{name: str(value) for name, value in _optional(token).items() if value is not None},
            "scope": " ".join(sorted(token.scope)),
            "iat": int(token.issued_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            "jti": str(token.id),
        }
        headers = {"typ": _TYPE, "kid": key.kid}
        return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers=headers)

    def verify(self, text: str, public_key: Any, now: datetime) -> AccessToken:  # noqa: ANN401 - as in SigningKey
        """What a token says, once its signature and every claim is checked.

        Raises NotAnAccessToken, or AccessTokenExpired for one that was good before.
        """
        key_id(text)
        try:
            claims = jwt.decode(
                text,
                public_key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                options={
                    "require": _REQUIRED,
                    "verify_aud": False,  # here, below
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            token = AccessToken(
                user_id=UUID(claims["sub"]),
                org_id=UUID(claims["org_id"]) if "org_id" in claims else None,
                session_id=UUID(claims["sid"]) if "sid" in claims else None,
                client_id=UUID(claims["client_id"]) if "client_id" in claims else None,
                service=self._service(claims["aud"]),
                scope=frozenset(claims["scope"].split()),
                issued_at=_moment(claims["iat"]),
                expires_at=_moment(claims["exp"]),
                id=UUID(claims["jti"]),
            )
            not_before = _moment(claims.get("nbf", claims["iat"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise NotAnAccessToken from error
        if token.session_id is None and token.client_id != token.user_id:
            raise NotAnAccessToken  # only a service account speaks for itself
        if max(not_before, token.issued_at) > now + timedelta(seconds=1):  # a clock may be that far ahead
            raise NotAnAccessToken
        if token.expires_at <= now:
            raise AccessTokenExpired
        return token

    def _service(self, audience: str) -> str | None:
        if audience == self._audience:
            return None
        service = self.service_at(audience)
        if service is None:
            raise ValueError("the token is for somebody else")
        return service


def looks_like_one(text: str) -> bool:
    """Whether text has the shape of a JSON Web Token: three parts."""
    return text.count(".") == 2  # noqa: PLR2004 - header, claims, signature


def key_id(text: str) -> str:
    """The name of the key that a token says it is signed with. Raises NotAnAccessToken for any other kind of token.

    Nothing is trusted yet. A header that names a member twice, or asks for what a verifier must not do, is refused.
    """
    if len(text) > _LONGEST or not text.isascii() or not looks_like_one(text):
        raise NotAnAccessToken
    encoded = text.partition(".")[0]
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        header = json.loads(raw, object_pairs_hook=_without_repetition)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise NotAnAccessToken from error
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "kid"}:
        raise NotAnAccessToken
    kid = header["kid"]
    if header["alg"] != ALGORITHM or header["typ"] != _TYPE or not isinstance(kid, str):
        raise NotAnAccessToken
    return kid


def public_keys(published: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Verification keys from JSON Web Keys, by `kid`."""
    return {kid: jwt.PyJWK({**key}, algorithm=ALGORITHM).key for kid, key in published.items()}


def _optional(token: AccessToken) -> Mapping[str, UUID | None]:
    return {"org_id": token.org_id, "sid": token.session_id, "client_id": token.client_id}


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a NumericDate is a number")
    return datetime.fromtimestamp(value, UTC)


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members
