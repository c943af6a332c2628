"""What is left of people who have left."""

from uuid import UUID

from notification.contacts.repository import PostgresDevices, PostgresPhones
from notification.leaving.repository import PostgresDepartures
from notification.leaving.service import Leaving
from notification.planning.people import PostgresPeople
from notification.preferences.models import Choices
from tests.integration.notification.people.calling import Own, Somebody, program
from tests.integration.notification.people.test_contacts import asked, phone, shown
from tests.integration.notification.people.test_inbox import listed, put
from tests.integration.notification.people.test_topics import MAINTENANCE
from tests.integration.organizations import MakeOrg, Org


def leaving(own: Own) -> Leaving:
    return Leaving(
        preferences=own.preferences,
        phones=PostgresPhones(own.database),
        devices=PostgresDevices(own.database),
        inbox=own.inbox,
        topics=own.topics,
        messages=PostgresDepartures(own.database),
        people=PostgresPeople(own.database, own.topics),
        transaction=own.database.transaction,
        clock=own.clock,
    )


async def settled(own: Own, ada: Somebody, *organizations: UUID) -> None:
    """Ada has chosen something, is reached, subscribed, and was told something."""
    await ada("PUT", "/preferences", json={"locale": "de"})
    await asked(ada)
    await shown(ada, own.codes[-1][1])
    await ada.made("contacts/devices", **phone(ada.user_id.hex))
    for org_id in (*organizations, None):
        await put(own, org_id, ada.user_id)


async def test_a_former_member_leaves_nothing_in_the_organization_and_keeps_what_is_their_own(
    own: Own, ada: Somebody, org: Org, make_org: MakeOrg
) -> None:
    other = await make_org()
    await settled(own, ada, org.org_id, other.org_id)
    await program(org).made("topics", **MAINTENANCE)
    await ada("PUT", "/topics/maintenance/subscription")
    await make_org.owner_leaves(org)
    for _ in range(2):
        await leaving(own).member_removed(org.org_id, ada.user_id)

    assert len(await listed(ada)) == 1  # about herself
    assert len(await listed(Somebody(other, user_id=ada.user_id))) == 2
    assert await own.topics.subscribers(org.org_id, "maintenance", after=None, limit=10) == []
    assert (await own.preferences.choices_of([ada.user_id]))[ada.user_id] == Choices(locale="de")
    assert ada.user_id in await own.contacts.reachable([ada.user_id])


async def test_of_a_deleted_account_nothing_is_left_that_is_a_persons_own(own: Own, ada: Somebody, org: Org) -> None:
    grace = Somebody(user_id=UUID(int=ada.user_id.int ^ 1))
    await settled(own, ada)
    own.clock.forward(minutes=2)
    await settled(own, grace)
    for _ in range(2):
        await leaving(own).account_deleted(ada.user_id, "ada@example.com")

    people = [ada.user_id, grace.user_id]
    assert await listed(Somebody(org, user_id=ada.user_id)) == []
    assert (await own.contacts.reachable(people)).keys() == {grace.user_id}
    chosen = await own.preferences.choices_of(people)
    assert (chosen[ada.user_id], chosen[grace.user_id]) == (Choices(), Choices(locale="de"))
    assert len(await listed(grace)) == 1
