"""An authenticator in software, with what a browser adds: it makes keys and signs with them, as WebAuthn has it.

Every answer can be made wrong in one way. Source: https://www.w3.org/TR/webauthn-2/
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40

type Json = dict[str, Any]


def encoded(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """Holds one ES256 key for one user.

    Attributes:
        counts: Whether it counts its signatures; many never do.
    """

    origin: str
    counts: bool = True
    sign_count: int = 0
    user_handle: bytes = b""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(
        self,
        options: Mapping[str, Any],
        *,
        origin: str | None = None,
        rp_id: str | None = None,
        verified: bool = True,
        ceremony: str = "webauthn.create",
    ) -> Json:
        """What `navigator.credentials.create` gives."""
        self.user_handle = decoded(options["user"]["id"])
        data = self._data(rp_id or options["rp"]["id"], ATTESTED | (USER_VERIFIED if verified else 0))
        data += bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + self._cose_key()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encoded(self._client_data(ceremony, options["challenge"], origin)),
            "attestationObject": encoded(attestation),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(
        self,
        options: Mapping[str, Any],
        *,
        origin: str | None = None,
        rp_id: str | None = None,
        verified: bool = True,
        altered: bool = False,
        user_handle: bytes | None = None,
        ceremony: str = "webauthn.get",
    ) -> Json:
        """What `navigator.credentials.get` gives."""
        data = self._data(rp_id or options["rpId"], USER_VERIFIED if verified else 0)
        client_data = self._client_data(ceremony, options["challenge"], origin)
        signature = self.key.sign(data + sha256(client_data).digest(), ec.ECDSA(SHA256()))
        if altered:
            data = data[:32] + bytes([data[32]]) + (self.sign_count + 1).to_bytes(4)
        handle = self.user_handle if user_handle is None else user_handle
        response = {
            "clientDataJSON": encoded(client_data),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            **({"userHandle": encoded(handle)} if handle else {}),
        }
        return self._credential(response)

    def _credential(self, response: Json) -> Json:
        return {
            "id": encoded(self.credential_id),
            "rawId": encoded(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        }

    def _client_data(self, ceremony: str, challenge: str, origin: str | None) -> bytes:
        said = {"type": ceremony, "challenge": challenge, "origin": origin or self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        if self.counts:
            self.sign_count += 1
        return sha256(rp_id.encode()).digest() + bytes([USER_PRESENT | flags]) + self.sign_count.to_bytes(4)

    def _cose_key(self) -> bytes:
        """The public key (RFC 9053, section 7.1.1): elliptic curve, ES256, P-256."""
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
