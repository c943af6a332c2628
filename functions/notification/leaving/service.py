"""Forgetting people who have left."""

from typing import Protocol
from uuid import UUID

from llmo_data.ports import Transaction
from notification.inbox.models import Whose


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
    """What was sent."""

    async def forget_recipient(self, org_id: UUID | None, user_id: UUID) -> None:
        """Forget where somebody's messages went; those that wait are sent first."""
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
        transaction: Transaction,
    ) -> None:
        self._preferences = preferences
        self._phones = phones
        self._devices = devices
        self._inbox = inbox
        self._topics = topics
        self._messages = messages
        self._transaction = transaction

    async def member_removed(self, org_id: UUID, user_id: UUID) -> None:
        """Forget a former member (`llmo.auth.member.removed`): their inbox and subscriptions in the organization."""
        async with self._transaction(org_id):
            await self._inbox.forget(Whose(user_id=user_id, org_id=org_id))
            await self._topics.forget_member(org_id, user_id)
            await self._messages.forget_recipient(org_id, user_id)

    async def account_deleted(self, user_id: UUID) -> None:
        """Forget a person (`llmo.auth.user.deleted`), who has left every organization before."""
        async with self._transaction(None):
            await self._preferences.forget_user(user_id)
            await self._phones.remove(user_id)
            await self._devices.forget_user(user_id)
            await self._inbox.forget(Whose(user_id=user_id, org_id=None))
            await self._messages.forget_recipient(None, user_id)
