"""What messages say: their templates, with what is known of their recipients."""

from collections.abc import Awaitable, Callable

from llmo_core.observability import logger
from notification.contents import Content
from notification.delivery.models import Leased
from notification.templates.models import Rendered, RenderFacts

type Render = Callable[[RenderFacts], Awaitable[Rendered]]


class RenderedContents:
    """Renders messages when they are sent.

    Args:
        render: A template that fits, with these facts.
        organization_locale: For who reads none of the languages that the organization has written it in.
    """

    def __init__(self, render: Render, *, organization_locale: str) -> None:
        self._render = render
        self._organization_locale = organization_locale

    async def content(self, message: Leased, *, unsubscribe_url: str | None) -> Content:
        """The message's, rendered. Raises Unrenderable."""
        rendered = await self._render(
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
        if rendered.instead_of is not None:
            logger().warning(
                "the organization's own template was not used",
                extra={"message_id": str(message.id), "reason": rendered.instead_of},
            )
        return rendered.content
