"""Taking what providers tell. In whatever order and however often they do, the same comes of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from llmo_core.clock import Clock
from llmo_data.ports import Transaction
from notification.kinds.models import Channel
from notification.models import Status, follows
from notification.receipts.models import Changed, Receipt, Suppression, Told
from notification.receipts.ports import Receipts

_WORST_FIRST: Final = (Suppression.BOUNCED, Suppression.COMPLAINED, Suppression.UNSUBSCRIBED)


class Taking:
    """Takes receipts.

    Whose a message is, and to which address it went, is what we know of it, whatever the provider says. Only of a
    message that was erased the provider knows the address and we do not.
    """

    def __init__(self, *, receipts: Receipts, transaction: Transaction, clock: Clock) -> None:
        self._receipts = receipts
        self._transaction = transaction
        self._clock = clock

    async def take(self, told: Sequence[Receipt]) -> int:
        """Keep receipts and what comes of them; how many were news. Safe to repeat.

        Those about messages that we do not have are ignored: somebody else's, or old ones. When this returns,
        nothing of it is lost. Raises DatabaseUnavailable.
        """
        once = {(each.provider, each.event_id): each for each in told}
        owners = await self._receipts.owners({each.message_id for each in once.values()}) if once else {}
        of_org: defaultdict[UUID | None, list[Receipt]] = defaultdict(list)
        for each in once.values():
            if each.message_id in owners:
                of_org[owners[each.message_id]].append(each)
        return sum([await self._take(org_id, of_org[org_id]) for org_id in sorted(of_org, key=str)])

    async def _take(self, org_id: UUID | None, told: Sequence[Receipt]) -> int:
        """One organization's: its messages, and the deployment's suppressions, together or not at all."""
        now = self._clock.now()
        async with self._transaction(None):
            async with self._transaction(org_id):
                messages = {each.id: each for each in await self._receipts.lock(org_id, _ids(told))}
                known = [each for each in told if each.message_id in messages]
                new_ids = await self._receipts.add(org_id, known, now)
                news = [each for each in known if each.event_id in new_ids]
                await self._receipts.change(org_id, _changed(messages, news), now)
            await self._receipts.suppress(_suppressed(messages, news), now)
        return len(news)


def _ids(told: Sequence[Receipt]) -> set[UUID]:
    return {each.message_id for each in told}


def _changed(messages: Mapping[UUID, Told], news: Sequence[Receipt]) -> list[Changed]:
    """What becomes of messages. Statuses move forward only; the first one to tell of a status says why."""
    changed: dict[UUID, Changed] = {}
    for each in sorted(news, key=_by_time):
        before: Status = (changed.get(each.message_id) or messages[each.message_id]).status
        if follows(before, each.status):
            changed[each.message_id] = Changed(
                id=each.message_id,
                status=each.status,
                reason=each.reason,
                provider=each.provider,
                provider_id=each.provider_id,
            )
    return [changed[message_id] for message_id in sorted(changed)]


def _by_time(receipt: Receipt) -> tuple[datetime, str]:
    return receipt.occurred_at, receipt.event_id


def _suppressed(
    messages: Mapping[UUID, Told], news: Sequence[Receipt]
) -> Mapping[tuple[Channel, str], tuple[Suppression, UUID]]:
    """Addresses, each with the worst that was told of it."""
    found: dict[tuple[Channel, str], tuple[Suppression, UUID]] = {}
    for reason in reversed(_WORST_FIRST):
        for each in news:
            message = messages[each.message_id]
            address = message.address or each.address
            if each.suppression is reason and address is not None:
                found[message.channel, address] = (reason, each.message_id)
    return found
