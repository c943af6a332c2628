"""Rotating the keys that sign access tokens."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from auth.sign_in.models import HeldKey, PublishedKey, Rotation
from llmo_auth.access_token import LIFETIME
from llmo_core.clock import Clock
from llmo_core.ids import NewId

PERIOD = timedelta(days=30)
ANNOUNCED = timedelta(days=1)  # far longer than anybody remembers the published set
_AFTERLIFE = LIFETIME + timedelta(hours=1)  # a process may sign with a key for minutes after its successor took over


class PrivateKeys(Protocol):
    """Where the private halves are held."""

    def read(self) -> Sequence[HeldKey]:
        """The keys that are held now."""
        ...

    def write(self, keys: Sequence[HeldKey]) -> None:
        """Hold these keys and no others."""
        ...


class PublishedKeys(Protocol):
    """Where everybody finds the public halves."""

    def exclusively(self) -> AbstractAsyncContextManager[object]:
        """One rotation at a time; what is done in it is one commit."""
        ...

    async def all(self) -> Sequence[PublishedKey]:
        """Every published key."""
        ...

    async def add(self, key: PublishedKey) -> None:
        """Publish a key; one that is published already stays as it is."""
        ...

    async def withdraw(self, kids: Sequence[str]) -> None:
        """Publish these no longer."""
        ...


class SigningKeyService:
    """Keeps one key signing, its successor published ahead of time, and its predecessors for as long as tokens live."""

    def __init__(
        self,
        *,
        private: PrivateKeys,
        published: PublishedKeys,
        new_key: Callable[..., HeldKey],
        publish: Callable[[HeldKey], PublishedKey],
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._private = private
        self._published = published
        self._new_key = new_key
        self._publish = publish
        self._clock = clock
        self._new_id = new_id

    async def key_set(self) -> Sequence[PublishedKey]:
        """The published keys, the newest last."""
        return sorted(await self._published.all(), key=lambda key: key.signs_from)

    async def rotate(self) -> Rotation:
        """Make a key when one is due, and forget those that no living token was signed with.

        Safe to repeat, and to run twice at once. A key signs a day after it was published, but the very first, and one
        after all private halves were lost, at once. It is published before it is held: nothing signs with a key that
        nobody can look up. Raises DatabaseUnavailable and SecretUnavailable.
        """
        now = self._clock.now()
        async with self._published.exclusively():
            held = sorted(self._private.read(), key=lambda key: key.signs_from)
            made = self._due(held, now)
            kept = [key for key in held + made if not _over(key, held, now)]
            for key in kept:
                await self._published.add(self._publish(key))
            known = await self._published.all()
            retired = sorted({key.kid for key in known if _forgotten(key, kept, now)})
            await self._published.withdraw(retired)
        if kept != held:
            self._private.write(kept)
        published = sorted({key.kid for key in known} - set(retired))
        return Rotation(made=[key.kid for key in made], retired=retired, published=published)

    def _due(self, held: Sequence[HeldKey], now: datetime) -> list[HeldKey]:
        if not any(key.signs_from <= now for key in held):
            return [self._make(now, now)]
        newest = held[-1].signs_from
        if newest + PERIOD - ANNOUNCED > now:
            return []
        return [self._make(now, max(newest + PERIOD, now + ANNOUNCED))]

    def _make(self, now: datetime, signs_from: datetime) -> HeldKey:
        return self._new_key(str(self._new_id()), signs_from=signs_from, created_at=now)


def _over(key: HeldKey, held: Sequence[HeldKey], now: datetime) -> bool:
    """Whether a successor has signed for so long that no token of this key lives."""
    return any(key.signs_from < other.signs_from <= now - _AFTERLIFE for other in held)


def _forgotten(key: PublishedKey, kept: Sequence[HeldKey], now: datetime) -> bool:
    """Whether nobody holds a key any more, and another one has signed for so long that no token of it lives."""
    replaced = any(held.signs_from <= now - _AFTERLIFE for held in kept)
    return replaced and key.kid not in {held.kid for held in kept} and key.created_at <= now - _AFTERLIFE
