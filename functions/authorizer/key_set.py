"""The keys that verify access tokens, remembered."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from authorizer.models import SigningKeyUnknown
from llmo_auth.access_token import public_keys
from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger

REFRESHED = timedelta(minutes=5)  # a new key is published a day before it signs
USABLE = timedelta(hours=1)  # a withdrawn key signed its last token longer ago than that
_BETWEEN_LOOKS = timedelta(seconds=10)

type Published = Callable[[], Awaitable[Mapping[str, Mapping[str, Any]]]]


class KeySet:
    """Looks keys up in a copy of the published set.

    The copy is renewed every five minutes, long before it could miss a key; when that fails the old one is used for
    up to an hour. A name that is not in it makes it look again, but no more than every ten seconds: invented names
    cost no look-ups.
    """

    def __init__(self, *, published: Published, clock: Clock) -> None:
        self._published = published
        self._clock = clock
        self._keys: Mapping[str, Any] = {}
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None

    async def key(self, kid: str) -> Any:  # noqa: ANN401 - cryptography's key, for PyJWT
        """The public key with this name. Raises SigningKeyUnknown, and DatabaseUnavailable without a usable copy."""
        now = self._clock.now()
        if self._read_at is None or self._read_at + REFRESHED <= now or self._missing(kid, now):
            await self._read(now)
        found = self._keys.get(kid)
        if found is None:
            raise SigningKeyUnknown
        return found

    def _missing(self, kid: str, now: datetime) -> bool:
        return kid not in self._keys and (self._tried_at is None or self._tried_at + _BETWEEN_LOOKS <= now)

    async def _read(self, now: datetime) -> None:
        self._tried_at = now
        try:
            published = await self._published()
        except Unavailable as error:
            if self._read_at is None or self._read_at + USABLE <= now:
                raise
            logger().warning("the signing keys could not be read again", extra={"reason": repr(error)})
            return
        self._keys, self._read_at = public_keys(published), now
