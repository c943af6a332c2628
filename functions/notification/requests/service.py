"""What one can do with notifications."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction
from notification.fields import OWN_KIND, outside
from notification.kinds.catalogue import kind_named
from notification.kinds.models import CRITICAL, Channel, Priority
from notification.planning.models import KEPT, Notification, NotificationRequested, NotificationStatus
from notification.requests.models import (
    FURTHEST,
    MANY,
    PAST,
    AlreadySent,
    CountryNotAllowed,
    Listed,
    NewNotification,
    NotSendable,
    OutsidersNotAllowed,
    Progress,
    UnfittingTime,
    UnknownNotification,
)
from notification.requests.ports import Members, Requested

SENDABLE: Final = "message"
_OWN_CHANNELS: Final = (Channel.EMAIL, Channel.IN_APP)


class RequestService:
    """Takes notifications that are asked for.

    Args:
        operator_id: The organization that operates the deployment; None where nobody does.
        sms_countries: Where text messages are sent to.
    """

    def __init__(
        self,
        *,
        requested: Requested,
        members: Members,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
        operator_id: UUID | None,
        sms_countries: Sequence[str],
    ) -> None:
        self._requested = requested
        self._members = members
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id
        self._operator_id = operator_id
        self._sms_countries = sms_countries

    async def request(self, principal: Principal, new: NewNotification) -> Notification:
        """Have people be told something, now or later. With a key that was used before, it is the first one's.

        Raises NotSendable, OutsidersNotAllowed, CountryNotAllowed, UnfittingTime.
        """
        [notification] = await self.request_all(principal, [new])
        return notification

    async def request_all(self, principal: Principal, news: Sequence[NewNotification]) -> Sequence[Notification]:
        """The same of several: all of them, or none. Raises what `request` raises."""
        for new in news:
            self._require_allowed(principal, new)
        many = await self._are_many(principal.org_id, news)
        async with self._transaction(principal.org_id):
            return [await self._request(principal, new, many=many) for new in news]

    async def _are_many(self, org_id: UUID, news: Sequence[NewNotification]) -> bool:
        """Whether more people are told than go before others. Topics count as many: whoever wants to, subscribes."""
        recipients = 0
        for new in news:
            if new.audience.topic is not None:
                return True
            recipients += len(new.audience.user_ids) + len(new.audience.addresses) + len(new.audience.phones)
            if new.audience.roles and recipients <= MANY:
                members = await self._members.members(org_id, new.audience, after=None, limit=MANY + 1)
                recipients += len(members.people)
            if recipients > MANY:
                return True
        return False

    async def _request(self, principal: Principal, new: NewNotification, *, many: bool) -> Notification:
        now, org_id = self._clock.now(), principal.org_id
        notification = self._notification(principal, new, now, many=many)
        if not await self._requested.add(notification):
            first = await self._requested.by_key(org_id, notification.dedupe_key)
            return first if first is not None else notification
        if notification.status is NotificationStatus.PLANNING:
            event = NotificationRequested(notification_id=notification.id)
            await self._events.announce(event, org_id=org_id, aggregate_id=notification.id)
        return notification

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Listed]:
        """The organization's notifications, the newest first."""
        return Page.of(await self._requested.page(principal.org_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, notification_id: UUID) -> Progress:
        """A notification, and how far its messages are. Raises UnknownNotification."""
        found = await self._requested.find(principal.org_id, notification_id)
        if found is None:
            raise UnknownNotification
        return Progress(notification=found, messages=await self._requested.counts(principal.org_id, notification_id))

    async def cancel(self, principal: Principal, notification_id: UUID) -> Progress:
        """Send nothing more of a notification. Raises UnknownNotification, AlreadySent."""
        async with self._transaction(principal.org_id):
            before = await self.find(principal, notification_id)
            cancelled = await self._requested.cancel(principal.org_id, notification_id, now=self._clock.now())
            if not cancelled and before.notification.status is not NotificationStatus.CANCELLED:
                raise AlreadySent
            return await self.find(principal, notification_id)

    def _require_allowed(self, principal: Principal, new: NewNotification) -> None:
        if new.kind != SENDABLE and OWN_KIND.fullmatch(new.kind) is None:
            kind_named(new.kind)
            raise NotSendable
        if new.category in CRITICAL:
            raise NotSendable("Only the platform itself sends notifications of this category.")
        if (new.audience.addresses or new.audience.phones) and principal.org_id != self._operator_id:
            raise OutsidersNotAllowed
        for phone in new.audience.phones:
            if outside(self._sms_countries, phone):
                raise CountryNotAllowed(f"Text messages are not sent to the country of {phone} from here.")

    def _notification(self, principal: Principal, new: NewNotification, now: datetime, *, many: bool) -> Notification:
        send_at = new.send_at or now
        if not now - PAST <= send_at <= now + FURTHEST:
            raise UnfittingTime(f"A notification is sent now, or within {FURTHEST // timedelta(days=1)} days.")
        notification_id = self._new_id()
        channels = new.channels or (kind_named(new.kind).channels if new.kind == SENDABLE else _OWN_CHANNELS)
        return Notification(
            id=notification_id,
            org_id=principal.org_id,
            kind=new.kind,
            category=new.category,
            priority=Priority.BULK if many else Priority.NORMAL,
            channels=channels,
            audience=new.audience,
            variables=new.variables,
            dedupe_key=_dedupe_key(new, notification_id),
            status=NotificationStatus.SCHEDULED if send_at > now else NotificationStatus.PLANNING,
            send_at=send_at,
            created_by=principal.actor_id,
            created_at=now,
            expires_at=send_at + KEPT,
        )


def _dedupe_key(new: NewNotification, notification_id: UUID) -> str:
    if new.key is None:
        return f"request:{notification_id}"
    return f"key:{hashlib.sha256(new.key.encode()).hexdigest()}"
