"""What templates announce."""

from uuid import UUID

from llmo_messaging.envelope import Event
from notification.kinds.models import Channel
from notification.templates.models import Template


class _OfTemplate(Event):
    template_id: UUID
    kind: str
    channel: Channel
    locale: str
    by: UUID


class TemplateCreated(_OfTemplate, name="llmo.notification.template.created"):
    """An organization has a template, which is not sent before it is published. `by` is who made it."""


class TemplatePublished(_OfTemplate, name="llmo.notification.template.published"):
    """A version is sent from now on; `previous` is the one before, if any. It is an older one after a rollback."""

    version: int
    previous: int | None


class TemplateRemoved(_OfTemplate, name="llmo.notification.template.removed"):
    """What is shipped is sent again, or nothing any more of an organization's own kind."""


def about(template: Template, by: UUID) -> dict[str, object]:
    """What all of them say."""
    return {
        "template_id": template.id,
        "kind": template.kind,
        "channel": template.channel,
        "locale": template.locale,
        "by": by,
    }
