"""Who pays in advance: what the gateway is told follows from credit, usage and invoices, in one snapshot."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.accounts.repository import PostgresAccounts
from billing.api import app
from billing.invoices.drafting import DraftingService
from billing.invoices.rating import Rating
from billing.invoices.repository import PostgresClaims, PostgresInvoices
from billing.invoices.schedule_repository import PostgresSchedule
from billing.ledger.bookings import promoted, reclaimed, topped_up
from billing.models import Operator
from billing.prepaid import wiring
from billing.prepaid.debts import KnownDebts
from billing.prepaid.repository import PostgresDrafts, PostgresPrepaid
from billing.prepaid.service import PrepaidLimits, PrepaidService
from billing.wallets.credits import Credits
from billing.wallets.models import Source
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import every
from tests.integration.api_caller import problem
from tests.integration.auth.announcements import BusDown
from tests.integration.billing.calling import COST, Caller, Catalogue, Json, usage
from tests.integration.billing.credit.bank import USD, Bank
from tests.integration.billing.subscribing import Subscribing, did, offered, subscribed
from tests.integration.billing.using import Using, call
from tests.integration.organizations import MakeOrg

NOVEMBER_10 = datetime(2026, 11, 10, 12, tzinfo=UTC)
A_FIFTH_ON_TOP: Json = {"kind": "pass_through", "markup_percent": "20"}


class Prepaying:
    """Organizations that pay in advance, over a real database, at moments that the test chooses."""

    def __init__(self, subscribing: Subscribing, using: Using) -> None:
        self.clock = subscribing.clock
        self.using = using
        self.database = database = using.database
        self.events = Outbox(database=database, schema="billing", bus=BusDown, clock=self.clock, new_id=new_id)
        self.bank = Bank(database, using.operator_id, self.clock)
        drafting = DraftingService(
            subscriptions=subscribing.kept,
            rating=Rating(
                accounts=PostgresAccounts(database),
                counted=using.counted(),
                claimed=PostgresClaims(database),
                grace=timedelta(),
            ),
            invoices=PostgresInvoices(database),
            claimed=PostgresClaims(database),
            schedule=PostgresSchedule(database),
            events=self.events,
            transaction=database.transaction,
            clock=self.clock,
            new_id=new_id,
        )
        self.drafting = drafting
        debts = KnownDebts(
            subscriptions=subscribing.kept,
            accounts=PostgresAccounts(database),
            drafting=drafting,
            drafts=PostgresDrafts(database),
        )
        self.limits = PrepaidLimits(
            organizations=PostgresPrepaid(database),
            debts=debts,
            wallets=self.bank.wallets,
            events=self.events,
            transaction=database.transaction,
            clock=self.clock,
        )
        self.bank.credits = Credits(
            wallets=self.bank.wallets,
            grants=self.bank.grants,
            ledger=self.bank.ledger,
            events=self.events,
            transaction=database.transaction,
            clock=self.clock,
            new_id=new_id,
            told=[self.limits.refresh],
        )

    async def service(self) -> PrepaidService:
        return PrepaidService(
            organizations=PostgresPrepaid(self.database),
            limits=self.limits,
            operator=Operator(self.using.operator_id),
        )

    async def give(self, org_id: UUID, cents: int) -> None:
        await self.bank.given(org_id, cents, promoted(new_id(), cents, USD))

    async def used(self, org_id: UUID, *costs: str, at: datetime | None = None) -> None:
        moment = at or self.clock.now()
        self.using.clock.moment = moment
        made = [call(org_id, started_at=moment.isoformat(), cost_usd=cost) for cost in costs]
        assert await self.using.record(*made) == []

    async def told(self, caller: Caller, catalogue: Catalogue) -> list[tuple[int, str | None]]:
        """The limits that were announced."""
        found = [
            each.data
            for each in await catalogue.announced(caller.org.org_id)
            if each.type == "llmo.billing.prepaid_limit.changed"
        ]
        return [(each["revision"], each["limit_usd"]) for each in found]


@pytest.fixture
def prepaying(subscribing: Subscribing, using: Using, monkeypatch: pytest.MonkeyPatch) -> Prepaying:
    subscribing.clock.moment = NOVEMBER_10
    made = Prepaying(subscribing, using)
    monkeypatch.setitem(app.dependency_overrides, wiring.prepaid_service, made.service)
    return made


async def decide(operator: Caller, whose: Caller, *, pays_in_advance: bool = True) -> Any:
    path = f"accounts/{whose.org.org_id}/prepaid"
    return await operator("PUT", path, json={"pays_in_advance": pays_in_advance})


async def passing_on(operator: Caller, customer: Caller, **others: Any) -> None:
    """The customer pays a dollar a month, and a fifth more than calls cost."""
    await operator.meter(**COST)
    await subscribed(customer, await offered(operator, "team", "1", usage(A_FIFTH_ON_TOP, "cost"), **others))


async def test_the_limit_follows_credit_usage_and_invoices(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue
) -> None:
    org_id = customer.org.org_id
    await passing_on(operator, customer)
    await prepaying.give(org_id, 1301)  # a dollar is owed already, and a cent may be for rounding
    await prepaying.used(org_id, "0.5")  # before it begins: 60 cents
    decided = await decide(operator, customer)
    assert decided.status_code == 200
    shown = decided.json()
    assert (shown["since"], shown["limit_usd"], shown["revision"]) == ("2026-11-10T12:01:00Z", "9.5", 2)
    assert await prepaying.told(customer, catalogue) == [(1, "9.5")]

    prepaying.clock.moment = NOVEMBER_10 + timedelta(hours=1)
    await prepaying.used(org_id, "2", "1")
    await prepaying.limits.refresh(org_id)
    assert await prepaying.told(customer, catalogue) == [(1, "9.5")]  # what is used is owed

    await prepaying.give(org_id, 120)
    assert (await prepaying.told(customer, catalogue))[1:] == [(2, "10.5")]

    await prepaying.used(org_id, "0.25", at=NOVEMBER_10)  # came late: from before it began
    await prepaying.limits.refresh(org_id)
    assert (await prepaying.told(customer, catalogue))[2:] == [(3, "10.25")]

    off = await decide(operator, customer, pays_in_advance=False)
    assert (off.json()["since"], off.json()["limit_usd"], off.json()["revision"]) == (None, None, 3)
    assert (await prepaying.told(customer, catalogue))[3:] == [(4, None)]
    await prepaying.give(org_id, 100)
    assert len(await prepaying.told(customer, catalogue)) == 4


async def test_what_an_ended_subscription_left_is_owed_until_it_is_invoiced(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue
) -> None:
    org_id = customer.org.org_id
    await operator.meter(**COST)
    plan = await offered(operator, "team", "1", usage(A_FIFTH_ON_TOP, "cost"))
    first = await subscribed(customer, plan)
    await prepaying.give(org_id, 1301)
    await decide(operator, customer)
    assert await prepaying.told(customer, catalogue) == [(1, "10")]
    prepaying.clock.moment = NOVEMBER_10 + timedelta(hours=1)
    await prepaying.used(org_id, "5")
    prepaying.clock.moment += timedelta(minutes=1)
    await did(customer, first, "cancel", when="now")
    await subscribed(customer, plan)

    await prepaying.limits.refresh(org_id)

    _, limit = (await prepaying.told(customer, catalogue))[-1]
    assert Decimal(limit or 0).quantize(Decimal("0.01")) == Decimal("10.79")  # not 15.83: the 5 are not spent again


async def test_a_draft_is_owed_until_it_has_taken_its_credit(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue, subscribing: Subscribing
) -> None:
    org_id = customer.org.org_id
    await passing_on(operator, customer)
    await prepaying.give(org_id, 1101)
    await decide(operator, customer)
    before = await prepaying.told(customer, catalogue)
    newest = await subscribing.kept.newest(org_id)
    assert newest is not None

    draft = await prepaying.drafting.draft(org_id, newest.id)  # of the dollar in advance

    assert draft is not None
    await prepaying.limits.refresh(org_id)
    assert await prepaying.told(customer, catalogue) == before


async def test_calls_that_are_counted_while_the_limit_is_made_change_it_by_nothing(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue
) -> None:
    org_id = customer.org.org_id
    await passing_on(operator, customer)
    await prepaying.give(org_id, 100_000)
    await decide(operator, customer)
    prepaying.clock.moment = NOVEMBER_10 + timedelta(hours=1)

    await asyncio.gather(
        *(prepaying.used(org_id, "1.00") for _ in range(12)), *(prepaying.limits.refresh(org_id) for _ in range(12))
    )

    assert len(await prepaying.told(customer, catalogue)) == 1
    async with prepaying.database.transaction(org_id) as connection:
        [row] = await every(connection, "SELECT counted_usd FROM billing.prepaid")
    assert row["counted_usd"] == Decimal(12)


async def test_credit_that_goes_back_or_expires_lowers_the_limit_at_once(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue
) -> None:
    org_id, top_up_id, grant_id = customer.org.org_id, new_id(), new_id()
    bought = topped_up(top_up_id, grant_id, 1000, USD)
    await prepaying.bank.given(org_id, 1000, bought, source=Source.TOP_UP, reference=top_up_id)
    tomorrow = NOVEMBER_10 + timedelta(days=1)
    await prepaying.bank.given(org_id, 300, promoted(new_id(), 300, USD), expires_at=tomorrow)
    await decide(operator, customer)
    refund_id, back = new_id(), {grant_id: 400}
    booking = reclaimed(refund_id, top_up_id, back, USD)
    for _ in range(2):
        await prepaying.bank.credits.take_back(org_id, USD, reference=refund_id, amounts=back, booking=booking)
    prepaying.clock.moment = tomorrow
    await prepaying.bank.credits.expire(org_id, USD)

    assert [limit for _, limit in await prepaying.told(customer, catalogue)] == ["13", "9", "6"]


async def test_without_a_subscription_a_dollar_of_credit_is_a_dollar(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue
) -> None:
    await decide(operator, customer)
    await prepaying.give(customer.org.org_id, 250)
    assert await prepaying.told(customer, catalogue) == [(1, "0"), (2, "2.5")]


async def test_nobody_pays_in_advance_in_another_currency(
    operator: Caller, customer: Caller, prepaying: Prepaying, catalogue: Catalogue
) -> None:
    await subscribed(customer, await offered(operator, "euro", "10", currency="EUR"))
    assert problem(await decide(operator, customer)) == (400, "prepaid_in_dollars_only")
    assert await prepaying.told(customer, catalogue) == []


async def test_the_operator_decides_and_everybody_sees_their_own(
    operator: Caller, customer: Caller, reader: Caller, prepaying: Prepaying, make_org: MakeOrg
) -> None:
    assert prepaying.clock.now() == NOVEMBER_10
    path = f"accounts/{customer.org.org_id}/prepaid"
    assert problem(await decide(customer, customer)) == (403, "not_the_operator")
    shown = await reader("GET", path)
    assert (shown.headers["etag"], shown.json()["pays_in_advance"]) == ('"1"', False)
    assert (await operator("GET", path)).status_code == 200
    assert problem(await Caller(await make_org())("GET", path)) == (403, "not_the_operator")
    changed = await operator("PUT", path, json={"pays_in_advance": True}, headers={"if-match": '"1"'})
    assert changed.headers["etag"] == '"2"'
    stale = await operator("PUT", path, json={"pays_in_advance": False}, headers={"if-match": '"1"'})
    assert problem(stale) == (412, "changed_meanwhile")
    assert (await operator("PUT", path, json={"pays_in_advance": "maybe"})).status_code == 422
    assert (await reader("GET", path)).json()["pays_in_advance"] is True
