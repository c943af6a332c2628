"""An event arrives: what it has somebody be told is kept, once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import Transaction
from llmo_messaging.envelope import Envelope
from notification.kinds.catalogue import FAREWELLS, kind_named
from notification.kinds.facts import facts_of
from notification.kinds.models import Fact
from notification.planning.models import KEPT, Notification, NotificationStatus, Waiting
from notification.planning.ports import Arrivals, Notifications


class Accepted(NamedTuple):
    """What came of events.

    Attributes:
        waiting: Notifications that are new.
        failed: The ids of events that could not be kept.
    """

    waiting: Sequence[Waiting]
    failed: Collection[UUID]


type Told = tuple[Envelope, Mapping[str, Any]]


class Accepting:
    """Keeps what events have people be told."""

    def __init__(
        self, *, arrivals: Arrivals, notifications: Notifications, transaction: Transaction, clock: Clock, new_id: NewId
    ) -> None:
        self._arrivals = arrivals
        self._notifications = notifications
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def accept(self, events: Sequence[Told]) -> Accepted:
        """Keep a notification for each fact of the events, to be planned now.

        One that cannot be kept keeps no other from it. Safe to repeat: an event and its notifications are one commit.
        Raises DatabaseUnavailable.
        """
        by_org: defaultdict[UUID | None, list[Told]] = defaultdict(list)
        for envelope, data in events:
            by_org[envelope.orgid].append((envelope, data))
        waiting: list[Waiting] = []
        failed: set[UUID] = set()
        for org_id, told in by_org.items():
            new = await self._kept(org_id, told)
            for each in told if new is None else ():
                alone = await self._kept(org_id, [each])
                waiting += alone or ()
                if alone is None:
                    failed.add(each[0].id)
            waiting += new or ()
        return Accepted(waiting, failed)

    async def _kept(self, org_id: UUID | None, told: Sequence[Told]) -> Sequence[Waiting] | None:
        """What is new of these, which are one commit; None when they cannot be kept."""
        try:
            return await self._accept(org_id, told)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - each is tried by itself, then delivered again; the log says why
            logger().exception("not kept", extra={"event_ids": [str(envelope.id) for envelope, _ in told]})
            return None

    async def _accept(self, org_id: UUID | None, told: Sequence[Told]) -> Sequence[Waiting]:
        now = self._clock.now()
        data_of = {envelope.id: data for envelope, data in told}
        waiting = []
        async with self._transaction(org_id):
            for envelope in await self._arrivals.new(org_id, [envelope for envelope, _ in told], now=now):
                for fact in facts_of(envelope.type, envelope.id, data_of[envelope.id]):
                    notification = self._notification(org_id, fact)
                    if await self._notifications.add(notification):
                        waiting.append(Waiting(org_id, notification.id))
        return waiting

    def _notification(self, org_id: UUID | None, fact: Fact) -> Notification:
        kind, now = kind_named(fact.kind), self._clock.now()
        return Notification(
            id=self._new_id(),
            org_id=org_id,
            kind=kind.name,
            category=kind.category,
            priority=kind.priority,
            channels=kind.channels,
            audience=fact.audience,
            variables=fact.variables,
            dedupe_key=fact.dedupe_key,
            status=NotificationStatus.PLANNING,
            send_at=now,
            departing=kind.name in FAREWELLS,
            created_by=fact.asked_by,
            created_at=now,
            expires_at=now + KEPT,
        )
