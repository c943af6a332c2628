"""Invoices that cards do not pay are dunned, and organizations served accordingly, over a real database."""

import asyncio
from datetime import timedelta

import pytest

from billing.dunning.models import NothingToDelay, Outcome, Standing, UnknownDunning
from billing.invoices.models import InvoiceStatus, UnknownInvoice
from billing.payments.models import PaymentStatus
from llmo_core.ids import new_id
from tests.integration.api_caller import problem
from tests.integration.billing.calling import Caller
from tests.integration.billing.invoices.dunnery import AUTHENTICATES, DECLINED, GOOD, Dunnery


async def test_a_card_that_is_declined_for_a_week_suspends_the_service(customer: Caller, dunnery: Dunnery) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    await dunnery.opened(invoice)
    last = await dunnery.stepped(invoice, 4)

    assert (last.over, last.closed_at) == (True, None)
    assert [payment.status for payment in await dunnery.payments(invoice)] == [PaymentStatus.FAILED] * 5
    served = await dunnery.served(invoice)
    assert (served.standing, served.invoice_id, served.revision) == (Standing.SUSPENDED, invoice.id, 2)
    assert await dunnery.told(invoice.org_id) == [
        "dunning.started",
        "dunning.reminded",
        "dunning.reminded",
        "service.restricted",
        "service.suspended",
    ]
    assert await dunnery.steps.step(invoice.org_id, invoice.id) == last


