"""Forgetting people who have left."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from llmo_core.clock import Clock
from llmo_data.ports import Transaction
from notification.inbox.models import Whose
from notification.leaving.models import Departed
from notification.models import Person


class Preferences(Protocol):
    """What people chose."""

    async def forget_user(self, user_id: UUID) -> None:
        """Delete what somebody chose."""
        ...


class Phones(Protocol):
    """Phone numbers."""

    async def remove(self, user_id: UUID) -> None:
        """Keep none of somebody any more."""
        ...


class Devices(Protocol):
    """What notifications are pushed to."""

    async def forget_user(self, user_id: UUID) -> None:
        """Remove somebody's."""
        ...


class Inbox(Protocol):
    """What people were told."""

    async def forget(self, whose: Whose) -> None:
        """Delete somebody's items of one organization, or those of none."""
        ...


class Topics(Protocol):
    """What members asked to be told of."""

    async def forget_member(self, org_id: UUID, user_id: UUID) -> None:
        """Delete somebody's subscriptions."""
        ...


class Messages(Protocol):
    """What was sent, and what is to be."""

    async def forget(self, org_id: UUID | None, departed: Departed, *, now: datetime) -> None:
        """Erase what is known of somebody from one organization's, or those of none.

        What still waits is not sent, but for what is critical and farewells: these are erased once they were sent. It
        has to be the first that a transaction does for the organization: nothing is added to it afterwards.
        """
        ...

    async def organizations(self, departed: Departed) -> Sequence[UUID]:
        """Those that have written to somebody, or are going to."""
        ...


class People(Protocol):
    """Who has an account."""

    async def named(self, user_ids: Sequence[UUID], *, org_id: UUID | None) -> Mapping[UUID, Person]:
        """Those with these ids; of no organization, anybody."""
        ...


class Leaving:
    """Deletes what nobody has a use for any more. Everything may be repeated, and raises DatabaseUnavailable."""

    def __init__(
        self,
        *,
        preferences: Preferences,
        phones: Phones,
        devices: Devices,
        inbox: Inbox,
        topics: Topics,
        messages: Messages,
        people: People,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._preferences = preferences
        self._phones = phones
        self._devices = devices
        self._inbox = inbox
        self._topics = topics
        self._messages = messages
        self._people = people
        self._transaction = transaction
        self._clock = clock

    async def member_removed(self, org_id: UUID, user_id: UUID) -> None:
        """Forget a former member (`llmo.auth.member.removed`): what the organization has of them, by id and address.

        Of who is a member again by the time this is heard, or heard again, nothing is forgotten.
        """
        if await self._people.named([user_id], org_id=org_id):
            return
        person = (await self._people.named([user_id], org_id=None)).get(user_id)
        await self._leave(org_id, Departed(user_id, person.email if person is not None else None))

    async def account_deleted(self, user_id: UUID, email: str) -> None:
        """Forget a person (`llmo.auth.user.deleted`), who has left every organization before."""
        departed = Departed(user_id, email)
        async with self._transaction(None):
            await self._messages.forget(None, departed, now=self._clock.now())
            await self._preferences.forget_user(user_id)
            await self._phones.remove(user_id)
            await self._devices.forget_user(user_id)
            await self._inbox.forget(Whose(user_id=user_id, org_id=None))
        for org_id in await self._messages.organizations(departed):
            await self._leave(org_id, departed)

    async def _leave(self, org_id: UUID, departed: Departed) -> None:
        async with self._transaction(org_id):
            await self._messages.forget(org_id, departed, now=self._clock.now())
            await self._inbox.forget(Whose(user_id=departed.user_id, org_id=org_id))
            await self._topics.forget_member(org_id, departed.user_id)
