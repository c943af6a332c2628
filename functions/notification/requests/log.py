"""What became of messages: found, sent again, forgotten."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction
from notification.inbox.models import Whose
from notification.planning.models import QUEUED
from notification.requests.models import Attempt, Message, NotResendable, Receipt, Search, UnknownMessage
from notification.requests.ports import Inboxes, SentMessages

_WORTH_AGAIN: Final = timedelta(days=1)


class DeliveryLog:
    """The organization's messages."""

    def __init__(
        self, *, messages: SentMessages, inboxes: Inboxes, events: Events, transaction: Transaction, clock: Clock
    ) -> None:
        self._inboxes = inboxes
        self._messages = messages
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def page(self, principal: Principal, search: Search, *, before: UUID | None, limit: int) -> Page[Message]:
        """Messages that somebody looks for, the newest first."""
        found = await self._messages.page(principal.org_id, search, before=before, limit=limit + 1)
        return Page.of(found, limit)

    async def find(
        self, principal: Principal, message_id: UUID
    ) -> tuple[Message, Sequence[Attempt], Sequence[Receipt]]:
        """A message, how it was tried to send it, and what providers told of it. Raises UnknownMessage."""
        found = await self._messages.find(principal.org_id, message_id)
        if found is None:
            raise UnknownMessage
        return found, *await self._messages.history(principal.org_id, message_id)

    async def resend(self, principal: Principal, message_id: UUID) -> Message:
        """Send a message again, as its templates are now. Raises UnknownMessage, NotResendable."""
        now, org_id = self._clock.now(), principal.org_id
        async with self._transaction(org_id):
            message, _, _ = await self.find(principal, message_id)
            queued = QUEUED.get(message.channel)
            if queued is None:
                raise NotResendable("What is in the inbox is there.")
            if not await self._messages.resend(org_id, message_id, now=now, until=now + _WORTH_AGAIN):
                raise NotResendable
            event = queued(notification_id=message.notification_id)
            await self._events.announce(event, org_id=org_id, aggregate_id=message.notification_id)
            return (await self.find(principal, message_id))[0]

    async def erase(self, principal: Principal, *, user_id: UUID | None, address: str | None) -> int:
        """Forget who messages to somebody went to and what they said, also what waits; how many those were."""
        async with self._transaction(principal.org_id):
            if user_id is not None:
                await self._inboxes.forget(Whose(user_id=user_id, org_id=principal.org_id))
            return await self._messages.erase(principal.org_id, user_id=user_id, address=address)
