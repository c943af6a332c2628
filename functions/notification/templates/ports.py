"""What the use cases of templates need of the world around them."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from llmo_auth.principal import Principal
from notification.contents import Content
from notification.kinds.models import Channel
from notification.templates.models import Published, Template, Version


class TemplateStore(Protocol):
    """What organizations have published."""

    async def published(self, org_id: UUID, kind: str, channel: Channel) -> Sequence[Published]:
        """What is sent of a kind on a channel, in whatever languages."""
        ...

    async def own_kinds(self, org_id: UUID) -> Sequence[tuple[Published, Channel]]:
        """All that is sent of the organization's own kinds, ordered by kind."""
        ...


class KeptTemplates(Protocol):
    """Templates; every method is limited to the organization that it names."""

    async def page(
        self,
        org_id: UUID,
        *,
        kind: str | None,
        channel: Channel | None,
        locale: str | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Template]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, org_id: UUID, template_id: UUID) -> Template | None:
        """The one with this id, unless it is removed."""
        ...

    async def locked(self, org_id: UUID, template_id: UUID) -> Template | None:
        """The same, which nobody else changes before the transaction under way ends."""
        ...

    async def count(self, org_id: UUID) -> int:
        """How many there are; nobody else adds one before the transaction under way ends."""
        ...

    async def taken(self, org_id: UUID, kind: str, channel: Channel, locale: str) -> bool:
        """Whether there is one of this kind, channel and language."""
        ...

    async def add(self, template: Template) -> None:
        """Keep a new one."""
        ...

    async def change(self, template: Template) -> None:
        """Keep what has changed of one."""
        ...

    async def remove(self, template: Template) -> None:
        """Mark one as removed, when it was last updated."""
        ...


class Versions(Protocol):
    """Versions of templates."""

    async def page(self, template: Template, *, before: UUID | None, limit: int) -> Sequence[Version]:
        """At most `limit` of a template's, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, template: Template, number: int) -> Version | None:
        """A template's version of this number."""
        ...

    async def add(self, version: Version) -> None:
        """Keep a new one."""
        ...


class TestSends(Protocol):
    """Sends tests, to nobody but who asks for them."""

    async def send(self, principal: Principal, channel: Channel, content: Content, /) -> UUID:
        """Send this, as it is, to the caller's own address on a channel, and give the notification's id.

        A notification of the kind `models.TEST` with the variable `content` is rendered to just that. Raises
        NoOwnAddress.
        """
        ...
