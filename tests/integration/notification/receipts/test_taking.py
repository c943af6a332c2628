"""What providers tell, over a real database."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from llmo_data.postgres import Database, every
from notification.address_hashes import address_hash
from notification.models import Status
from notification.receipts.models import Receipt, Suppression
from notification.receipts.repository import PostgresReceipts
from notification.receipts.service import Taking
from tests.integration.notification.messages.post_office import PostOffice, Vendor
from tests.integration.notification.receipts.sent import message, now
from tests.integration.organizations import MakeOrg, Org

PEPPER = b"pepper of receipts"


def taking(office: PostOffice) -> Taking:
    return Taking(
        receipts=PostgresReceipts(office.database, PEPPER), transaction=office.database.transaction, clock=office.clock
    )


def told(
    office: PostOffice, message_id: UUID, status: Status, suppression: Suppression | None = None, **changed: Any
) -> Receipt:
    fields: dict[str, Any] = {
        "provider": "sendgrid",
        "event_id": str(new_id()),
        "message_id": message_id,
        "status": status,
        "reason": None,
        "occurred_at": office.clock.now(),
        "suppression": suppression,
    }
    return Receipt(**(fields | changed))


async def receipts(office: PostOffice, made: dict[str, Any]) -> list[dict[str, Any]]:
    statement = "SELECT * FROM notification.receipts WHERE message_id = %(id)s"
    async with office.database.transaction(made["org_id"]) as connection:
        return await every(connection, statement, id=made["id"])


async def suppressed(database: Database, made: dict[str, Any]) -> str | None:
    hashed = address_hash(made["address"], PEPPER)
    statement = "SELECT reason FROM notification.suppressions WHERE address_hash = %(hashed)s"
    async with database.transaction() as connection:
        rows = await every(connection, statement, hashed=hashed)
    return rows[0]["reason"] if rows else None


async def test_statuses_move_forward_whatever_comes_last(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    for status in (Status.OPENED, Status.DELIVERED, Status.SENT):
        assert await taking(office).take([told(office, made["id"], status)]) == 1
    assert (await now(office, made))["status"] == "opened"
    assert len(await receipts(office, made)) == 3


async def test_what_is_told_again_is_no_news(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    bounced = told(office, made["id"], Status.BOUNCED, Suppression.BOUNCED)
    assert await taking(office).take([bounced, bounced]) == 1
    assert await taking(office).take([bounced]) == 0
    assert len(await receipts(office, made)) == 1


async def test_a_message_whose_sender_died_is_not_sent_again_when_its_provider_tells_of_it(
    office: PostOffice, org: Org
) -> None:
    made = await message(office, org.org_id, sent=False)
    statement = "UPDATE notification.messages SET status = 'sending', leased_until = %(until)s WHERE id = %(id)s"
    async with office.database.transaction(org.org_id) as connection:
        await connection.execute(statement, {"until": office.clock.now(), "id": made["id"]})
    await taking(office).take([told(office, made["id"], Status.SENT, provider_id="X-1")])
    vendor = Vendor()
    await office.send(vendor)
    assert made["address"] not in vendor.addresses
    kept = await now(office, made)
    assert (kept["status"], kept["provider"], kept["provider_id"]) == ("sent", "sendgrid", "X-1")
    assert kept["sent_at"] == office.clock.now()
    assert kept["leased_until"] is None


async def test_organizations_and_people_in_none_are_told_of_in_one_call(office: PostOffice, make_org: MakeOrg) -> None:
    mades = [await message(office, org_id) for org_id in ((await make_org()).org_id, (await make_org()).org_id, None)]
    assert await taking(office).take([told(office, made["id"], Status.DELIVERED) for made in mades]) == 3
    for made in mades:
        assert (await now(office, made))["status"] == "delivered"
        assert [each["org_id"] for each in await receipts(office, made)] == [made["org_id"]]


async def test_messages_that_nobody_has_are_ignored(office: PostOffice, org: Org) -> None:
    made = await message(office, org.org_id)
    stray = told(office, new_id(), Status.BOUNCED, Suppression.BOUNCED)
    assert await taking(office).take([stray, told(office, made["id"], Status.DELIVERED)]) == 1


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (Suppression.UNSUBSCRIBED, Suppression.COMPLAINED, "complained"),
        (Suppression.COMPLAINED, Suppression.UNSUBSCRIBED, "complained"),
        (Suppression.COMPLAINED, Suppression.BOUNCED, "bounced"),
        (Suppression.BOUNCED, Suppression.COMPLAINED, "bounced"),
    ],
)
async def test_an_address_is_kept_as_a_hash_with_the_worst_that_was_told(
    office: PostOffice, org: Org, first: Suppression, second: Suppression, kept: str
) -> None:
    made = await message(office, org.org_id)
    for suppression in (first, second):
        await taking(office).take([told(office, made["id"], Status.DELIVERED, suppression)])
    assert await suppressed(office.database, made) == kept


async def test_what_is_told_at_once_by_many_is_kept_once(office: PostOffice, make_org: MakeOrg) -> None:
    mades = [await message(office, (await make_org()).org_id) for _ in range(4)]
    everything = [
        told(office, made["id"], status, suppression)
        for made in mades
        for status, suppression in ((Status.DELIVERED, None), (Status.COMPLAINED, Suppression.COMPLAINED))
    ]
    taken = await asyncio.gather(
        *(taking(office).take(everything if number % 2 else everything[::-1]) for number in range(4))
    )
    assert sum(taken) == len(everything)
    for made in mades:
        assert (await now(office, made))["status"] == "complained"


async def test_one_organization_is_never_told_of_anothers_message(office: PostOffice, make_org: MakeOrg) -> None:
    made = await message(office, (await make_org()).org_id)
    await taking(office).take([told(office, made["id"], Status.DELIVERED)])
    async with office.database.transaction((await make_org()).org_id) as connection:
        assert await every(connection, "SELECT * FROM notification.receipts") == []
