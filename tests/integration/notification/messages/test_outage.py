"""A sender that is killed, and a database that knows nothing of what waits: nothing is lost, late or out of order."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, override

import pytest

from llmo_data.postgres import every
from notification.contents import SmsContent
from notification.delivery import sending
from notification.delivery.ports import Outcome, Outgoing
from notification.delivery.repository import DUE, IN_ORDER, MOST_LANES, circle
from notification.kinds.models import Channel
from notification.planning.backlog import PostgresBacklog
from tests.integration.notification.messages.post_office import PostOffice, Vendor, enough
from tests.integration.organizations import Org
from tests.integration.stores import Postgres, administrator

_A_ROUND = 10


class KilledAfterwards(Vendor):
    """A provider that takes what it is given; its sender dies before it hears so, the second time."""

    @override
    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        before = len(self.took)
        outcomes = await super().send(messages)
        if before:
            raise asyncio.CancelledError
        return outcomes


async def test_only_what_a_killed_sender_had_in_its_hands_comes_twice(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_IN_A_ROUND", _A_ROUND)
    recipients = [f"r{number}@example.com" for number in range(15)]
    for number in range(3):
        await office.plan(await office.ask(org.org_id, *recipients, variables={"n": number}))
        office.clock.advance(seconds=1)
    killed, following = KilledAfterwards(batch=1000), Vendor(batch=1000)

    with pytest.raises(asyncio.CancelledError):
        await office.send(killed)
    in_its_hands = [message.message_id for message in killed.took[_A_ROUND:]]
    await office.send(following)
    assert not {message.message_id for message in following.took} & {*in_its_hands}  # it may still be at work
    office.clock.advance(minutes=5)
    await office.send(following)

    took = [*killed.took, *following.took]
    times = Counter(message.message_id for message in took)
    assert len(times) == 45
    assert sorted(each for each, delivered in times.items() if delivered > 1) == sorted(in_its_hands)
    for recipient in recipients:
        numbers = [_number(message) for message in took if message.address == recipient]
        assert numbers == sorted(numbers)


async def test_what_is_at_risk_is_the_group_under_way_and_not_the_round(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_IN_A_GROUP", 5)
    monkeypatch.setattr(sending, "_GROUPS_AT_ONCE", 1)
    await office.plan(await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(20))))
    killed, following = KilledAfterwards(batch=1000), Vendor(batch=1000)

    with pytest.raises(asyncio.CancelledError):
        await office.send(killed)
    office.clock.advance(minutes=5)
    await office.send(following)

    times = Counter(message.message_id for message in (*killed.took, *following.took))
    assert len(times) == 20
    assert len([each for each in times.values() if each > 1]) <= 15
    first = {message.message_id for message in killed.took[:5]}
    assert not first & {message.message_id for message in following.took}


async def test_a_look_at_what_is_due_compares_no_message_with_all_others(
    office: PostOffice, org: Org, postgres: Postgres
) -> None:
    async with administrator(postgres.admin) as admin:
        await admin.execute("ANALYZE notification.messages")  # while nothing waits, which is all that it knows
    await office.plan(await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(1000))))

    async with office.database.transaction() as connection:
        await connection.execute(IN_ORDER)
        asked: dict[str, Any] = {
            "channel": Channel.EMAIL,
            "now": office.clock.now(),
            "besides": [],
            "limit": 50,
            "lanes": MOST_LANES,
            **circle(org.org_id),
        }
        [answer] = await every(connection, f"EXPLAIN (ANALYZE, FORMAT JSON) {DUE}", **asked)
    nodes = [*_nodes(answer["QUERY PLAN"][0]["Plan"])]

    assert max(_looked_at(node) for node in nodes) <= 50
    assert {node["Index Name"] for node in nodes if "Index Name" in node} == {"messages_due", "messages_in_order"}


async def test_how_long_the_oldest_waits_is_known(office: PostOffice, org: Org) -> None:
    backlog = PostgresBacklog(office.database)
    office.clock.advance(days=-3000)  # before anything of other tests
    await office.ask(org.org_id, "later@example.com")
    office.clock.advance(minutes=5)
    assert await backlog.waits(now=office.clock.now()) == timedelta(minutes=5)
    await office.planning().plan_due(enough)
    office.clock.advance(minutes=5)

    assert await backlog.waits(now=office.clock.now()) == timedelta(minutes=5)
    await office.send()

    assert await backlog.waits(now=office.clock.now()) == timedelta()


def _number(message: Outgoing) -> int:
    assert isinstance(message.content, SmsContent)
    return int(message.content.text.split()[1])


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for each in plan.get("Plans", []):
        yield from _nodes(each)


def _looked_at(node: Mapping[str, Any]) -> float:
    """How many rows a step of a plan read, in all its turns."""
    read: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return read * float(node["Actual Loops"])
