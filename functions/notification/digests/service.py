"""Making a mail of what was gathered, when its time has come."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction
from notification.contents import InAppContent
from notification.digests.models import DueDigest, Gathered
from notification.digests.ports import Digests, Kept
from notification.kinds.catalogue import kind_named
from notification.kinds.models import Audience, Channel, Priority
from notification.models import Gaps
from notification.planning.models import (
    KEPT,
    EmailQueued,
    Notification,
    NotificationStatus,
    Planned,
    Recipient,
    Route,
)
from notification.planning.ports import Messages
from notification.templates.models import NoSuchKind, Rendered, RenderFacts, Unrenderable

MOST_ITEMS: Final = 50
"""Of one digest; what is more it only counts."""
GAPS: Final = Gaps(first=timedelta(minutes=1), longest=timedelta(hours=6), most=10)
_AT_ONCE: Final = 200

type Render = Callable[[RenderFacts], Awaitable[Rendered]]


class Digesting:
    """Makes digests."""

    def __init__(
        self,
        *,
        digests: Digests,
        notifications: Kept,
        messages: Messages,
        render: Render,
        organization_locale: str,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._digests = digests
        self._notifications = notifications
        self._messages = messages
        self._render = render
        self._organization_locale = organization_locale
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def digest_due(self, time_left: Callable[[], timedelta]) -> int:
        """Make what is due, of all organizations, until nothing is or the time is up; how many that were.

        Safe to repeat: a digest and its parts are one commit. Raises DatabaseUnavailable.
        """
        made, seen = 0, set[DueDigest]()
        while time_left() > timedelta():
            due = await self._digests.due(now=self._clock.now(), limit=_AT_ONCE)
            new = [each for each in due if each not in seen]
            if not new:
                break
            seen |= {*new}
            for each in new:
                if time_left() <= timedelta():
                    break
                made += await self._made(each)
        return made

    async def _made(self, due: DueDigest) -> bool:
        try:
            async with self._transaction(due.org_id):
                gathered = await self._digests.gathered(due, shown=MOST_ITEMS)
                if not gathered:
                    return False
                await self._make(due, gathered)
        except (asyncio.CancelledError, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - one digest must not keep the others waiting; the log says why
            logger().exception("no digest", extra={"user_id": str(due.user_id), "digest": due.digest})
            reason = f"No digest, {type(error).__name__}: the log says more."
            await self._digests.postpone(due, reason, GAPS, now=self._clock.now())
            return False
        return True

    async def _make(self, due: DueDigest, gathered: Sequence[Gathered]) -> None:
        now, last = self._clock.now(), gathered[-1]
        items = [item for each in gathered[:MOST_ITEMS] if (item := await self._item(due, each)) is not None]
        kind = kind_named("digest")
        notification = Notification(
            id=self._new_id(),
            org_id=due.org_id,
            kind=kind.name,
            category=last.category,
            priority=Priority.NORMAL,
            channels=(Channel.EMAIL,),
            audience=Audience(user_ids=(due.user_id,)),
            variables={"items": items, "count": len(gathered)},
            dedupe_key=f"digest:{due.user_id}:{due.digest}:{gathered[0].id}",
            status=NotificationStatus.PLANNED,
            send_at=now,
            recipients=1,
            created_at=now,
            finished_at=now,
            expires_at=now + KEPT,
        )
        recipient = Recipient(key=str(due.user_id), user_id=due.user_id, email=last.address, name=last.name)
        planned = Planned(channel=Channel.EMAIL, address=last.address, planned_for=now)
        route = Route(locale=last.locale, time_zone=last.time_zone, messages=(planned,))
        await self._notifications.add(notification)
        await self._messages.add(notification, [(self._new_id(), recipient, route, planned)], now=now)
        await self._digests.digested(due.org_id, [each.id for each in gathered], now=now)
        queued = EmailQueued(notification_id=notification.id)
        await self._events.announce(queued, org_id=due.org_id, aggregate_id=notification.id)

    async def _item(self, due: DueDigest, message: Gathered) -> dict[str, Any] | None:
        """What the inbox would say of it; None of what cannot be said."""
        facts = RenderFacts(
            org_id=due.org_id,
            kind=message.kind,
            channel=Channel.IN_APP,
            locale=message.locale,
            time_zone=message.time_zone,
            variables=message.variables,
            person=message.name,
            organization=message.organization,
            organization_locale=self._organization_locale,
        )
        try:
            content = (await self._render(facts)).content
        except (Unrenderable, NoSuchKind) as error:
            logger().warning("not in the digest", extra={"message_id": str(message.id), "reason": error.detail})
            return None
        if not isinstance(content, InAppContent):
            raise TypeError(content)
        return {"title": content.title, "text": content.body, "url": content.url}
