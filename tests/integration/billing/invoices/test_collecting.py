"""Invoices and top-ups are collected by Stripe's real SDK from a stand-in, and what comes of that is booked."""

from uuid import UUID

import pytest
import pytest_asyncio

from billing.api import app
from billing.invoices import wiring as invoice_wiring
from billing.invoices.collecting import Collected, CollectingService
from billing.invoices.models import Invoice, InvoiceStatus, UnknownInvoice
from billing.ledger.bookings import promoted
from billing.payments.charging import Charging
from billing.payments.models import Purpose, PurposeKind
from billing.wallets import wiring
from billing.wallets.buying import BuyingService
from billing.wallets.models import TopUpStatus
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller
from tests.integration.billing.credit.bank import USD
from tests.integration.billing.invoices.cashier import Cashier
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.payments.paying import Paying
from tests.integration.billing.subscribing import offered

GOOD, DECLINED = "4242424242424242", "4000000000000341"


@pytest_asyncio.fixture
async def charging(cashier: Cashier) -> Charging:
    """What charges cards for invoices and top-ups."""
    return await cashier.paying.charging()


@pytest.fixture
def collecting(charging: Charging, office: Office) -> CollectingService:
    return CollectingService(invoices=office.kept, charging=charging)


@pytest.fixture
def buying(charging: Charging, paying: Paying, office: Office) -> BuyingService:
    return BuyingService(
        wallets=office.bank.wallets,
        top_ups=office.bank.top_ups,
        charges=charging,
        transaction=paying.database.transaction,
        clock=office.clock,
    )


@pytest_asyncio.fixture
async def invoice(operator: Caller, customer: Caller, office: Office) -> Invoice:
    """An invoice of 20 dollars."""
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    return await office.surely_invoiced(customer)


async def as_it_is(office: Office, invoice: Invoice) -> Invoice:
    found = await office.kept.find(invoice.org_id, invoice.id)
    assert found is not None
    return found


async def test_a_card_pays_an_invoice_once(
    invoice: Invoice, collecting: CollectingService, paying: Paying, office: Office
) -> None:
    await paying.card(invoice.org_id, GOOD)

    assert await collecting.collect(invoice.org_id, invoice.id) is Collected.PAID
    assert await collecting.collect(invoice.org_id, invoice.id) is Collected.NOTHING_DUE
    paid = await as_it_is(office, invoice)
    assert (paid.status, paid.amount_paid) == (InvoiceStatus.PAID, 2000)
    assert (await office.bank.balances(invoice.org_id))[("cash", None)] == 2000
    assert await office.receivable(invoice.org_id, invoice.id) == 0


async def test_a_declined_card_leaves_the_invoice_due_and_another_pays_it(
    invoice: Invoice, collecting: CollectingService, paying: Paying, office: Office
) -> None:
    await paying.card(invoice.org_id, DECLINED)
    assert await collecting.collect(invoice.org_id, invoice.id) is Collected.FAILED
    assert (await as_it_is(office, invoice)).remaining == 2000
    announced = [event.type for event in await office.catalogue.announced(invoice.org_id)]
    assert announced.count("llmo.billing.invoice.payment_failed") == 1

    better = await paying.card(invoice.org_id, GOOD)
    assert await collecting.collect(invoice.org_id, invoice.id, method_id=better.id) is Collected.PAID
    assert (await as_it_is(office, invoice)).status is InvoiceStatus.PAID


async def test_a_customer_pays_by_themselves(
    invoice: Invoice,
    customer: Caller,
    collecting: CollectingService,
    paying: Paying,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.dependency_overrides, invoice_wiring.collecting_service, lambda: collecting)
    path = f"invoices/{invoice.id}/payments"
    assert problem(await customer("POST", path, json={})) == (409, "no_payment_method")
    card = await paying.card(invoice.org_id, GOOD)
    headers = {"Idempotency-Key": "pay-once"}
    wanted = {"payment_method_id": str(card.id)}
    first, second = [await customer("POST", path, json=wanted, headers=headers) for _ in range(2)]

    assert (first.status_code, first.json()) == (201, second.json())
    assert (first.json()["purpose_id"], first.json()["amount"]) == (str(invoice.id), 2000)
    assert (await as_it_is(office, invoice)).status is InvoiceStatus.PAID
    assert problem(await customer("POST", path, json={})) == (409, "nothing_to_pay")


