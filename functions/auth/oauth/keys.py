"""The keys that verify our own tokens."""

from typing import Any

from auth.sign_in.repository import PostgresSigningKeys
from llmo_auth.access_token import NotAnAccessToken, public_keys


class PublishedVerificationKeys:
    """Looks keys up among those that are published."""

    def __init__(self, published: PostgresSigningKeys) -> None:
        self._published = published

    async def key(self, kid: str) -> Any:  # noqa: ANN401 - cryptography's key, for PyJWT
        """The public key with this name. Raises NotAnAccessToken when there is none."""
        published = {key.kid: key.public_key for key in await self._published.all() if key.kid == kid}
        if kid not in published:
            raise NotAnAccessToken
        return public_keys(published)[kid]