async def test_a_retry_that_succeeds_closes_the_dunning_and_restores_the_service(
    customer: Caller, dunnery: Dunnery
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    await dunnery.opened(invoice)
    await dunnery.stepped(invoice, 3)
    assert (await dunnery.served(invoice)).standing is Standing.RESTRICTED
    better = await dunnery.paying.card(invoice.org_id, GOOD)
    await (await dunnery.paying.method_service()).make_default(customer.principal, better.id)

    paid = await dunnery.stepped(invoice)

    assert (paid.outcome, paid.step) == (Outcome.PAID, 3)
    assert (await dunnery.served(invoice)).standing is Standing.GOOD
    told = await dunnery.told(invoice.org_id)
    assert told[-3:] == ["service.restricted", "dunning.ended", "service.restored"]


async def test_a_step_that_is_done_twice_at_once_charges_once(customer: Caller, dunnery: Dunnery) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    dunning = await dunnery.opened(invoice)
    assert await dunnery.steps.step(invoice.org_id, invoice.id) == dunning  # it is not due
    assert dunning.next_at is not None
    dunnery.office.clock.moment = dunning.next_at

    await asyncio.gather(*(dunnery.steps.step(invoice.org_id, invoice.id) for _ in range(3)))

    assert len(await dunnery.payments(invoice)) == 2
    assert (await dunnery.told(invoice.org_id)).count("dunning.reminded") == 1


async def test_a_step_that_broke_off_after_it_charged_does_not_charge_again(customer: Caller, dunnery: Dunnery) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    dunning = await dunnery.opened(invoice)
    await dunnery.office.dunnings.change(dunning.retrying())

    assert (await dunnery.stepped(invoice)).step == 1
    assert len(await dunnery.payments(invoice)) == 1


async def test_a_payment_that_waits_for_the_customer_is_not_charged_beside(customer: Caller, dunnery: Dunnery) -> None:
    invoice = await dunnery.invoiced(customer, AUTHENTICATES)
    await dunnery.opened(invoice)
    await dunnery.stepped(invoice, 3)

    assert [payment.status for payment in await dunnery.payments(invoice)] == [PaymentStatus.REQUIRES_ACTION]
    assert (await dunnery.served(invoice)).standing is Standing.RESTRICTED


@pytest.mark.parametrize("settled", ["void", "give_up"])
async def test_what_the_operator_settles_is_over_and_the_service_restored(
    customer: Caller, operator: Caller, dunnery: Dunnery, settled: str
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    await dunnery.opened(invoice)
    await dunnery.stepped(invoice, 4)

    await getattr(dunnery.office.operations, settled)(operator.principal, invoice.org_id, invoice.id)

    closed = await dunnery.office.dunnings.find(invoice.org_id, invoice.id)
    assert closed is not None
    assert closed.outcome is {"void": Outcome.VOID, "give_up": Outcome.UNCOLLECTIBLE}[settled]
    assert (await dunnery.served(invoice)).standing is Standing.GOOD


async def test_service_is_as_bad_as_the_worst_of_two_invoices(customer: Caller, dunnery: Dunnery) -> None:
    first = await dunnery.invoiced(customer, DECLINED)
    dunnery.office.clock.advance(days=40)
    second = await dunnery.office.surely_invoiced(customer)
    for invoice, steps in ((first, 4), (second, 3)):
        await dunnery.opened(invoice)
        await dunnery.stepped(invoice, steps)
    assert (await dunnery.served(first)).standing is Standing.SUSPENDED

    await dunnery.office.settling.void(first.org_id, first.id)
    assert (await dunnery.served(first)).standing is Standing.RESTRICTED
    await dunnery.office.settling.void(second.org_id, second.id)
    served = await dunnery.served(first)
    assert (served.standing, served.revision) == (Standing.GOOD, 4)


async def test_nothing_is_begun_about_an_invoice_that_is_settled_or_unknown(customer: Caller, dunnery: Dunnery) -> None:
    invoice = await dunnery.invoiced(customer, GOOD)
    found = await dunnery.office.kept.find(invoice.org_id, invoice.id)
    assert found is not None
    assert found.status is InvoiceStatus.PAID
    assert await dunnery.steps.open(invoice.org_id, invoice.id) is None
    with pytest.raises(UnknownDunning):
        await dunnery.steps.step(invoice.org_id, invoice.id)
    with pytest.raises(UnknownInvoice):
        await dunnery.steps.open(invoice.org_id, new_id())


async def test_an_organization_sees_its_own_dunning_and_the_operator_everybodys(
    customer: Caller, reader: Caller, operator: Caller, dunnery: Dunnery
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    opened = await dunnery.opened(invoice)
    path = f"accounts/{invoice.org_id}/dunning"

    own = (await reader("GET", "dunning")).json()
    assert (await operator("GET", path)).json() == own
    assert own["service"] == {"standing": "good", "invoice_id": None, "since": None, "revision": 0}
    [overdue] = own["overdue"]
    assert (overdue["invoice_id"], overdue["amount_remaining"]) == (str(invoice.id), 2000)
    assert (overdue["step"], overdue["steps"], overdue["next_step"]["actions"]) == (0, 4, ["retry", "remind"])
    assert (await operator("GET", "dunning")).json()["overdue"] == []
    assert problem(await customer("GET", path)) == (403, "not_the_operator")

    assert opened.next_at is not None
    until = opened.next_at + timedelta(days=9)
    delay, body = f"accounts/{invoice.org_id}/invoices/{invoice.id}/dunning/delay", {"until": until.isoformat()}
    for _ in range(2):
        delayed = (await operator("POST", delay, json=body)).json()
        assert delayed["next_step"]["at"] == until.isoformat().replace("+00:00", "Z")
    assert problem(await customer("POST", delay, json=body)) == (403, "not_the_operator")
    assert problem(await reader("POST", delay, json=body)) == (403, "missing_permission")
    other = f"accounts/{invoice.org_id}/invoices/{new_id()}/dunning/delay"
    assert problem(await operator("POST", other, json=body)) == (404, "unknown_dunning")
    assert problem(await operator("POST", delay, json={"until": "tomorrow"})) == (422, "malformed_request")

    await dunnery.stepped(invoice, 4)
    assert (await reader("GET", "dunning")).json()["overdue"][0]["next_step"] is None
    with pytest.raises(NothingToDelay):
        await dunnery.service.delay(operator.principal, invoice.org_id, invoice.id, until)
