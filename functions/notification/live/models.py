"""What comes into an inbox, as somebody sees it who watches."""

import re
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

from llmo_core.errors import Invalid, Unavailable
from llmo_core.fields import Moment
from llmo_core.model import OpenModel
from notification.inbox.models import InboxItem

_POSITION: Final = re.compile(r"(\d{1,20})-(\d{1,20})")
_LARGEST: Final = 2**64 - 1  # both parts of an id: https://redis.io/docs/latest/develop/data-types/streams/


class MalformedEventId(Invalid):
    """`Last-Event-ID` is the id of an event of such a stream, as `1764220302000-0`."""


class LiveUnavailable(Unavailable):
    """The inbox cannot be watched right now; it can be read."""


class LiveItem(OpenModel):
    """Something that came into the inbox just now: what a list shows of it."""

    id: UUID
    org_id: UUID | None
    notification_id: UUID
    kind: str
    category: str
    title: str
    body: str
    url: str | None
    created_at: Moment

    @classmethod
    def of(cls, item: InboxItem) -> Self:
        """Show an item."""
        return cls(**item.model_dump(include={*cls.model_fields}))


@dataclass(frozen=True, slots=True)
class Arrived:
    """An item at its position in the stream; without the item where the entry cannot be read."""

    position: str
    item: LiveItem | None


@dataclass(frozen=True, slots=True)
class Begun:
    """The stream is there: what comes after this position is told."""

    position: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Of what came after the watcher's last event, some may be gone: the inbox has all of it."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing happened: the connection is kept open."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The time of one stream is over: the watcher comes back."""


@dataclass(frozen=True, slots=True)
class Displaced:
    """The same person watches as often as they may, since later: the watcher comes back later."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream breaks off: the watcher comes back later."""

    code: str
    detail: str


type Message = Begun | Arrived | Gap | Beat | Ended | Displaced | Failed


def parse_position(text: str) -> str:
    """A position that a watcher has kept. Raises MalformedEventId."""
    found = _POSITION.fullmatch(text)
    if found is None or max(map(int, found.groups())) > _LARGEST:
        raise MalformedEventId
    return text
