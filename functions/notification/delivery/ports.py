"""What sending needs of providers, of the database and of templates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from notification.contents import Content
from notification.delivery.models import Due, Leased, Settled
from notification.inbox.models import Whose
from notification.kinds.models import Channel


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is handed to a provider.

    Attributes:
        address: E-mail address, E.164 number, or a device of push as JSON (`notification.contacts`).
        unsubscribe_url: Where one POST ends messages of this category (RFC 8058); None of critical ones.
        time_to_live: How long it is worth anything.
        org_id: Whose it is; None of one about a person.
        begin_until: After this moment nobody is asked to send it: the sender may be stopped before there is an answer.
    """

    message_id: UUID
    org_id: UUID | None
    address: str = field(repr=False)
    name: str | None
    content: Content = field(repr=False)
    category: str
    critical: bool
    unsubscribe_url: str | None
    time_to_live: timedelta
    begin_until: datetime | None = None

    def may_begin(self, now: datetime) -> bool:
        """Whether somebody may be asked to send it."""
        return self.begin_until is None or now < self.begin_until


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider took it.

    Attributes:
        provider_id: What the provider calls it.
        cost: What it costs, where the provider says so at once; in `currency`.
        provider: Who it was, where several could be.
    """

    provider_id: str
    cost: Decimal | None = None
    currency: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will never take it: it is not tried again (a 4xx that is no 408 or 429).

    Attributes:
        gone: Whether the address is none any more: nothing is sent to it again.
    """

    reason: str
    gone: bool = False
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider did not take it; another attempt, or another provider, may help.

    Attributes:
        retry_after: How long the provider wants to be left alone.
        unknown: Whether it may have taken it nevertheless: the connection was lost after it was written.
        ours: Whether our account is refused, not the message: wrong key, suspended, out of credit.
    """

    reason: str
    retry_after: timedelta | None = None
    unknown: bool = False
    ours: bool = False
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Nobody was asked: there was no time left for an answer. The next round has it."""

    provider: str | None = None


type Outcome = Sent | Refused | Failed | NotBegun


class Provider(Protocol):
    """A vendor that sends messages of one channel. It raises nothing but defects.

    Attributes:
        name: As statuses name it: `sendgrid`, `ses`, `smtp`, `twilio`, `sns`, `web_push`, `fcm`.
        batch: The most messages of one call of `send`.
    """

    name: str
    batch: int

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand messages over; one outcome for each, in their order."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class Deliveries(Protocol):
    """What is due."""

    async def due(self, channel: Channel, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Due]:
        """Messages that are due and that no sender has: the urgent first, then of each organization in turn."""
        ...

    async def lease(
        self, org_id: UUID | None, message_ids: Sequence[UUID], *, now: datetime, until: datetime
    ) -> Sequence[Leased]:
        """Those of the messages that no other sender has meanwhile, for this one until then."""
        ...

    async def settle(self, org_id: UUID | None, settled: Sequence[Settled], *, now: datetime) -> None:
        """Keep what became of messages. What a provider has told of one meanwhile counts more."""
        ...


class Suppressions(Protocol):
    """Where nothing is sent to any more."""

    async def among(self, channel: Channel, addresses: Sequence[str], *, critical: bool) -> Collection[str]:
        """Those of the addresses. Critical messages still go to who complained: they are no advertising."""
        ...

    async def add(self, channel: Channel, address: str, *, message_id: UUID, now: datetime) -> None:
        """Send nothing to an address that is none any more."""
        ...


class Inboxes(Protocol):
    """What people have read in the application."""

    async def read_among(self, whose: Whose, notification_ids: Collection[UUID]) -> Collection[UUID]:
        """Which of these notifications somebody has read, or put away."""
        ...


class Contents(Protocol):
    """What messages say."""

    async def content(self, message: Leased, *, unsubscribe_url: str | None) -> Content:
        """The message's, rendered. Raises Unrenderable."""
        ...


class Senders(Provider, Protocol):
    """The providers of a channel, as one: the first that works takes a message."""

    def available(self) -> bool:
        """Whether any of them can be asked now."""
        ...

    def room(self) -> int | None:
        """How many messages they take within a second, one at least; None for as many as there are."""
        ...

    async def ready(self, until: datetime) -> bool:
        """Wait until any of them can be asked, if that is before this moment, and nothing but a rate is against it."""
        ...
