"""Notifications over HTTP: scheduled, cancelled, looked up, sent again and forgotten; each tenant its own."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from llmo_data.postgres import insert
from notification.kinds.models import Channel
from notification.planning import recipients
from notification.planning.models import Planned, Waiting
from notification.requests import service as requesting
from tests.integration.api_caller import problem
from tests.integration.notification.calling import READER, Caller, Service
from tests.integration.notification.messages.post_office import PostOffice, enough
from tests.integration.organizations import MakeOrg, Org

pytestmark = pytest.mark.usefixtures("service")
TO_OWNER = {"roles": ["owner"]}
HELLO = {"title": "Hello", "text": "There."}


async def planned(office: PostOffice, caller: Caller, notification: dict[str, Any]) -> None:
    """Plan what was asked for."""
    office.clock.moment = office.clock.moment.now(office.clock.moment.tzinfo) + timedelta(seconds=1)
    assert await office.planning().plan([Waiting(caller.org.org_id, UUID(notification["id"]))], enough) == 1


async def test_what_is_asked_for_is_planned_sent_and_shown(caller: Caller, office: PostOffice) -> None:
    taken = await caller.sent()
    assert (taken["status"], taken["priority"], taken["channels"]) == ("planning", "normal", ["email", "in_app"])
    await planned(office, caller, taken)
    await office.send()

    shown = (await caller("GET", f"notifications/{taken['id']}")).json()
    assert (shown["status"], shown["recipients"], shown["messages"]) == ("planned", 1, {"sent": 1})
    [message] = (await caller("GET", f"notifications/messages?notification_id={taken['id']}")).json()["data"]
    assert (message["status"], message["provider"]) == ("sent", "vendor")
    whole = (await caller("GET", f"notifications/messages/{message['id']}")).json()
    assert [attempt["outcome"] for attempt in whole["attempt_log"]] == ["sent"]
    assert (await caller("GET", "notifications")).json()["data"][0]["id"] == taken["id"]


async def test_the_same_key_is_sent_once_and_the_same_idempotency_key_answered_twice(caller: Caller) -> None:
    first, again = [await caller.sent(key="launch") for _ in range(2)]
    assert first["id"] == again["id"]

    headers = {"Idempotency-Key": "k"}
    body = {"to": TO_OWNER, "variables": HELLO}
    answers = [await caller("POST", "notifications", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["x-llmo-idempotent-replay"] == "true"


async def test_a_batch_is_taken_whole_or_not_at_all(caller: Caller) -> None:
    good = {"to": TO_OWNER, "variables": HELLO}
    bad = {**good, "kind": "verify_email", "variables": {}}
    assert problem(await caller("POST", "notifications/batch", json={"notifications": [good, bad]}))[0] == 400
    assert (await caller("GET", "notifications")).json()["data"] == []

    answer = await caller("POST", "notifications/batch", json={"notifications": [good, good]})
    assert (answer.status_code, len(answer.json()["data"])) == (202, 2)


async def test_what_goes_to_many_goes_last_however_it_says_so(
    caller: Caller, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requesting, "MANY", 3)
    few = {"to": {"user_ids": [str(new_id()) for _ in range(3)]}, "variables": HELLO}
    one = {"to": TO_OWNER, "variables": HELLO}
    assert [(await caller.sent(**each))["priority"] for each in (few, one)] == ["normal", "normal"]

    batch = await caller("POST", "notifications/batch", json={"notifications": [few, one]})
    assert [each["priority"] for each in batch.json()["data"]] == ["bulk", "bulk"]

    await more_owners(make_org, caller.org, 3)
    assert (await caller.sent(to=TO_OWNER))["priority"] == "bulk"
    assert (await caller.sent(to={"topic": "releases"}))["priority"] == "bulk"


async def more_owners(make_org: MakeOrg, org: Org, number: int) -> None:
    """Let others own an organization, too."""
    for _ in range(number):
        other = await make_org()
        membership = {"org_id": org.org_id, "user_id": other.user_id, "role": "owner"}
        await make_org.connection.execute(*insert("auth.memberships", membership))


async def test_what_is_scheduled_can_be_cancelled_until_it_is_sent(caller: Caller, office: PostOffice) -> None:
    later = await caller.sent(send_at="2026-12-24T08:00:00Z")
    assert later["status"] == "scheduled"
    for _ in range(2):
        cancelled = await caller("POST", f"notifications/{later['id']}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    office.clock.set(2026, 12, 25)
    assert await office.planning().plan([Waiting(caller.org.org_id, UUID(later["id"]))], enough) == 0

    now = await caller.sent()
    await planned(office, caller, now)
    await office.send()
    assert problem(await caller("POST", f"notifications/{now['id']}/cancel")) == (409, "already_sent")


async def test_cancelling_takes_back_what_still_waits(caller: Caller, office: PostOffice) -> None:
    taken = await caller.sent()
    await planned(office, caller, taken)

    answer = await caller("POST", f"notifications/{taken['id']}/cancel")
    await office.send()

    assert answer.json()["messages"] == {"cancelled": 1}
    assert office.vendor.took == []


async def test_a_message_is_sent_again(caller: Caller, office: PostOffice) -> None:
    taken = await caller.sent()
    await planned(office, caller, taken)
    [message] = (await caller("GET", f"notifications/messages?notification_id={taken['id']}")).json()["data"]
    path = f"notifications/messages/{message['id']}/resend"
    assert problem(await caller("POST", path)) == (409, "not_resendable")
    await office.send()

    assert (await caller("POST", path)).json()["status"] == "queued"
    office.clock.advance(seconds=5)
    await office.send()

    assert len(office.vendor.took) == 2
    whole = (await caller("GET", f"notifications/messages/{message['id']}")).json()
    assert [attempt["number"] for attempt in whole["attempt_log"]] == [1, 2]


async def test_what_is_known_of_somebody_is_forgotten(caller: Caller, office: PostOffice) -> None:
    taken = await caller.sent()
    await planned(office, caller, taken)

    answer = await caller("POST", "notifications/erasures", json={"user_id": str(caller.org.user_id)})
    await office.send()

    assert answer.json() == {"messages": 1}
    assert office.vendor.took == []
    [message] = (await caller("GET", f"notifications/messages?notification_id={taken['id']}")).json()["data"]
    assert (message["address"], message["status"]) == (None, "cancelled")
    async with office.database.transaction(caller.org.org_id) as connection:
        found = await connection.execute("SELECT variables, audience FROM notification.notifications")
        assert await found.fetchall() == [{"variables": {"_forgotten": True}, "audience": {}}]


async def test_of_an_address_without_an_account_nothing_is_left(
    caller: Caller, service: Service, office: PostOffice
) -> None:
    service.operator_id = caller.org.org_id
    taken = await caller.sent(to={"emails": ["Grace@example.com"]})
    await planned(office, caller, taken)

    answer = await caller("POST", "notifications/erasures", json={"address": "grace@EXAMPLE.com"})

    assert answer.json() == {"messages": 1}
    async with office.database.transaction(caller.org.org_id) as connection:
        found = await connection.execute("SELECT messages::text AS said FROM notification.messages")
        [row] = await found.fetchall()
    assert "grace" not in row["said"].lower()


async def test_messages_are_found_by_whom_they_went_to(caller: Caller, office: PostOffice) -> None:
    taken = await caller.sent()
    await planned(office, caller, taken)
    mail = f"{caller.org.user_id.hex}@example.com"

    for query in (f"user_id={caller.org.user_id}", f"address={mail.upper()}", "channel=email&status=queued"):
        assert len((await caller("GET", f"notifications/messages?{query}")).json()["data"]) == 1
    for query in (f"user_id={new_id()}", "address=x@example.com", "channel=sms", "status=sent", "kind=digest"):
        assert (await caller("GET", f"notifications/messages?{query}")).json()["data"] == []


async def test_only_the_operator_writes_to_people_without_an_account(caller: Caller, service: Service) -> None:
    body = {"to": {"emails": ["x@example.com"], "phones": ["+4930123456"]}, "variables": HELLO}
    assert problem(await caller("POST", "notifications", json=body)) == (403, "outsiders_not_allowed")

    service.operator_id = caller.org.org_id
    assert (await caller("POST", "notifications", json=body)).status_code == 202
    body["to"] = {"phones": ["+33142685300"]}
    assert problem(await caller("POST", "notifications", json=body)) == (400, "country_not_allowed")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"kind": "verify_email", "variables": {}}, 400),
        ({"kind": "nothing", "variables": {}}, 404),
        ({"category": "security"}, 400),
        ({"category": "nonsense"}, 422),
        ({"send_at": "2020-01-01T00:00:00Z"}, 400),
        ({"send_at": "2036-01-01T00:00:00Z"}, 400),
        ({"send_at": 1}, 422),
        ({"to": {}}, 422),
        ({"to": {"topic": "x", "roles": ["owner"]}}, 422),
        ({"to": {"emails": ["nonsense"]}}, 422),
        ({"to": {"emails": ["a@example.com\r\nBcc: b@example.com"]}}, 422),
        ({"to": {"phones": ["123"]}}, 422),
        ({"to": {"phones": ["+1 415 555 2671"]}}, 422),
        ({"to": {"user_ids": [str(new_id())] * 10_001}}, 422),
        ({"variables": {}}, 422),
        ({"variables": {"title": "", "text": "x"}}, 422),
        ({"variables": {"title": "x", "text": "y", "url": "javascript:alert(1)"}}, 422),
        ({"variables": {"title": "x", "text": "y", "surplus": 1}}, 422),
        ({"variables": {"title": "x", "text": "a\x00b"}}, 422),
        ({"kind": "custom.x", "variables": {"_forgotten": True}}, 422),
        ({"kind": "custom.x", "variables": {"big": "x" * 70_000}}, 422),
        ({"channels": []}, 422),
        ({"channels": ["pigeon"]}, 422),
        ({"key": ""}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused(caller: Caller, changed: dict[str, Any], status: int) -> None:
    body = {"to": TO_OWNER, "variables": HELLO} | changed
    assert problem(await caller("POST", "notifications", json=body))[0] == status


async def test_a_hundred_thousand_recipients_are_told_how_many_may_be_listed(caller: Caller) -> None:
    body = {"to": {"user_ids": [str(new_id())] * 100_000}, "variables": HELLO}
    answer = await caller("POST", "notifications", json=body)
    assert answer.status_code == 422
    assert "10000" in answer.text


async def test_organizations_see_nothing_of_each_other(caller: Caller, stranger: Caller, office: PostOffice) -> None:
    taken = await caller.sent()
    await planned(office, caller, taken)
    await office.send()
    [message] = (await caller("GET", f"notifications/messages?notification_id={taken['id']}")).json()["data"]

    for method, path, kind in (
        ("GET", f"notifications/{taken['id']}", "unknown_notification"),
        ("POST", f"notifications/{taken['id']}/cancel", "unknown_notification"),
        ("GET", f"notifications/messages/{message['id']}", "unknown_message"),
        ("POST", f"notifications/messages/{message['id']}/resend", "unknown_message"),
    ):
        assert problem(await stranger(method, path)) == (404, kind)
    for path in ("notifications", "notifications/messages"):
        assert (await stranger("GET", path)).json()["data"] == []
    erased = await stranger("POST", "notifications/erasures", json={"user_id": str(caller.org.user_id)})
    assert erased.json() == {"messages": 0}


async def test_reading_takes_another_permission_than_sending(caller: Caller) -> None:
    reader, nobody = Caller(caller.org, permissions=READER), Caller(caller.org, permissions=frozenset())
    body = {"to": TO_OWNER, "variables": HELLO}

    assert (await reader("GET", "notifications")).status_code == 200
    assert problem(await reader("POST", "notifications", json=body)) == (403, "missing_permission")
    erasure = {"address": "a@example.com"}
    assert problem(await reader("POST", "notifications/erasures", json=erasure)) == (403, "missing_permission")
    assert problem(await nobody("GET", "notifications")) == (403, "missing_permission")
    assert problem(await nobody("GET", "notifications/messages")) == (403, "missing_permission")


async def test_colleagues_see_no_phone_number_and_nothing_of_devices(caller: Caller, office: PostOffice) -> None:
    office.routes.planned = lambda _, __, now: [
        Planned(channel=Channel.SMS, address="+14155552671", planned_for=now + timedelta(days=1)),
        Planned(
            channel=Channel.PUSH, address='{"kind": "fcm", "token": "secret"}', planned_for=now + timedelta(days=1)
        ),
    ]
    taken = await caller.sent()
    await planned(office, caller, taken)

    answer = await caller("GET", f"notifications/messages?notification_id={taken['id']}")

    assert {each["channel"]: each["address"] for each in answer.json()["data"]} == {"sms": "…2671", "push": None}
    one = await caller("GET", f"notifications/messages/{answer.json()['data'][0]['id']}")
    assert "secret" not in one.text
    assert "+1415" not in one.text


async def test_who_was_erased_is_not_written_to_later(caller: Caller, service: Service, office: PostOffice) -> None:
    service.operator_id = caller.org.org_id
    listed = {"emails": ["gone@example.com", "stays@example.com"], "user_ids": [str(caller.org.user_id)]}
    later = await caller.sent(to=listed, send_at="2026-12-24T08:00:00Z")

    for body in ({"address": "GONE@example.com"}, {"user_id": str(caller.org.user_id)}):
        assert (await caller("POST", "notifications/erasures", json=body)).json() == {"messages": 0}
    office.clock.set(2026, 12, 25)
    await office.planning().plan([Waiting(caller.org.org_id, UUID(later["id"]))], enough)

    found = (await caller("GET", f"notifications/messages?notification_id={later['id']}")).json()["data"]
    assert [each["address"] for each in found] == ["stays@example.com"]


async def test_who_was_erased_while_it_is_planned_is_not_told_again(
    caller: Caller, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 1)
    taken = await caller.sent(to={"user_ids": [str(caller.org.user_id)], "roles": ["owner"]})
    office.clock.set(2030, 1, 1)
    spent = iter([timedelta(1), timedelta()])
    waiting = [Waiting(caller.org.org_id, UUID(taken["id"]))]
    assert await office.planning().plan(waiting, spent.__next__) == 0

    await caller("POST", "notifications/erasures", json={"user_id": str(caller.org.user_id)})
    assert await office.planning().plan(waiting, enough) == 1

    found = (await caller("GET", f"notifications/messages?notification_id={taken['id']}")).json()["data"]
    assert [(each["channel"], each["address"]) for each in found] == [("email", None)]
