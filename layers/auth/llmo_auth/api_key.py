"""API keys: `llmo_<org_ref>_<30 random characters><6 characters of CRC-32>`, all base62.

The checksum lets the gateway refuse typing errors before any lookup. `org_ref` names the
organization's slot in Redis. Only an HMAC-SHA256 of the key under a secret pepper is ever stored.
"""

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from hashlib import sha256

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ORG_REF_LENGTH = 10
SECRET_LENGTH = 30
CHECKSUM_LENGTH = 6
_PATTERN = re.compile(rf"llmo_([0-9A-Za-z]{{{ORG_REF_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A well-formed key. Its text is a secret: shown once to its owner, never stored or logged."""

    org_ref: str
    text: str = field(repr=False)

    @property
    def hint(self) -> str:
        """The last four characters, by which people recognize a key in a list."""
        return self.text[-4:]

    def digest(self, pepper: bytes) -> str:
        """What is stored in place of the key: HMAC-SHA256 under the pepper, in hexadecimal (64 characters)."""
        return hmac.digest(pepper, self.text.encode(), sha256).hex()


@dataclass(frozen=True, slots=True)
class StoredKey(ApiKey):
    """A key of which nothing but the digest is known, as those that made what is done later; its text is empty."""

    known_digest: str = ""

    def digest(self, _pepper: bytes) -> str:
        """What is stored in place of the key."""
        return self.known_digest


def new_org_ref() -> str:
    """A new organization's reference: ten random base62 characters."""
    return _random(ORG_REF_LENGTH)


def generate(org_ref: str) -> ApiKey:
    """A new key of an organization, with 178 bits of randomness."""
    body = f"llmo_{org_ref}_{_random(SECRET_LENGTH)}"
    return ApiKey(org_ref, body + _checksum(body))


def parse(text: str) -> ApiKey | None:
    """The key that `text` is, or None when its shape or its checksum is wrong."""
    match = _PATTERN.fullmatch(text)
    if match is None or _checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return ApiKey(match[1], text)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    value = zlib.crc32(body.encode())
    characters = []
    for _ in range(CHECKSUM_LENGTH):
        value, index = divmod(value, len(ALPHABET))
        characters.append(ALPHABET[index])
    return "".join(reversed(characters))
