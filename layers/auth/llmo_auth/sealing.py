"""Sealing: text that only somebody who knows two secrets can read, ours and the caller's.

AES-256-GCM under a key that HKDF-SHA-256 derives from both (RFC 5869, NIST SP 800-38D). `cryptography` is imported at
the first use: most requests seal nothing.
"""

import os

_NONCE_BYTES = 12
_KEY_BYTES = 32


class Unsealable(Exception):
    """The text was changed, or was sealed under other secrets or for another purpose."""


class Seal:
    """Seals and opens for one purpose.

    Args:
        secret: Ours.
        purpose: Text sealed for another one cannot be opened.
    """

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        self._secret = secret
        self._purpose = purpose

    def close(self, text: bytes, *, under: bytes, about: bytes) -> bytes:
        """Seal a text under the caller's secret. `about` is not in it, and must be the same when it is opened."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key(under)).encrypt(nonce, text, about)

    def open(self, sealed: bytes, *, under: bytes, about: bytes) -> bytes:
        """The text. Raises Unsealable."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self._key(under)).decrypt(nonce, text, about)
        except (InvalidTag, ValueError) as error:
            raise Unsealable from error

    def _key(self, under: bytes) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - see above

        return HKDF(SHA256(), _KEY_BYTES, salt=under, info=self._purpose).derive(self._secret)
