"""The keys that sign access tokens: private halves in Secrets Manager, made by `cryptography`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from auth.sign_in.models import HeldKey, NoSigningKey, PublishedKey
from llmo_auth.access_token import ALGORITHM, AccessToken, AccessTokens
from llmo_core.clock import Clock
from llmo_core.secrets import fetch_secret, write_secret

_REMEMBERED = timedelta(minutes=5)


def new_key(kid: str, *, signs_from: datetime, created_at: datetime) -> HeldKey:
    """A new P-256 key."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return HeldKey(kid=kid, private_pem=pem, signs_from=signs_from, created_at=created_at)


def publish(key: HeldKey) -> PublishedKey:
    """What everybody may know of a key."""
    public: dict[str, Any] = ECAlgorithm.to_jwk(_private(key).public_key(), as_dict=True)
    return PublishedKey(
        kid=key.kid,
        public_key={**public, "kid": key.kid, "alg": ALGORITHM, "use": "sig"},
        signs_from=key.signs_from,
        created_at=key.created_at,
    )


class HeldKeys(Protocol):
    """Where the private halves are held."""

    def read(self) -> Sequence[HeldKey]:
        """The keys that are held now, none before the first rotation."""
        ...


class SecretKeys:
    """The private halves in one secret: JSON, `{"keys": [{"kid", "private_pem", "signs_from", "created_at"}]}`."""

    def __init__(self, secret_id: str) -> None:
        self._secret_id = secret_id

    def read(self) -> Sequence[HeldKey]:
        """The keys that are held now, none before the first rotation. Raises SecretUnavailable."""
        held = json.loads(fetch_secret(self._secret_id))
        return [HeldKey.model_validate(key) for key in held.get("keys", [])]

    def write(self, keys: Sequence[HeldKey]) -> None:
        """Hold these keys and no others. Raises SecretUnavailable."""
        write_secret(self._secret_id, json.dumps({"keys": [key.model_dump(mode="json") for key in keys]}))


class Signer:
    """Signs access tokens, and id tokens, with the newest key whose time has come.

    The secret is read again every five minutes: a key is announced long before it signs.
    """

    def __init__(self, *, keys: HeldKeys, tokens: AccessTokens, clock: Clock) -> None:
        self._keys = keys
        self._tokens = tokens
        self._clock = clock
        self._held: list[_Loaded] = []
        self._read_at: datetime | None = None

    def sign(self, token: AccessToken) -> str:
        """The token as text. Raises NoSigningKey before the first rotation, and SecretUnavailable."""
        return self._tokens.sign(token, self._key())

    def sign_identity(self, claims: Mapping[str, Any]) -> str:
        """An id token (OpenID Connect Core, section 2): these claims of ours. Raises as `sign` does."""
        key = self._key()
        claimed = {"iss": self._tokens.issuer, **claims}
        return jwt.encode(claimed, key.private_key, algorithm=ALGORITHM, headers={"kid": key.kid})

    def _key(self) -> "_Loaded":
        now = self._clock.now()
        if not self._held or self._read_at is None or self._read_at + _REMEMBERED <= now:
            self._held = [_Loaded(key) for key in self._keys.read()]
            self._read_at = now
        ready = [key for key in self._held if key.signs_from <= now]
        if not ready:
            raise NoSigningKey
        return max(ready, key=lambda key: key.signs_from)


class _Loaded:
    """A key as PyJWT takes it."""

    def __init__(self, key: HeldKey) -> None:
        self.kid = key.kid
        self.signs_from = key.signs_from
        self.private_key = _private(key)


def _private(key: HeldKey) -> ec.EllipticCurvePrivateKey:
    loaded = load_pem_private_key(key.private_pem.encode(), password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise jwt.InvalidKeyError(f"{key.kid} is no elliptic curve key")
    return loaded
