"""Sending somebody what they have asked for: whatever they chose of notifications, they want this one now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from llmo_auth.principal import ActorType, Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction
from notification.contents import Content, InAppContent
from notification.inbox.models import InboxItem
from notification.inbox.ports import Filling
from notification.kinds.catalogue import kind_named
from notification.kinds.models import Audience, Category, Channel, Priority
from notification.planning.models import KEPT, QUEUED, Notification, NotificationStatus, Planned, Recipient, Route
from notification.planning.ports import Contacts, Messages, Notifications, People
from notification.preferences.models import Defaults, language, time_zone
from notification.preferences.ports import Chosen
from notification.templates.models import TEST, NoOwnAddress


class DirectMessages:
    """Sends messages to the addresses of those who ask for them."""

    def __init__(
        self,
        *,
        notifications: Notifications,
        messages: Messages,
        filling: Filling,
        people: People,
        contacts: Contacts,
        chosen: Chosen,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._notifications = notifications
        self._messages = messages
        self._filling = filling
        self._people = people
        self._contacts = contacts
        self._chosen = chosen
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def send_code(self, *, user_id: UUID, number: str, code: str, expires_at: datetime) -> None:
        """Have a code sent to a number that may be somebody's, once the transaction under way is committed."""
        kind = kind_named("phone_code")
        recipient = Recipient(key=str(user_id), user_id=user_id, phone=number)
        notification = self._notification(
            None, kind.name, kind.category, Channel.SMS, recipient, {"code": code, "expires_at": expires_at.isoformat()}
        )
        await self._keep(notification, recipient, await self._route(None, recipient, Channel.SMS, number))

    async def send(self, principal: Principal, channel: Channel, content: Content, /) -> UUID:
        """Send a test of a template to the caller; the notification's id. Raises NoOwnAddress."""
        if principal.actor_type is not ActorType.USER:
            raise NoOwnAddress("Sign in for that: an API key has no address.")
        user_id, org_id = principal.actor_id, principal.org_id
        people = await self._people.named([user_id], org_id=org_id)
        person = people.get(user_id)
        reachable = (await self._contacts.reachable([user_id])).get(user_id)
        addresses: Mapping[Channel, str | None] = {
            Channel.EMAIL: person.email if person is not None else None,
            Channel.SMS: reachable.phone if reachable is not None else None,
            Channel.PUSH: next(iter(reachable.devices), None) if reachable is not None else None,
        }
        if channel is not Channel.IN_APP and addresses[channel] is None:
            raise NoOwnAddress
        recipient = Recipient(key=str(user_id), user_id=user_id, name=person.name if person is not None else None)
        variables = {"content": content.model_dump(mode="json")}
        notification = self._notification(org_id, TEST, Category.UPDATES, channel, recipient, variables)
        route = await self._route(org_id, recipient, channel, addresses.get(channel))
        async with self._transaction(org_id):
            await self._keep(notification, recipient, route)
            if isinstance(content, InAppContent):
                await self._filling.add(org_id, [_item(notification, user_id, content)])
        return notification.id

    def _notification(
        self,
        org_id: UUID | None,
        kind: str,
        category: Category,
        channel: Channel,
        recipient: Recipient,
        variables: Mapping[str, Any],
    ) -> Notification:
        now, notification_id = self._clock.now(), self._new_id()
        return Notification(
            id=notification_id,
            org_id=org_id,
            kind=kind,
            category=category,
            priority=Priority.CRITICAL if org_id is None else Priority.NORMAL,
            channels=(channel,),
            audience=Audience(user_ids=(recipient.user_id,) if recipient.user_id is not None else ()),
            variables=variables,
            dedupe_key=f"direct:{notification_id}",
            status=NotificationStatus.PLANNED,
            send_at=now,
            recipients=1,
            created_by=recipient.user_id,
            created_at=now,
            finished_at=now,
            expires_at=now + KEPT,
        )

    async def _route(self, org_id: UUID | None, recipient: Recipient, channel: Channel, address: str | None) -> Route:
        user_ids = [recipient.user_id] if recipient.user_id is not None else []
        choices = (await self._chosen.choices_of(user_ids))[user_ids[0]]
        defaults = await self._chosen.defaults_of(org_id) if org_id is not None else Defaults()
        planned = Planned(channel=channel, address=address, planned_for=self._clock.now())
        return Route(
            locale=language(choices, defaults), time_zone=str(time_zone(choices, defaults)), messages=(planned,)
        )

    async def _keep(self, notification: Notification, recipient: Recipient, route: Route) -> None:
        [planned], now = route.messages, self._clock.now()
        await self._notifications.add(notification)
        await self._messages.add(notification, [(self._new_id(), recipient, route, planned)], now=now)
        queued = QUEUED.get(planned.channel)
        if queued is not None:
            event = queued(notification_id=notification.id)
            await self._events.announce(event, org_id=notification.org_id, aggregate_id=notification.id)


def _item(notification: Notification, user_id: UUID, content: InAppContent) -> InboxItem:
    return InboxItem(
        id=notification.id,
        org_id=notification.org_id,
        user_id=user_id,
        notification_id=notification.id,
        kind=notification.kind,
        category=notification.category,
        title=content.title,
        body=content.body,
        url=content.url,
        created_at=notification.created_at,
        expires_at=notification.expires_at,
    )
