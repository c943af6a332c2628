"""Whatever order receipts come in, and however often, the same comes of them."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from llmo_core.ids import new_id
from notification.kinds.models import Channel
from notification.models import Status
from notification.receipts.models import Changed, Receipt, Suppression, Told
from notification.receipts.service import Taking
from tests.clocks import NOON, MovableClock

ORGS = (new_id(), None)
MESSAGES = {new_id(): ORGS[number % 2] for number in range(3)}


class Kept:
    """Receipts and messages in memory."""

    def __init__(self, status: Status) -> None:
        self.messages = {
            message_id: Told(id=message_id, channel=Channel.EMAIL, status=status, address=f"{message_id}@x.example")
            for message_id in MESSAGES
        }
        self.receipts: set[tuple[str, str]] = set()
        self.suppressed: dict[str, Suppression] = {}
        self.inside: list[UUID | None] = []

    @asynccontextmanager
    async def transaction(self, org_id: UUID | None = None) -> AsyncIterator[None]:
        self.inside.append(org_id)
        yield
        self.inside.pop()

    async def owners(self, message_ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        return {each: MESSAGES[each] for each in message_ids if each in MESSAGES}

    async def lock(self, org_id: UUID | None, message_ids: Collection[UUID]) -> Sequence[Told]:
        assert self.inside == [None, org_id]
        assert all(MESSAGES[each] == org_id for each in message_ids)
        return [self.messages[each] for each in message_ids]

    async def add(self, org_id: UUID | None, receipts: Sequence[Receipt], now: datetime) -> Collection[str]:
        assert self.inside == [None, org_id]
        assert now == NOON
        new = {(each.provider, each.event_id) for each in receipts} - self.receipts
        self.receipts |= new
        return {event_id for _, event_id in new}

    async def change(self, org_id: UUID | None, changed: Sequence[Changed], now: datetime) -> None:
        assert self.inside == [None, org_id]
        assert now == NOON
        for each in changed:
            self.messages[each.id] = self.messages[each.id].model_copy(update={"status": each.status})

    async def suppress(self, addresses: Mapping[tuple[Channel, str], tuple[Suppression, UUID]], now: datetime) -> None:
        assert self.inside == [None]
        assert now == NOON
        for (_, address), (reason, _) in addresses.items():
            before = self.suppressed.get(address)
            if before is None or [*Suppression].index(reason) < [*Suppression].index(before):
                self.suppressed[address] = reason


TELLABLE = [
    (Status.SENT, None),
    (Status.DELIVERED, None),
    (Status.DELIVERED, Suppression.UNSUBSCRIBED),
    (Status.OPENED, None),
    (Status.CLICKED, None),
    (Status.FAILED, None),
    (Status.BOUNCED, Suppression.BOUNCED),
    (Status.COMPLAINED, Suppression.COMPLAINED),
]


@st.composite
def told(draw: st.DrawFn) -> list[Receipt]:
    chosen = draw(st.lists(st.tuples(st.sampled_from([*MESSAGES]), st.sampled_from(TELLABLE)), max_size=10))
    return [
        Receipt(
            provider="sendgrid",
            event_id=f"event-{number}",
            message_id=message_id,
            status=status,
            reason=None,
            occurred_at=NOON + timedelta(seconds=draw(st.integers(-60, 0))),
            suppression=suppression,
        )
        for number, (message_id, (status, suppression)) in enumerate(chosen)
    ]


async def taken(calls: Sequence[Sequence[Receipt]], status: Status) -> Kept:
    kept = Kept(status)
    taking = Taking(receipts=kept, transaction=kept.transaction, clock=MovableClock())
    for call in calls:
        await taking.take(call)
    return kept


@given(receipts=told(), data=st.data(), status=st.sampled_from([Status.QUEUED, Status.SENDING, Status.SENT]))
async def test_any_order_and_any_repetition_come_to_the_same(
    receipts: list[Receipt], data: st.DataObject, status: Status
) -> None:
    once = await taken([receipts], status)
    shuffled = data.draw(st.permutations([*receipts, *receipts]))
    cut = data.draw(st.integers(0, len(shuffled)))
    again = await taken([shuffled[:cut], shuffled[cut:]], status)
    assert again.messages == once.messages
    assert again.suppressed == once.suppressed
    assert again.receipts == once.receipts


async def test_what_is_about_nobodys_message_is_ignored() -> None:
    stray = Receipt(
        provider="sendgrid", event_id="1", message_id=new_id(), status=Status.BOUNCED, reason=None, occurred_at=NOON
    )
    kept = await taken([[stray]], Status.SENT)
    assert kept.receipts == set()
    assert kept.suppressed == {}


async def test_nothing_is_told_of_a_message_that_was_cancelled() -> None:
    message_id = next(iter(MESSAGES))
    receipt = Receipt(
        provider="sendgrid", event_id="1", message_id=message_id, status=Status.SENT, reason=None, occurred_at=NOON
    )
    kept = await taken([[receipt]], Status.CANCELLED)
    assert kept.messages[message_id].status is Status.CANCELLED


@pytest.mark.parametrize(("known", "suppressed"), [("ours@x.example", "ours@x.example"), (None, "told@x.example")])
async def test_where_a_message_went_is_what_we_know_or_else_what_is_told(known: str | None, suppressed: str) -> None:
    message_id = next(iter(MESSAGES))
    kept = Kept(Status.SENT)
    kept.messages[message_id] = kept.messages[message_id].model_copy(update={"address": known})
    bounced = Receipt(
        provider="ses",
        event_id="1",
        message_id=message_id,
        status=Status.BOUNCED,
        reason=None,
        occurred_at=NOON,
        suppression=Suppression.BOUNCED,
        address="told@x.example",
    )
    assert await Taking(receipts=kept, transaction=kept.transaction, clock=MovableClock()).take([bounced]) == 1
    assert kept.suppressed == {suppressed: Suppression.BOUNCED}
