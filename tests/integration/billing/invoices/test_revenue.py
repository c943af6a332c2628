"""What the operator sees of revenue: each test has a currency of its own, since everybody's revenue is summed up."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from billing.api import app
from billing.ledger.bookings import credited, disputed, promoted, refund_failed, refunded
from billing.models import Operator
from billing.revenue import wiring
from billing.revenue.repository import PostgresRevenue
from billing.revenue.service import RevenueReader
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import READER, Caller, Json
from tests.integration.billing.invoices.office import PER_CALL, Office
from tests.integration.billing.subscribing import SEATS, did, offered, subscribed
from tests.integration.organizations import MakeOrg

_CURRENCIES = iter(Currency(code) for code in ("SEK", "NOK", "DKK", "PLN", "CZK", "RON", "CHF"))


@pytest.fixture
def currency() -> Currency:
    """One that no other test has."""
    return next(_CURRENCIES)


@pytest.fixture
def months(office: Office, operator: Caller, currency: Currency, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """What the operator sees of this currency, by month."""
    reader = RevenueReader(
        revenue=PostgresRevenue(office.catalogue.database),
        operator=Operator(office.catalogue.operator_id),
        clock=office.clock,
    )
    monkeypatch.setitem(app.dependency_overrides, wiring.revenue_reader, lambda: reader)

    async def seen(**wanted: str) -> dict[str, Json]:
        answer = await operator("GET", "revenue", params=wanted)
        assert answer.status_code == 200, answer.text
        return {month["month"]: month for month in answer.json()["data"] if month["currency"] == currency}

    return seen


@pytest_asyncio.fixture
async def other(make_org: MakeOrg) -> AsyncIterator[Caller]:
    """Somebody of a third organization."""
    yield Caller(await make_org())


def _of(month: Json, *names: str) -> list[Any]:
    return [month[name] for name in names]


MOVED = ("mrr", "new_mrr", "reactivated_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr")
CUSTOMERS = ("customers", "new_customers", "reactivated_customers", "churned_customers")


async def test_recurring_revenue_moves_with_customers(
    operator: Caller,
    customer: Caller,
    other: Caller,
    office: Office,
    months: Callable[..., Any],
    currency: Currency,
) -> None:
    small = await offered(operator, "small", "20", SEATS, currency=currency.value)
    yearly = await offered(operator, "yearly", "1200", currency=currency.value, cadence={"interval": "year"})
    office.clock.set(2027, 2, 10)
    mine = await subscribed(customer, small, seats="2")
    await office.surely_invoiced(customer)
    office.clock.set(2027, 3, 11)
    await office.surely_invoiced(customer)
    office.clock.set(2027, 3, 20)
    await did(customer, mine, "change", seats="4")
    await office.surely_invoiced(customer)
    await subscribed(other, yearly)
    await office.surely_invoiced(other)
    office.clock.set(2027, 4, 5)
    await did(other, (await other.listed("subscriptions"))[0], "cancel", when="now")
    await office.surely_invoiced(other)
    office.clock.set(2027, 4, 11)
    await office.surely_invoiced(customer)
    seen = await months()

    assert list(seen) == ["2027-02", "2027-03", "2027-04"]
    assert [_of(month, *MOVED) for month in seen.values()] == [
        [3000, 3000, 0, 0, 0, 0],
        [14000, 10000, 0, 1000, 0, 0],
        [4000, 0, 0, 0, 0, 10000],
    ]
    assert [_of(month, *CUSTOMERS) for month in seen.values()] == [[1, 1, 0, 0], [2, 1, 0, 0], [1, 0, 0, 1]]
    assert [month["complete"] for month in seen.values()] == [True, True, False]
    april = seen["2027-04"]
    assert _of(april, "arr", "arpa", "customer_churn_percent", "revenue_churn_percent") == [48000, 4000, "50", "71.43"]
    assert seen["2027-02"]["customer_churn_percent"] is None


async def test_who_comes_back_is_not_new(
    operator: Caller, customer: Caller, office: Office, months: Callable[..., Any], currency: Currency
) -> None:
    plan = await offered(operator, "team", "20", currency=currency.value)
    office.clock.set(2027, 2, 1)
    first = await subscribed(customer, plan)
    await office.surely_invoiced(customer)
    await did(customer, first, "cancel", when="at_period_end")
    office.clock.set(2027, 4, 2, 12)
    await subscribed(customer, plan)
    await office.surely_invoiced(customer)
    seen = await months()

    assert {name: _of(month, *MOVED) for name, month in seen.items()} == {
        "2027-02": [2000, 2000, 0, 0, 0, 0],
        "2027-03": [0, 0, 0, 0, 0, 2000],
        "2027-04": [2000, 0, 2000, 0, 0, 0],
    }
    assert seen["2027-03"]["arpa"] is None


async def test_the_ledger_says_what_was_earned_and_is_owed(
    operator: Caller, customer: Caller, office: Office, months: Callable[..., Any], currency: Currency
) -> None:
    await operator.meter()
    plan = await offered(operator, "team", "20", PER_CALL, currency=currency.value)
    office.clock.set(2027, 2, 1)
    await subscribed(customer, plan)
    await office.bank.given(customer.org.org_id, 300, promoted(new_id(), 300, currency))
    advance = await office.surely_invoiced(customer)
    await office.used(customer, 6, datetime(2027, 2, 10, tzinfo=UTC))
    await office.settling.paid(customer.org.org_id, advance.id, payment_id=new_id(), amount=1000)
    office.clock.set(2027, 3, 2)
    second = await office.surely_invoiced(customer)
    await office.settling.give_up(customer.org.org_id, second.id)
    seen = await months(first="2027-02", last="2027-03")

    names = ("revenue", "collected", "returned", "written_off", "outstanding", "prepaid")
    assert _of(seen["2027-02"], *names) == [2000, 1000, 0, 0, 700, 0]
    assert _of(seen["2027-03"], *names) == [2100, 0, 0, 2100, 700, 0]
    assert (seen["2027-02"]["mrr"], seen["2027-03"]["mrr"]) == (2000, 2000)  # usage does not recur


async def test_money_that_goes_back_for_nothing_was_not_earned(
    operator: Caller, customer: Caller, office: Office, months: Callable[..., Any], currency: Currency
) -> None:
    plan = await offered(operator, "team", "20", currency=currency.value)
    office.clock.set(2027, 2, 1)
    await subscribed(customer, plan)
    invoice = await office.surely_invoiced(customer)
    org_id, now = customer.org.org_id, office.clock.now()
    await office.settling.paid(org_id, invoice.id, payment_id=new_id(), amount=2000)
    refund_id, failing_id = new_id(), new_id()
    for booking in (
        refunded(refund_id, invoice.id, 500, currency),
        refunded(failing_id, invoice.id, 300, currency),
        refund_failed(failing_id, invoice.id, 300, currency),
        disputed(new_id(), invoice.id, 100, currency),
    ):
        assert await office.bank.ledger.book(org_id, booking, at=now)
    names = ("revenue", "collected", "returned")
    assert _of((await months())["2027-02"], *names) == [1400, 2000, 600]

    note = credited(new_id(), invoice.id, net=600, taxes=0, back=600, currency=currency)  # accounts for all of it
    assert await office.bank.ledger.book(org_id, note, at=now)
    assert _of((await months())["2027-02"], *names) == [1400, 2000, 600]


async def test_what_is_void_never_recurred(
    operator: Caller, customer: Caller, office: Office, months: Callable[..., Any], currency: Currency
) -> None:
    plan = await offered(operator, "team", "20", currency=currency.value)
    office.clock.set(2027, 2, 1)
    await subscribed(customer, plan)
    invoice = await office.surely_invoiced(customer)
    await office.settling.void(customer.org.org_id, invoice.id)
    seen = await months()

    assert _of(seen["2027-02"], "mrr", "customers", "revenue", "outstanding") == [0, 0, 0, 0]


async def test_months_that_nobody_can_see_are_refused(
    operator: Caller, office: Office, months: Callable[..., Any]
) -> None:
    assert office.clock.now().year == 2027
    assert await months(first="2026-12", last="2026-12") == {}
    for wanted in ({"first": "2027-02", "last": "2027-01"}, {"first": "2020-01"}, {"first": "2027-05"}):
        assert problem(await operator("GET", "revenue", params=wanted)) == (400, "too_many_months"), wanted
    for malformed in ("2027-13", "2027", "next"):
        assert problem(await operator("GET", "revenue", params={"first": malformed})) == (422, "malformed_request")


@pytest.mark.usefixtures("months")
async def test_nobody_but_the_operator_sees_revenue(customer: Caller, operator: Caller) -> None:
    assert problem(await customer("GET", "revenue")) == (403, "not_the_operator")
    nobody = Caller(operator.org, permissions=frozenset({"billing:report"}))
    assert problem(await nobody("GET", "revenue")) == (403, "missing_permission")
    assert (await Caller(operator.org, permissions=READER)("GET", "revenue")).status_code == 200
