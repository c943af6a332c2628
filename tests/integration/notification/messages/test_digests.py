"""A digest says once what was gathered for it, at its time, and what is in it is not sent by itself."""

import asyncio
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import every
from notification.contents import InAppContent
from notification.digests import service
from notification.digests.models import DueDigest
from notification.digests.repository import DUE, PostgresDigests
from notification.digests.service import GAPS, Digesting, Render
from notification.kinds.models import Audience, Channel
from notification.planning.message_repository import PostgresMessages
from notification.planning.models import Notification, Planned, Recipient
from notification.planning.repository import PostgresNotifications
from notification.templates.models import Flaw, Rendered, RenderFacts, Unrenderable
from tests.integration.auth.announcements import BusDown
from tests.integration.notification.messages.post_office import PostOffice, enough
from tests.integration.organizations import MakeOrg, Org


async def said(facts: RenderFacts) -> Rendered:
    """What the inbox would say."""
    if "n" not in facts.variables:
        raise Unrenderable(Flaw("body", None, "there is no `n`"))
    content = InAppContent(title=f"{facts.kind} {facts.variables['n']}", body="text", url="/there")
    return Rendered(content=content, locale=facts.locale)


def digesting(office: PostOffice, render: Render = said) -> Digesting:
    """At the office's time."""
    outbox = Outbox(database=office.database, schema="notification", bus=BusDown, clock=office.clock, new_id=new_id)
    return Digesting(
        digests=PostgresDigests(office.database),
        notifications=PostgresNotifications(office.database),
        messages=PostgresMessages(office.database),
        render=render,
        organization_locale="en",
        events=outbox,
        transaction=office.database.transaction,
        clock=office.clock,
        new_id=new_id,
    )


@pytest.fixture
def at(office: PostOffice) -> datetime:
    """When everybody's digest goes."""
    moment = office.clock.now() + timedelta(hours=6)

    def gathered(_: Notification, recipient: Recipient, __: datetime) -> list[Planned]:
        return [Planned(channel=Channel.EMAIL, address=recipient.email, planned_for=moment, digest="daily@1")]

    office.routes.planned = gathered
    return moment


async def told(office: PostOffice, org: Org, **variables: Any) -> Notification:
    """Something that is gathered."""
    audience = Audience(user_ids=(org.user_id,))
    notification = await office.ask(org.org_id, audience=audience, variables=variables, category="budgets")
    await office.plan(notification)
    return notification


async def digests(office: PostOffice, org: Org) -> list[dict[str, Any]]:
    """The variables of an organization's digests."""
    async with office.database.transaction(org.org_id) as connection:
        found = await connection.execute(
            "SELECT variables FROM notification.notifications WHERE kind = 'digest' ORDER BY id"
        )
        return [row["variables"] for row in await found.fetchall()]


async def test_what_was_gathered_goes_in_one_mail_at_its_time(office: PostOffice, org: Org, at: datetime) -> None:
    gathered = [await told(office, org, n=number) for number in range(3)]
    assert await office.send() == 0
    assert await digesting(office).digest_due(enough) == 0
    office.clock.moment = at

    for _ in range(2):
        await digesting(office).digest_due(enough)
    await office.send()

    [variables] = await digests(office, org)
    assert (variables["count"], [item["title"] for item in variables["items"]]) == (
        3,
        ["message 0", "message 1", "message 2"],
    )
    assert [message.category for message in office.vendor.took] == ["budgets"]
    assert office.vendor.took[0].unsubscribe_url is not None
    assert [await office.statuses(each) for each in gathered] == [["digested"]] * 3


async def test_two_runs_at_once_make_one_digest(office: PostOffice, org: Org, at: datetime) -> None:
    await told(office, org, n=1)
    office.clock.moment = at

    await asyncio.gather(*(digesting(office).digest_due(enough) for _ in range(3)))

    assert len(await digests(office, org)) == 1


async def test_what_cannot_be_said_is_left_out_and_counted(office: PostOffice, org: Org, at: datetime) -> None:
    await told(office, org)
    await told(office, org, n=1)
    office.clock.moment = at

    await digesting(office).digest_due(enough)

    [variables] = await digests(office, org)
    assert (variables["count"], len(variables["items"])) == (2, 1)


async def test_of_what_is_only_counted_no_variables_are_read(office: PostOffice, org: Org, at: datetime) -> None:
    for number in range(3):
        await told(office, org, n=number)

    async with office.database.transaction(org.org_id):
        due = DueDigest(org.org_id, org.user_id, "daily@1")
        gathered = await PostgresDigests(office.database).gathered(due, shown=2)

    assert at > office.clock.now()
    assert [each.variables for each in gathered] == [{"n": 0}, {"n": 1}, {}]
    assert {each.address for each in gathered} == {f"{org.user_id.hex}@example.com"}


async def test_a_digest_that_fails_keeps_no_other_waiting_and_is_given_up(
    office: PostOffice, org: Org, make_org: MakeOrg, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_AT_ONCE", 1)
    broken = await told(office, org, n="broken")
    office.clock.moment = at
    other = await make_org()
    good = await told(office, other, n=1)

    async def failing(facts: RenderFacts) -> Rendered:
        if facts.variables["n"] == "broken":
            raise KeyError("n")
        return await said(facts)

    made = digesting(office, render=failing)
    assert await made.digest_due(enough) >= 1
    assert await office.statuses(good) == ["digested"]

    tries = 1
    while await office.statuses(broken) == ["queued"]:
        assert await made.digest_due(enough) == 0  # not at once again
        office.clock.advance(hours=6)
        await made.digest_due(enough)
        tries += 1
    assert tries == GAPS.most
    [message] = await office.messages(broken)
    assert (message["status"], message["reason"]) == ("failed", "No digest, KeyError: the log says more.")


async def test_what_is_not_due_yet_is_not_read(office: PostOffice, org: Org, at: datetime) -> None:
    for number in range(20):
        await told(office, org, n=number)

    asked = {"now": at - timedelta(seconds=1), "limit": 200, "most": 5000}
    async with office.database.transaction() as connection:
        await connection.execute("SELECT set_config('enable_seqscan', 'off', true)")
        [answer] = await every(connection, f"EXPLAIN (ANALYZE, FORMAT JSON) {DUE}", **asked)

    assert '"messages_digest"' in (plan := json.dumps(answer))
    assert re.search(r'"Rows Removed by Filter": [1-9]', plan) is None
