"""Ending messages of a category for whoever has the link."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from llmo_core.clock import Clock
from notification.kinds.models import CRITICAL, Category, Channel
from notification.unsubscribing.tokens import UnsubscribeLinks, Unsubscription, UnusableLink


class People(Protocol):
    """What people with accounts chose."""

    async def mute(self, user_id: UUID, category: Category, channel: Channel) -> None:
        """Switch a channel of a category off. Safe to repeat."""
        ...


class Addresses(Protocol):
    """What is known of addresses without an account."""

    async def mute_address(self, org_id: UUID | None, category: Category, address_hash: str, *, at: datetime) -> None:
        """Keep that an address wants no e-mail of a category. Safe to repeat."""
        ...


class UnsubscribeService:
    """Does what links ask for."""

    def __init__(self, *, links: UnsubscribeLinks, people: People, addresses: Addresses, clock: Clock) -> None:
        self._links = links
        self._people = people
        self._addresses = addresses
        self._clock = clock

    def asked(self, token: str) -> Unsubscription:
        """What a link asks for. Raises UnusableLink."""
        asked = self._links.read(token)
        if asked.category in CRITICAL:  # a link may be older than what is critical
            raise UnusableLink
        return asked

    async def unsubscribe(self, token: str) -> Unsubscription:
        """Do what a link asks for. Safe to repeat. Raises UnusableLink."""
        asked = self.asked(token)
        if asked.user_id is not None:
            await self._people.mute(asked.user_id, asked.category, asked.channel)
        elif asked.address_hash is not None:
            at = self._clock.now()
            await self._addresses.mute_address(asked.org_id, asked.category, asked.address_hash, at=at)
        return asked
