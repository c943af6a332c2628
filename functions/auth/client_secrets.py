"""Secrets by which programs prove who they are: shown once, kept as digests."""

import hmac
import secrets

from auth.one_time_tokens import OneTimeTokens

_BYTES = 32
_HINT_LENGTH = 4


class ClientSecrets:
    """Makes secrets of 256 random bits, which nobody guesses, and the digests under which they are kept.

    Args:
        secret: The pepper.
    """

    def __init__(self, secret: bytes) -> None:
        self._digests = OneTimeTokens(secret)

    @staticmethod
    def make() -> str:
        """A new secret's text."""
        return f"llmos_{secrets.token_urlsafe(_BYTES)}"

    def digest(self, text: str) -> str:
        """What is kept in place of a secret."""
        return self._digests.digest("client secret", text)

    def right(self, text: str, digest: str) -> bool:
        """Whether a secret is the one that was kept; how long it takes tells nothing."""
        return hmac.compare_digest(self.digest(text), digest)


def hint(text: str) -> str:
    """The last characters, by which people recognize a secret in a list."""
    return text[-_HINT_LENGTH:]
