"""Rendering without a database: the store is a list, and the clock stands still unless it is moved."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from llmo_core.ids import new_id
from notification.kinds.models import Channel
from notification.templates.models import Published, Wording
from notification.templates.resolving import Templates
from notification.templates.variables import Variable

APP = "https://app.example"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        """The moment that was set."""
        return self.moment


class Store:
    """What organizations have published, in memory.

    Attributes:
        asked: How often it was looked.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[UUID, Channel, Published]] = []
        self.asked = 0

    def publish(
        self,
        org_id: UUID,
        kind: str,
        parts: Mapping[str, str],
        *,
        channel: Channel = Channel.EMAIL,
        locale: str = "en",
        variables: Sequence[Variable] = (),
        version: int = 1,
    ) -> Published:
        """Have an organization say this from now on."""
        wording = Wording(parts=parts, variables=tuple(variables))
        published = Published(template_id=new_id(), version=version, kind=kind, locale=locale, wording=wording)
        self.kept.append((org_id, channel, published))
        return published

    async def published(self, org_id: UUID, kind: str, channel: Channel) -> Sequence[Published]:
        """What is sent of a kind on a channel."""
        self.asked += 1
        return [each for owner, on, each in self.kept if (owner, on, each.kind) == (org_id, channel, kind)]

    async def own_kinds(self, org_id: UUID) -> Sequence[tuple[Published, Channel]]:
        """All that is sent of the organization's own kinds."""
        return [(each, on) for owner, on, each in self.kept if owner == org_id and each.kind.startswith("custom.")]


class Saying:
    """Templates with their store and their clock."""

    def __init__(self) -> None:
        self.store = Store()
        self.clock = Clock()
        self.templates = Templates(store=self.store, app_url=APP, clock=self.clock)


def mail(body: str = "<p>x</p>", **others: Any) -> dict[str, str]:
    """The parts of a mail."""
    return {"subject": "Own subject", "body": body, **others}
