"""Planning notifications: some recipients at a time, each chunk one commit, so that any run can go on with it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from aws_lambda_powertools.metrics import MetricUnit

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.ids import NewId
from llmo_core.observability import logger, metrics
from llmo_data.ports import Events, Transaction
from notification.kinds.models import Channel, Priority
from notification.models import Gaps
from notification.planning.models import (
    QUEUED,
    Notification,
    NotificationRequested,
    Planned,
    Recipient,
    Route,
    Waiting,
)
from notification.planning.ports import Inboxes, Messages, Notifications, Routing
from notification.planning.recipients import Recipients

LEASE: Final = timedelta(seconds=150)  # longer than the function may run: then its planner is dead
MOST_ATTEMPTS: Final = 10
"""After so many in a row that came to no end a notification is given up."""
_GAPS: Final = Gaps(first=timedelta(seconds=30), longest=timedelta(hours=1), most=MOST_ATTEMPTS)
_DIED: Final = "Planning it came to no end, several times."
_MOST_WAITING: Final = 100


class Planning:
    """Makes messages of notifications."""

    def __init__(
        self,
        *,
        notifications: Notifications,
        messages: Messages,
        recipients: Recipients,
        routing: Routing,
        inboxes: Inboxes,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._notifications = notifications
        self._messages = messages
        self._recipients = recipients
        self._routing = routing
        self._inboxes = inboxes
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def plan_due(self, time_left: Callable[[], timedelta]) -> int:
        """Plan what is due, of all organizations, until nothing is or the time is up; how many that were.

        Raises DatabaseUnavailable.
        """
        planned, seen = 0, set[UUID]()
        while time_left() > timedelta():
            due = await self._notifications.due(now=self._clock.now(), limit=_MOST_WAITING)
            new = [waiting for waiting in due if waiting.notification_id not in seen]
            if not new:
                break
            seen |= {waiting.notification_id for waiting in new}
            planned += await self.plan(new, time_left)
        return planned

    async def plan(self, waiting: Sequence[Waiting], time_left: Callable[[], timedelta]) -> int:
        """Plan these; how many were finished. One that cannot be planned keeps no other waiting.

        Of what is bulk only some recipients are planned for, and it is announced again, behind whatever came meanwhile:
        what is urgent waits for those at most.
        """
        finished = 0
        for each in waiting:
            if time_left() <= timedelta():
                break
            try:
                finished += await self._planned(each, time_left)
            except Unavailable as error:  # the database is away, and whatever waits is due at the next run
                extra = {"notification_id": str(each.notification_id), "reason": error.detail}
                logger().warning("not planned", extra=extra)
        return finished

    async def _planned(self, waiting: Waiting, time_left: Callable[[], timedelta]) -> bool:
        now = self._clock.now()
        notification: Notification | None = None
        try:
            notification = await self._notifications.lease(waiting, now=now, until=now + LEASE)
            if notification is None:
                return False
            if notification.failures < MOST_ATTEMPTS:
                return await self._plan(notification, time_left)
            reason = notification.failure or _DIED
        except asyncio.CancelledError:
            raise
        except Unavailable:  # which says nothing of this one
            if notification is not None:
                await self._notifications.release(waiting)
            raise
        except Exception as error:  # noqa: BLE001 - it is tried again, and the log says why
            logger().exception("not planned", extra={"notification_id": str(waiting.notification_id)})
            reason = f"{type(error).__name__}: the log says more."
        await self._failed(waiting, reason)
        return False

    async def _failed(self, waiting: Waiting, reason: str) -> None:
        if await self._notifications.failed(waiting, reason, _GAPS, now=self._clock.now()):
            extra = {"notification_id": str(waiting.notification_id), "reason": reason}
            logger().error("notification given up", extra=extra)
            metrics().add_metric(name="NotificationsFailed", unit=MetricUnit.Count, value=1)

    async def _plan(self, notification: Notification, time_left: Callable[[], timedelta]) -> bool:
        yields = notification.priority is Priority.BULK
        after, recipients = notification.planned_after, notification.recipients
        until: datetime | None = None
        while True:
            chunk = await self._recipients.chunk(notification, after)
            now = self._clock.now()
            routes = await self._routing.routes(notification, chunk.recipients, now=now)
            recipients += len(chunk.recipients)
            async with self._transaction(notification.org_id):
                if chunk.after is None:
                    current = await self._notifications.finish(notification, recipients=recipients, now=now)
                else:
                    until = now + LEASE if time_left() > timedelta() and not yields else None
                    current = await self._notifications.advance(
                        notification, after=chunk.after, recipients=recipients, until=until
                    )
                if current is None:
                    return False
                told = await self._recipients.still_told(notification, current, chunk.recipients)
                await self._keep(
                    current, [(each, route) for each, route in zip(told, routes, strict=True) if each is not None]
                )
                if yields and chunk.after is not None:
                    again = NotificationRequested(notification_id=notification.id)
                    await self._events.announce(again, org_id=notification.org_id, aggregate_id=notification.id)
                if chunk.after is None:
                    await self._notifications.forget(notification)
            if chunk.after is None:
                return True
            if until is None:
                return False
            after, notification = chunk.after, current

    async def _keep(self, notification: Notification, routed: Sequence[tuple[Recipient, Route]]) -> None:
        now = self._clock.now()
        planned: list[tuple[UUID, Recipient, Route, Planned]] = [
            (self._new_id(), recipient, route, message) for recipient, route in routed for message in route.messages
        ]
        new = set(await self._messages.add(notification, planned, now=now))
        entries = [
            (message_id, recipient, route)
            for message_id, recipient, route, message in planned
            if message_id in new and message.channel is Channel.IN_APP and message.skipped is None
        ]
        if entries:
            unsaid = await self._inboxes.deliver(notification, entries, now=now)
            if unsaid:
                await self._messages.fail(notification.org_id, unsaid, now=now)
        due = {
            message.channel
            for message_id, _, _, message in planned
            if message_id in new and message.skipped is None and message.digest is None and message.planned_for <= now
        }
        for channel, queued in QUEUED.items():
            if channel in due:
                event = queued(notification_id=notification.id)
                await self._events.announce(event, org_id=notification.org_id, aggregate_id=notification.id)
