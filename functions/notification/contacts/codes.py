"""Codes that confirm phone numbers: six digits, of which only an HMAC is kept."""

import hmac
import secrets
from typing import Final
from uuid import UUID

_PURPOSE: Final = b"llmo notification: phone code 1"
_DIGITS: Final = 6


def new_code() -> str:
    """A new one."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"


class CodeHashes:
    """What is kept of codes; of somebody else's, or to another number, it is another one.

    Args:
        pepper: The secret that a key is made of: a million codes are hashed in a second.
    """

    def __init__(self, pepper: bytes) -> None:
        self._key = hmac.digest(pepper, _PURPOSE, "sha256")

    def of(self, user_id: UUID, number: str, code: str) -> str:
        """In hexadecimal, 64 characters."""
        return hmac.digest(self._key, f"{user_id} {number} {code}".encode(), "sha256").hex()
