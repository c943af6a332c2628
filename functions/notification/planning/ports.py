"""What planning needs of everything else."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from llmo_messaging.envelope import Envelope
from notification.kinds.models import Audience
from notification.models import Gaps, Person
from notification.planning.models import Notification, Planned, Recipient, Route, Waiting
from notification.preferences.deciding import Reachable


class Arrivals(Protocol):
    """Which events were dealt with."""

    async def new(self, org_id: UUID | None, events: Sequence[Envelope], *, now: datetime) -> Sequence[Envelope]:
        """Those that never arrived before; in the transaction under way they are noted as dealt with."""
        ...


class Notifications(Protocol):
    """What is to be told."""

    async def add(self, notification: Notification) -> bool:
        """Keep one; False, and nothing, where there is one with its dedupe key."""
        ...

    async def due(self, *, now: datetime, limit: int) -> Sequence[Waiting]:
        """Those that are due and nobody plans, of all organizations, the urgent first."""
        ...

    async def lease(self, waiting: Waiting, *, now: datetime, until: datetime) -> Notification | None:
        """One that is due, for one planner until then; None when another has it, or it is planned or cancelled."""
        ...

    async def advance(
        self, notification: Notification, *, after: str, recipients: int, until: datetime | None
    ) -> Notification | None:
        """Note how far it is planned, for any planner without `until`; what it is by now, None if it was cancelled.

        Nobody leaves before the transaction under way ends, of which this is the first that is done.
        """
        ...

    async def finish(self, notification: Notification, *, recipients: int, now: datetime) -> Notification | None:
        """Note that all its messages are there; otherwise as `advance`."""
        ...

    async def forget(self, notification: Notification) -> None:
        """Keep nothing that opens something of one that is planned, when no message of it waits.

        Of one to who has left nothing is kept, when it has no messages.
        """
        ...

    async def failed(self, waiting: Waiting, reason: str, gaps: Gaps, *, now: datetime) -> bool:
        """Note that it could not be planned: it is tried again after a gap; True when it is given up."""
        ...

    async def release(self, waiting: Waiting) -> None:
        """Let another planner have one that is leased; nothing is counted against it."""
        ...


class Messages(Protocol):
    """What is to be sent."""

    async def add(
        self, notification: Notification, planned: Sequence[tuple[UUID, Recipient, Route, Planned]], *, now: datetime
    ) -> Sequence[UUID]:
        """Keep messages under their ids, each recipient's one for each channel; the ids of those that are new."""
        ...

    async def fail(self, org_id: UUID | None, reasons: Mapping[UUID, str], *, now: datetime) -> None:
        """Note why messages cannot be delivered."""
        ...


class Members(NamedTuple):
    """Some members, and after whom others may follow; None at the end."""

    people: Sequence[Person]
    after: UUID | None


class Subscribers(Protocol):
    """Who has subscribed to topics."""

    async def subscribers(self, org_id: UUID, topic: str, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """The users that come after one, in the order of their ids."""
        ...


class People(Protocol):
    """Who has an account, and who is in which organization."""

    async def named(self, user_ids: Sequence[UUID], *, org_id: UUID | None) -> Mapping[UUID, Person]:
        """Those with these ids: of an organization its members, of none anybody."""
        ...

    async def gone(self, user_ids: Sequence[UUID], *, org_id: UUID | None, members: bool) -> Collection[UUID]:
        """Which have no account any more, or are no `members` of the organization; in its transaction.

        Who owned an organization that is closed is one of its members.
        """
        ...

    async def members(self, org_id: UUID, audience: Audience, *, after: UUID | None, limit: int) -> Members:
        """Members that an audience names by role, permission or topic, in the order of their ids."""
        ...


class Contacts(Protocol):
    """Where people are besides their e-mail addresses."""

    async def reachable(self, user_ids: Sequence[UUID]) -> Mapping[UUID, Reachable]:
        """The phones and devices of those who have some; in a transaction of no organization."""
        ...


class Routing(Protocol):
    """Who wants to be told what, where and when."""

    async def routes(
        self, notification: Notification, recipients: Sequence[Recipient], *, now: datetime
    ) -> Sequence[Route]:
        """The recipients' routes, in their order. Called outside of the organization's transaction."""
        ...


class Inboxes(Protocol):
    """What people see in the application."""

    async def deliver(
        self, notification: Notification, entries: Sequence[tuple[UUID, Recipient, Route]], *, now: datetime
    ) -> Mapping[UUID, str]:
        """Put a notification into inboxes, in the transaction under way; the ids are the messages'.

        Why some could not be said, by their messages.
        """
        ...
