"""What every event bus promises, against EventBridge with SQS (moto) and against a real RabbitMQ."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from llmo_messaging.bus import PublishFailed
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.envelope import Envelope, Event
from tests.integration.messaging.backbones import Backbone, Subscription

NOW = datetime(2026, 8, 17, 12, 30, tzinfo=UTC)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int
    remark: str = "żółw 🐢"


class Lost(Event, name="llmo.tests.thing.lost"):
    number: int


def envelope(event: Event) -> Envelope:
    return Envelope.of(event, event_id=new_id(), org_id=new_id(), time=NOW, traceparent=TRACEPARENT)


def counted(count: int) -> list[Envelope]:
    return [envelope(Counted(number=number)) for number in range(count)]


class Kept:
    """A handler that keeps what it is given, or fails after it was given it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.envelopes: list[Envelope] = []
        self.fails = fails

    async def __call__(self, deliveries: Sequence[Delivery[Any]]) -> None:
        self.envelopes.extend(delivery.envelope for delivery in deliveries)
        if self.fails:
            raise RuntimeError("the store is down")

    @property
    def ids(self) -> Counter[UUID]:
        return Counter(envelope.id for envelope in self.envelopes)


async def drained(subscription: Subscription, event: type[Event]) -> Kept:
    kept = Kept()
    consumer = Consumer(Handler(event, kept))
    while await subscription.invoke(consumer):
        pass
    return kept


async def test_published_events_arrive_once_each_and_intact(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    published = counted(25)

    await backbone.bus.publish(published)

    kept = await drained(subscription, Counted)
    assert sorted(kept.envelopes, key=lambda envelope: int(envelope.data["number"])) == published


async def test_events_arrive_only_where_their_type_is_subscribed(backbone: Backbone) -> None:
    of_counted = await backbone.subscribe(Counted.event_type)
    of_lost = await backbone.subscribe(Lost.event_type)
    of_both = await backbone.subscribe(Counted.event_type, Lost.event_type)
    one, other = envelope(Counted(number=1)), envelope(Lost(number=2))

    await backbone.bus.publish([one, other])

    assert (await drained(of_counted, Counted)).envelopes == [one]
    assert (await drained(of_lost, Lost)).envelopes == [other]
    both = Kept()
    while await of_both.invoke(Consumer(Handler(Lost, both))):  # what is not the consumer's is acknowledged
        pass
    assert both.envelopes == [other]


async def test_an_event_that_nobody_subscribed_is_taken_and_reaches_nobody(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    known = envelope(Counted(number=1))

    await backbone.bus.publish([envelope(Lost(number=1))])
    await backbone.bus.publish([known])

    kept = Kept()
    assert await subscription.invoke(Consumer(Handler(Counted, kept))) == 1
    assert kept.envelopes == [known]


async def test_publishing_nothing_does_nothing(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)

    await backbone.bus.publish([])

    assert (await drained(subscription, Counted)).envelopes == []


async def test_200_publishers_at_once_lose_and_double_nothing(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    published = counted(200)

    await asyncio.gather(*(backbone.bus.publish([event]) for event in published))

    kept = await drained(subscription, Counted)
    assert kept.ids == Counter(event.id for event in published)


async def test_an_event_whose_handling_failed_is_delivered_again(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    event = envelope(Counted(number=1))
    await backbone.bus.publish([event])

    await subscription.invoke(Consumer(Handler(Counted, Kept(fails=True))))

    assert (await drained(subscription, Counted)).envelopes == [event]


async def test_an_event_whose_handling_always_fails_ends_in_the_dead_letter_queue_intact(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    event = envelope(Counted(number=1))
    await backbone.bus.publish([event])
    failing = Kept(fails=True)

    while await subscription.invoke(Consumer(Handler(Counted, failing))):
        pass

    assert len(failing.envelopes) == backbone.deliveries
    assert [Envelope.model_validate(dead.envelope) for dead in await subscription.dead_letters(1)] == [event]


async def test_a_message_that_can_never_be_read_is_a_dead_letter_at_once_and_holds_nothing_up(
    backbone: Backbone,
) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    good = envelope(Counted(number=1))
    bad = json.dumps({**json.loads(good.to_json()), "id": "no uuid", "data": {"number": 1}})
    await backbone.publish_text(Counted.event_type, bad)
    await backbone.bus.publish([good])

    kept = Kept()
    consumer = Consumer(Handler(Counted, kept), dead_letters=lambda: subscription.graveyard)
    while await subscription.invoke(consumer):
        pass

    assert kept.envelopes == [good]
    (dead,) = await subscription.dead_letters(1)
    assert dead.envelope == json.loads(bad)
    assert dead.reason is not None
    assert dead.reason.startswith("id: Input should be a valid UUID")


async def test_an_event_that_no_message_can_hold_arrives_whole(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    large, small = envelope(Counted(number=1, remark="🐢" * 300_000)), envelope(Counted(number=2))
    await backbone.bus.publish([large, small])

    events: dict[int, Counted] = {}

    async def keep(deliveries: Sequence[Delivery[Counted]]) -> None:
        events.update({delivery.event.number: delivery.event for delivery in deliveries})

    consumer = Consumer(Handler(Counted, keep), claims=lambda: backbone.claims)
    while await subscription.invoke(consumer):
        pass

    assert events == {1: Counted(number=1, remark="🐢" * 300_000), 2: Counted(number=2)}


async def test_a_bus_that_is_down_refuses(backbone: Backbone) -> None:
    backbone.proxy.go_down()

    with pytest.raises(PublishFailed, match="2 of 2 events"):
        await backbone.bus.publish(counted(2))


async def test_a_bus_that_goes_down_refuses(backbone: Backbone) -> None:
    await backbone.bus.publish(counted(1))
    backbone.proxy.go_down()

    with pytest.raises(PublishFailed):
        await backbone.bus.publish(counted(1))


async def test_after_a_lost_connection_publishing_goes_on(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    published = counted(2)
    await backbone.bus.publish(published[:1])

    backbone.proxy.cut()
    await backbone.bus.publish(published[1:])

    assert set((await drained(subscription, Counted)).ids) == {event.id for event in published}
    assert backbone.proxy.cut_connections


async def test_with_connections_cut_under_load_every_publish_that_returned_is_delivered(backbone: Backbone) -> None:
    subscription = await backbone.subscribe(Counted.event_type)
    returned: set[UUID] = set()
    refused: set[UUID] = set()

    async def publish(event: Envelope) -> None:
        try:
            await backbone.bus.publish([event])
        except PublishFailed:
            refused.add(event.id)
        else:
            returned.add(event.id)
            if len(returned) in {30, 90, 180}:
                backbone.proxy.cut()

    published = counted(300)
    await asyncio.gather(*(publish(event) for event in published))

    kept = await drained(subscription, Counted)
    assert backbone.proxy.cut_connections
    assert len(returned) + len(refused) == 300
    assert len(returned) >= 180
    assert returned <= set(kept.ids)
    assert set(kept.ids) <= {event.id for event in published}
