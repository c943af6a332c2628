"""Sending what is due on one channel: leased, rendered, handed to a provider, and what came of it kept.

A sender that dies between the provider's answer and its note leaves a leased message. Whoever finds it after the lease
sends it again, unless a receipt of the provider's said meanwhile that it was taken: at least once, and twice only then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import batched
from typing import Final
from uuid import UUID

from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from notification.delivery.models import Due, Leased, Settled
from notification.delivery.ports import (
    Contents,
    Deliveries,
    Failed,
    Inboxes,
    NotBegun,
    Outcome,
    Outgoing,
    Refused,
    Senders,
    Suppressions,
)
from notification.delivery.settling import Settling, over
from notification.inbox.models import Whose
from notification.kinds.models import Channel
from notification.models import Status
from notification.templates.models import NoSuchKind, Unrenderable

LEASE: Final = timedelta(minutes=5)  # longer than the function may run, and than receipts take to come
MOST_IN_A_ROUND: Final = 200
"""What is urgent waits for one round at most."""
MOST_IN_A_GROUP: Final = 50
"""What came of so many is kept together: of a sender that dies, no more of them are sent again."""
_GROUPS_AT_ONCE: Final = 16
_ORGANIZATIONS_AT_ONCE: Final = 8

type Links = Callable[[Leased], str | None]


class Sending:
    """Sends a channel's messages.

    Args:
        unsubscribe_url: Where one message's recipient ends such messages; None of critical ones.
        random: Of [0, 1).
        prices: US dollars a message, by the name of a provider that does not say so itself.
    """

    def __init__(
        self,
        *,
        channel: Channel,
        deliveries: Deliveries,
        suppressions: Suppressions,
        contents: Contents,
        inboxes: Inboxes,
        senders: Senders,
        unsubscribe_url: Links,
        clock: Clock,
        random: Callable[[], float],
        prices: Mapping[str, Decimal] | None = None,
    ) -> None:
        self._channel = channel
        self._deliveries = deliveries
        self._suppressions = suppressions
        self._contents = contents
        self._inboxes = inboxes
        self._senders = senders
        self._unsubscribe_url = unsubscribe_url
        self._clock = clock
        self._settling = Settling(sender=senders.name, clock=clock, random=random, prices=prices or {})

    async def send_due(self, time_left: Callable[[], timedelta]) -> int:
        """Send what is due, of all organizations, until nothing is or the time is up; how many messages that were.

        Nothing is leased while no provider can be asked, and of what one gets no more than so much a second no more
        than is sent in a second. Raises DatabaseUnavailable.
        """
        sent, of_others = 0, set[UUID]()
        while time_left() > timedelta():
            now = self._clock.now()
            due = await self._deliveries.due(self._channel, now=now, besides=of_others, limit=MOST_IN_A_ROUND)
            if not due:
                break
            if not self._senders.available():
                if not await self._senders.ready(now + time_left()):
                    break
                continue  # somebody more urgent may have come meanwhile
            sent += await self._round(due[: self._senders.room()], of_others, time_left)
        return sent

    async def _round(self, due: Sequence[Due], of_others: set[UUID], time_left: Callable[[], timedelta]) -> int:
        """Send these, some organizations' at once; how many were. Those that another sender has are noted."""
        of_org: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
        for each in due:
            of_org[each.org_id].append(each.message_id)
        places, slots = asyncio.Semaphore(_ORGANIZATIONS_AT_ONCE), asyncio.Semaphore(_GROUPS_AT_ONCE)

        async def send(org_id: UUID | None, ids: Sequence[UUID]) -> int:
            async with places:
                if time_left() <= timedelta():
                    return 0
                now = self._clock.now()
                leased = await self._deliveries.lease(org_id, ids, now=now, until=now + LEASE)
                of_others.update({*ids} - {message.id for message in leased})
                return await self._sent(org_id, leased, slots, until=now + time_left())

        return await _sum_of(send(org_id, ids) for org_id, ids in of_org.items())

    async def _sent(
        self, org_id: UUID | None, leased: Sequence[Leased], slots: asyncio.Semaphore, *, until: datetime
    ) -> int:
        """Send these; how many were. Those that are not begun until then are the next round's."""
        now = self._clock.now()
        settled, outgoing = await self._ready(leased, now, until)
        if settled:
            await self._deliveries.settle(org_id, settled, now=now)

        async def hand_over(some: Sequence[tuple[Leased, Outgoing]]) -> int:
            async with slots:
                started_at = self._clock.now()
                outcomes = await self._outcomes([message for _, message in some], started_at)
                pairs = zip(some, outcomes, strict=True)
                came = [self._settling.after(message, outcome, started_at) for (message, _), outcome in pairs]
                await self._suppress(some, outcomes)
                await self._deliveries.settle(org_id, came, now=self._clock.now())
                return sum(not isinstance(outcome, NotBegun) for outcome in outcomes)

        groups = batched(outgoing, min(self._senders.batch, MOST_IN_A_GROUP), strict=False)
        return await _sum_of(hand_over(some) for some in groups)

    async def _ready(
        self, leased: Sequence[Leased], now: datetime, until: datetime
    ) -> tuple[Sequence[Settled], Sequence[tuple[Leased, Outgoing]]]:
        """What is not to be sent after all, with the reason; and all others, rendered."""
        suppressed = await self._suppressed(leased)
        read = {each.id for each in leased if await self._read(each)}
        settled: list[Settled] = []
        outgoing: list[tuple[Leased, Outgoing]] = []
        for message in leased:
            ended = over(message, now, read=message.id in read) or (
                (Status.SUPPRESSED, None) if message.id in suppressed else None
            )
            if ended is not None or message.address is None:
                status, reason = ended or (Status.CANCELLED, "The address was erased.")
                settled.append(Settled(message.id, status, reason, None, message.attempts))
                continue
            try:
                outgoing.append((message, await self._outgoing(message, message.address, now, until)))
            except (Unrenderable, NoSuchKind) as error:
                logger().warning("message not sent", extra={"message_id": str(message.id), "reason": error.detail})
                settled.append(Settled(message.id, Status.FAILED, error.detail[:500], None, message.attempts))
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - messages beside this one are sent, and the log says what went wrong
                logger().exception("a defect in rendering", extra={"message_id": str(message.id)})
                settled.append(self._settling.after_defect(message, now))
        return settled, outgoing

    async def _outgoing(self, message: Leased, address: str, now: datetime, until: datetime) -> Outgoing:
        unsubscribe_url = None if message.critical else self._unsubscribe_url(message)
        return Outgoing(
            message_id=message.id,
            org_id=message.org_id,
            address=address,
            name=message.name,
            content=await self._contents.content(message, unsubscribe_url=unsubscribe_url),
            category=message.category,
            critical=message.critical,
            unsubscribe_url=unsubscribe_url,
            time_to_live=message.give_up_at - now,
            begin_until=until,
        )

    async def _suppressed(self, leased: Sequence[Leased]) -> set[UUID]:
        """Messages whose addresses get nothing any more; who complained still gets what is critical."""
        found: set[UUID] = set()
        for critical in (True, False):
            some = [each for each in leased if each.critical is critical and each.address is not None]
            if some:
                addresses = [each.address for each in some if each.address is not None]
                suppressed = await self._suppressions.among(self._channel, addresses, critical=critical)
                found |= {each.id for each in some if each.address in suppressed}
        return found

    async def _read(self, message: Leased) -> bool:
        """Whether it need not be sent: it was read in the inbox."""
        if not message.unless_read or message.user_id is None:
            return False
        whose = Whose(user_id=message.user_id, org_id=message.org_id)
        return bool(await self._inboxes.read_among(whose, [message.notification_id]))

    async def _suppress(self, some: Sequence[tuple[Leased, Outgoing]], outcomes: Sequence[Outcome]) -> None:
        for (message, outgoing), outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, Refused) and outcome.gone:
                address, now = outgoing.address, self._clock.now()
                await self._suppressions.add(self._channel, address, message_id=message.id, now=now)

    async def _outcomes(self, messages: Sequence[Outgoing], now: datetime) -> Sequence[Outcome]:
        if not all(message.may_begin(now) for message in messages):
            return [NotBegun() for _ in messages]
        try:
            return await self._senders.send(messages)
        except Exception:  # noqa: BLE001 - what came of other batches is kept, and the log says what went wrong
            logger().exception("a defect in sending", extra={"channel": self._channel, "messages": len(messages)})
            return [Failed("a defect of ours", unknown=True) for _ in messages]


async def _sum_of(counts: Iterable[Awaitable[int]]) -> int:
    """The sum of these, at once. Whatever goes wrong with one, the others come to their end: nobody has it twice."""
    came = await asyncio.gather(*counts, return_exceptions=True)
    total = 0
    for each in came:
        if isinstance(each, BaseException):
            raise each
        total += each
    return total
