"""What messages say: their templates, with what is known of their recipients.

One notification says the same to thousands, but for the address at which each of them unsubscribes. It is rendered for
two of them; where nothing else differs in what came of it, the others get the same with their own address.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from llmo_core.clock import Clock
from llmo_core.observability import logger
from notification.contents import Content, EmailContent
from notification.delivery.models import Leased
from notification.templates.models import Rendered, RenderFacts

KEPT_FOR: Final = timedelta(seconds=5)
"""How long what came of a template is given to others."""
_MOST_KEPT: Final = 64

type Render = Callable[[RenderFacts], Awaitable[Rendered]]
type _Told = tuple[UUID, str, str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came of a template for somebody.

    Attributes:
        until: It is given to nobody else from then on.
        unsubscribe_url: Theirs, which stands in it.
        alike: Whether somebody else got the same but for that.
    """

    until: datetime
    rendered: Rendered
    unsubscribe_url: str
    alike: bool

    def of(self, unsubscribe_url: str) -> Rendered:
        """The same with another address."""
        content = self.rendered.content
        if not isinstance(content, EmailContent):
            return self.rendered
        parts = {"subject": content.subject, "html": content.html, "text": content.text}
        changed = {name: part.replace(self.unsubscribe_url, unsubscribe_url) for name, part in parts.items()}
        return self.rendered.model_copy(update={"content": content.model_copy(update=changed)})


class RenderedContents:
    """Renders messages when they are sent.

    Args:
        render: A template that fits, with these facts.
        organization_locale: For who reads none of the languages that the organization has written it in.
    """

    def __init__(self, render: Render, *, organization_locale: str, clock: Clock) -> None:
        self._render = render
        self._organization_locale = organization_locale
        self._clock = clock
        self._kept: OrderedDict[_Told, _Kept] = OrderedDict()

    async def content(self, message: Leased, *, unsubscribe_url: str | None) -> Content:
        """The message's, rendered. Raises Unrenderable."""
        if unsubscribe_url is None:  # critical: few get it, and nothing is kept of what opens something
            rendered = await self._rendered(message, None)
        else:
            rendered = await self._alike(message, unsubscribe_url)
        if rendered.instead_of is not None:
            logger().warning(
                "the organization's own template was not used",
                extra={"message_id": str(message.id), "reason": rendered.instead_of},
            )
        return rendered.content

    async def _alike(self, message: Leased, unsubscribe_url: str) -> Rendered:
        told = (message.notification_id, message.locale, message.time_zone, message.name, message.organization)
        now = self._clock.now()
        kept = self._kept.get(told)
        if kept is not None and kept.until <= now:
            kept = None
        if kept is not None and kept.alike:
            return kept.of(unsubscribe_url)
        rendered = await self._rendered(message, unsubscribe_url)
        alike = kept is not None and kept.of(unsubscribe_url) == rendered
        self._kept[told] = _Kept(now + KEPT_FOR, rendered, unsubscribe_url, alike)
        self._kept.move_to_end(told)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return rendered

    async def _rendered(self, message: Leased, unsubscribe_url: str | None) -> Rendered:
        return await self._render(
            RenderFacts(
                org_id=message.org_id,
                kind=message.kind,
                channel=message.channel,
                locale=message.locale,
                time_zone=message.time_zone,
                variables=message.variables,
                person=message.name,
                organization=message.organization,
                unsubscribe_url=unsubscribe_url,
                organization_locale=self._organization_locale,
            )
        )