async def test_only_the_organization_pays_its_invoices(
    invoice: Invoice,
    operator: Caller,
    reader: Caller,
    customer: Caller,
    collecting: CollectingService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.dependency_overrides, invoice_wiring.collecting_service, lambda: collecting)
    path = f"invoices/{invoice.id}/payments"
    assert problem(await operator("POST", path, json={})) == (404, "unknown_invoice")
    assert problem(await reader("POST", path, json={})) == (403, "missing_permission")
    assert problem(await customer("POST", path, json={"amount": 1})) == (422, "malformed_request")


async def test_without_a_card_nothing_is_tried(invoice: Invoice, collecting: CollectingService) -> None:
    assert await collecting.collect(invoice.org_id, invoice.id) is Collected.NO_PAYMENT_METHOD
    with pytest.raises(UnknownInvoice):
        await collecting.collect(invoice.org_id, new_id())


async def test_what_was_paid_for_a_void_invoice_becomes_credit(
    invoice: Invoice, charging: Charging, paying: Paying, office: Office
) -> None:
    await paying.card(invoice.org_id, GOOD)
    await office.settling.void(invoice.org_id, invoice.id)
    purpose = Purpose(kind=PurposeKind.INVOICE, id=invoice.id)
    await charging.charge(invoice.org_id, purpose, amount=2000, currency=USD)

    assert (await office.bank.wallet(invoice.org_id)).balance == 2000
    await office.bank.require_traceable(invoice.org_id)


@pytest.mark.parametrize(("card", "status", "balance"), [(GOOD, "succeeded", 701), (DECLINED, "failed", 1)])
async def test_a_top_up_becomes_credit_when_it_is_paid(
    customer: Caller,
    reader: Caller,
    operator: Caller,
    buying: BuyingService,
    paying: Paying,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    card: str,
    status: str,
    balance: int,
) -> None:
    org_id = customer.org.org_id
    await paying.card(org_id, card)
    await office.bank.given(org_id, 1, promoted(new_id(), 1, USD))
    wallet = await office.bank.wallet(org_id)
    monkeypatch.setitem(app.dependency_overrides, wiring.buying_service, lambda: buying)
    path = f"wallets/{wallet.id}/top-ups"
    made = await customer.made(path, amount=700)
    assert (made["status"], made["amount"], made["automatic"]) == ("pending", 700, False)
    top_up = await office.bank.top_ups.find(customer.principal, wallet.id, UUID(made["id"]))
    for refused, body in (
        ((404, "unknown_method"), {"amount": 700, "payment_method_id": str(new_id())}),
        ((422, "malformed_request"), {"amount": 0}),
        ((400, "amount_not_chargeable"), {"amount": 10**9}),
    ):
        assert problem(await customer("POST", path, json=body)) == refused
    assert problem(await reader("POST", path, json={"amount": 1})) == (403, "missing_permission")
    assert problem(await operator("POST", path, json={"amount": 1})) == (404, "unknown_wallet")

    after = await office.bank.top_ups.find(customer.principal, wallet.id, top_up.id)
    assert (after.status, (await office.bank.wallet(org_id)).balance) == (TopUpStatus(status), balance)
    await office.bank.require_traceable(org_id)


@pytest.mark.parametrize(("card", "balance"), [(GOOD, 540), (DECLINED, 40), (None, 40)])
async def test_a_wallet_with_little_left_is_topped_up_by_itself(
    customer: Caller, buying: BuyingService, paying: Paying, office: Office, card: str | None, balance: int
) -> None:
    org_id = customer.org.org_id
    if card is not None:
        await paying.card(org_id, card)
    await customer.made("wallets", currency="USD", name="Prepaid", automatic_top_up={"below": 50, "amount": 500})
    grant = await office.bank.given(org_id, 100, promoted(new_id(), 100, USD))
    assert await buying.buy_if_low(org_id, USD) is None
    await office.bank.credits.spend(org_id, USD, invoice_id=new_id(), amounts={grant.id: 60})
    assert await buying.buy_if_low(org_id, USD) is not None

    assert (await office.bank.wallet(org_id)).balance == balance
    await office.bank.require_traceable(org_id)
    assert await buying.buy_if_low(org_id, Currency.EUR) is None
