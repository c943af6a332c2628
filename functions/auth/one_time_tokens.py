"""Tokens that are mailed, work once, and are kept as digests."""

import hmac
import secrets
from hashlib import sha256

from llmo_core.errors import Invalid

_BYTES = 32


class InvalidToken(Invalid):
    """The token is unknown, was used already, or has expired: ask for a new one."""


class OneTimeTokens:
    """Makes tokens of 256 random bits, and the digests under which they are kept.

    Args:
        secret: The pepper.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, purpose: str) -> tuple[str, str]:
        """A new token's text and its digest."""
        text = secrets.token_urlsafe(_BYTES)
        return text, self.digest(purpose, text)

    def digest(self, purpose: str, text: str) -> str:
        """The digest of a token; of a token for another purpose it is another one."""
        return hmac.digest(self._secret, f"{purpose} {text}".encode(), sha256).hex()
