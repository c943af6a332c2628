"""Envelope encryption: secrets sealed under data keys of their own, which only a key service opens.

AES-256-GCM (NIST SP 800-38D) under a new data key and a new nonce for each secret. `cryptography` comes with the auth
layer and is imported at the first use: most requests seal nothing.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/kms-cryptography.html#enveloping
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key of 256 bits, as it is used and as the key service encrypted it."""

    plaintext: bytes = field(repr=False)
    encrypted: bytes


class DataKeys(Protocol):
    """A key service. What it encrypts under a context is decrypted under the same one only."""

    async def generate_data_key(self, context: Mapping[str, str]) -> DataKey:
        """A new key. Raises Unavailable."""
        ...

    async def decrypt(self, encrypted: bytes, context: Mapping[str, str]) -> bytes:
        """The key in plaintext. Raises Unopenable, Unavailable."""
        ...


class Unopenable(Exception):
    """What is sealed was changed, or was sealed under another context or about something else."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is kept.

    Attributes:
        data_key: As the key service encrypted it.
        ciphertext: The nonce, then the ciphertext with its tag.
    """

    data_key: bytes
    ciphertext: bytes


class EnvelopeEncryption:
    """Seals and opens secrets.

    Args:
        keys: The key service.
        timer: Seconds that only go forward.
        remembered_seconds: How long an opened data key is remembered.
        most_remembered: How many are; the one that was not used for the longest time is forgotten first.
    """

    def __init__(
        self,
        keys: DataKeys,
        *,
        timer: Callable[[], float] = time.monotonic,
        remembered_seconds: float = 300.0,
        most_remembered: int = 1000,
    ) -> None:
        self._keys = keys
        self._timer = timer
        self._seconds = remembered_seconds
        self._most = most_remembered
        self._opened: OrderedDict[tuple[bytes, tuple[tuple[str, str], ...]], tuple[float, bytes]] = OrderedDict()

    async def seal(self, secret: bytes, *, context: Mapping[str, str], about: bytes) -> Sealed:
        """Seal a secret. Context and `about` are not in it, and must be the same when it is opened.

        Raises Unavailable.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        key, nonce = await self._keys.generate_data_key(context), os.urandom(_NONCE_BYTES)
        return Sealed(key.encrypted, nonce + AESGCM(key.plaintext).encrypt(nonce, secret, about))

    async def open(self, sealed: Sealed, *, context: Mapping[str, str], about: bytes) -> bytes:
        """The secret. Raises Unopenable, Unavailable."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        key = await self._data_key(sealed.data_key, context)
        nonce, text = sealed.ciphertext[:_NONCE_BYTES], sealed.ciphertext[_NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, text, about)
        except (InvalidTag, ValueError) as error:
            raise Unopenable from error

    async def _data_key(self, encrypted: bytes, context: Mapping[str, str]) -> bytes:
        name, now = (encrypted, tuple(sorted(context.items()))), self._timer()
        known = self._opened.get(name)
        if known is not None and now < known[0] + self._seconds:
            self._opened.move_to_end(name)
            return known[1]
        key = await self._keys.decrypt(encrypted, context)
        self._opened[name] = (now, key)
        self._opened.move_to_end(name)
        if len(self._opened) > self._most:
            self._opened.popitem(last=False)
        return key
