"""Putting notifications into inboxes, said as each recipient reads it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from notification.contents import InAppContent
from notification.inbox.models import InboxItem
from notification.inbox.ports import Filling
from notification.kinds.models import Channel
from notification.planning.models import KEPT, Notification, Recipient, Route
from notification.templates.models import NoSuchKind, Rendered, RenderFacts, Unrenderable

type Render = Callable[[RenderFacts], Awaitable[Rendered]]


class RenderedInboxes:
    """Inboxes, whose items are rendered when they are put there.

    Args:
        announce: Tells who watches their inbox of new items, once these are committed; it must not raise.
    """

    def __init__(
        self,
        *,
        filling: Filling,
        render: Render,
        announce: Callable[[Sequence[InboxItem]], None],
        organization_locale: str,
    ) -> None:
        self._filling = filling
        self._render = render
        self._announce = announce
        self._organization_locale = organization_locale

    async def deliver(
        self, notification: Notification, entries: Sequence[tuple[UUID, Recipient, Route]], *, now: datetime
    ) -> Mapping[UUID, str]:
        """Put a notification into inboxes, in the transaction under way; the ids are the messages'.

        Why some could not be said, by their messages.
        """
        items: list[InboxItem] = []
        unsaid: dict[UUID, str] = {}
        for message_id, recipient, route in entries:
            if recipient.user_id is None:
                continue
            try:
                content = await self._content(notification, recipient, route)
            except (Unrenderable, NoSuchKind) as error:
                unsaid[message_id] = error.detail
                continue
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - everybody else is told, on every channel, and the log says what went wrong
                logger().exception("a defect in rendering", extra={"notification_id": str(notification.id)})
                unsaid[message_id] = "A defect in rendering; the log has it."
                continue
            items.append(
                InboxItem(
                    id=message_id,
                    org_id=notification.org_id,
                    user_id=recipient.user_id,
                    notification_id=notification.id,
                    kind=notification.kind,
                    category=notification.category,
                    title=content.title,
                    body=content.body,
                    url=content.url,
                    created_at=now,
                    expires_at=now + KEPT,
                )
            )
        await self._filling.add(notification.org_id, items)
        self._announce(items)
        return unsaid

    async def _content(self, notification: Notification, recipient: Recipient, route: Route) -> InAppContent:
        rendered = await self._render(
            RenderFacts(
                org_id=notification.org_id,
                kind=notification.kind,
                channel=Channel.IN_APP,
                locale=route.locale,
                time_zone=route.time_zone,
                variables=notification.variables,
                person=recipient.name,
                organization=recipient.organization,
                organization_locale=self._organization_locale,
            )
        )
        if not isinstance(rendered.content, InAppContent):
            raise TypeError(rendered.content)
        return rendered.content
