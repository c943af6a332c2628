"""The invoice run finds what is due of all organizations, and nothing else."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from billing.invoices.drafting import DraftingService
from billing.invoices.models import InvoiceStatus
from llmo_core.errors import Unavailable
from llmo_core.ids import new_id
from tests.integration.billing.calling import Caller
from tests.integration.billing.invoices.office import PER_CALL, Office
from tests.integration.billing.subscribing import SEATS, Subscribing, closed, did, offered
from tests.integration.organizations import MakeOrg


async def numbers(caller: Caller) -> list[str]:
    return [entry["number"][-6:] for entry in await caller.listed("invoices")][::-1]


async def test_everybody_gets_the_invoices_that_are_due(
    operator: Caller, customer: Caller, office: Office, make_org: MakeOrg
) -> None:
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    other = Caller(await make_org())
    for caller in (customer, other):
        await caller.made("subscriptions", plan_id=plan["id"])
    await asyncio.gather(office.run.run(), office.run.run())
    assert await numbers(customer) == await numbers(other) == ["000001"]
    office.clock.set(2027, 3, 1, 1)
    await office.run.run()
    assert await numbers(customer) == await numbers(other) == ["000001", "000002"]
    assert not {billable.org_id for billable in await office.run.due(limit=1000)} & {
        customer.org.org_id,
        other.org.org_id,
    }


async def test_a_subscription_that_changed_is_looked_at_again(
    operator: Caller, customer: Caller, office: Office
) -> None:
    small, large = await offered(operator, "small", "20"), await offered(operator, "large", "40")
    office.clock.set(2027, 2, 1)
    made = await customer.made("subscriptions", plan_id=small["id"])
    await office.run.run()
    office.clock.set(2027, 2, 15)
    await customer("POST", f"subscriptions/{made['id']}/change", json={"plan_id": large["id"]})
    await office.run.run()

    assert [entry["total"] for entry in await customer.listed("invoices")] == [1000, 2000]


async def test_one_that_fails_keeps_nobody_else_from_theirs(
    operator: Caller, customer: Caller, office: Office, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    other = Caller(await make_org())
    for caller in (customer, other):
        await caller.made("subscriptions", plan_id=plan["id"])
    draft = DraftingService.draft

    async def fail(self: DraftingService, org_id: object, subscription_id: object) -> object:
        if org_id == customer.org.org_id:
            raise Unavailable("as planned")
        return await draft(self, org_id, subscription_id)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(DraftingService, "draft", fail)
        done = await office.run.run()
    assert done["failed"] >= 1
    assert (await numbers(customer), await numbers(other)) == ([], ["000001"])
    await office.run.run()
    assert await numbers(customer) == ["000001"]


async def test_a_draft_that_cannot_be_finalized_keeps_no_run_from_the_others(
    operator: Caller, customer: Caller, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    made = await customer.made("subscriptions", plan_id=plan["id"])
    draft = await office.drafting.draft(customer.org.org_id, UUID(made["id"]))
    assert draft is not None
    office.clock.advance(minutes=16)

    async def fail(*_: object) -> None:
        raise Unavailable("as planned")

    with monkeypatch.context() as broken:
        broken.setattr(office.finalizing, "finalize", fail)
        await office.run.finish()
    await office.run.finish()
    assert await numbers(customer) == ["000001"]


async def test_a_draft_that_was_left_over_is_finalized(operator: Caller, customer: Caller, office: Office) -> None:
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    subscription = await office.subscriptions.newest(customer.org.org_id)
    assert subscription is not None
    draft = await office.drafting.draft(customer.org.org_id, subscription.id)
    assert draft is not None
    await office.run.run()
    kept = await office.kept.find(customer.org.org_id, draft.id)
    assert kept is not None
    assert kept.status is InvoiceStatus.DRAFT  # its run may not have ended yet
    office.clock.advance(minutes=16)
    await office.run.run()
    assert await numbers(customer) == ["000001"]


async def test_what_comes_late_for_an_ended_subscription_is_billed_a_month_later(
    operator: Caller, customer: Caller, office: Office
) -> None:
    await operator.meter()
    plan = await offered(operator, "team", "20", PER_CALL)
    office.clock.set(2027, 2, 1)
    made = await customer.made("subscriptions", plan_id=plan["id"])
    await office.run.run()
    await office.used(customer, 6, datetime(2027, 2, 10, tzinfo=UTC))
    await did(customer, made, "cancel")
    office.clock.set(2027, 3, 1, 2)
    await office.run.run()
    await office.used(customer, 4, datetime(2027, 2, 20, tzinfo=UTC))
    office.clock.set(2027, 3, 30)
    await office.run.run()
    assert len(await numbers(customer)) == 2  # in advance, and for what was used
    office.clock.set(2027, 4, 1)
    for _ in range(2):
        await office.run.run()
        office.clock.advance(days=31)

    [late, *_] = await customer.listed("invoices")
    assert (late["total"], late["number"][-6:]) == (100, "000003")
    [line] = (await customer("GET", f"invoices/{late['id']}")).json()["lines"]
    assert (line["kind"], line["quantity"], line["billed_quantity"]) == ("adjustment", "10", "6")


async def test_nothing_is_billed_where_nothing_comes_late(operator: Caller, customer: Caller, office: Office) -> None:
    await operator.meter()
    plan = await offered(operator, "team", "20", PER_CALL)
    office.clock.set(2027, 2, 1)
    made = await customer.made("subscriptions", plan_id=plan["id"])
    await office.run.run()
    office.clock.advance(days=3)
    await did(customer, made, "cancel", when="now")
    for _ in range(3):
        await office.run.run()
        office.clock.advance(days=31)
    assert len(await numbers(customer)) == 3  # in advance, what is left of that, and what was used
    assert customer.org.org_id not in {billable.org_id for billable in await office.run.due(limit=1000)}


async def test_a_closed_organization_gets_its_last_invoice_and_still_owes_the_others(
    operator: Caller, customer: Caller, office: Office, subscribing: Subscribing
) -> None:
    await operator.meter()
    plan = await offered(operator, "team", "20", PER_CALL)
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    open_invoice = await office.surely_invoiced(customer)
    await office.used(customer, 6, datetime(2027, 2, 5, 9, tzinfo=UTC))
    office.clock.set(2027, 2, 5, 10)
    await subscribing.closing().close([closed(customer.org.org_id)])
    office.clock.set(2027, 2, 6, 2)
    last = await office.surely_invoiced(customer)

    assert [str(line.quantity) for line in last.breakdown.lines if line.code == "calls"] == ["6"]
    assert (await office.receivable(customer.org.org_id, open_invoice.id)) == 2000
    paid = await office.settling.paid(customer.org.org_id, open_invoice.id, payment_id=new_id(), amount=2000)
    assert paid.status is InvoiceStatus.PAID


async def test_an_invoice_that_nobody_pays_in_time_is_announced_once(
    operator: Caller, customer: Caller, office: Office
) -> None:
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    invoice = await office.surely_invoiced(customer)

    async def announced() -> list[Any]:
        events = await office.catalogue.announced(customer.org.org_id)
        return [event.data for event in events if event.type == "llmo.billing.invoice.overdue"]

    office.clock.set(2027, 2, 14)
    await office.overdue.announce()
    assert await announced() == []
    office.clock.set(2027, 2, 16)
    await asyncio.gather(*(office.overdue.announce() for _ in range(3)))
    [told] = await announced()
    assert (told["invoice_id"], told["amount_remaining"]) == (str(invoice.id), 2000)


async def test_an_invoice_that_is_paid_is_never_overdue(operator: Caller, customer: Caller, office: Office) -> None:
    plan = await offered(operator, "team", "20")
    office.clock.set(2027, 2, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    invoice = await office.surely_invoiced(customer)
    await office.settling.paid(invoice.org_id, invoice.id, payment_id=new_id(), amount=2000)
    office.clock.set(2027, 3, 20)
    await office.overdue.announce()
    assert (invoice.org_id, invoice.id) not in await office.schedule.overdue(now=office.clock.now(), limit=100)
    told = {event.type for event in await office.catalogue.announced(invoice.org_id)}
    assert "llmo.billing.invoice.overdue" not in told


async def test_several_changes_at_one_moment_are_invoiced_together(
    operator: Caller, customer: Caller, office: Office
) -> None:
    plan = await offered(operator, "team", "20", SEATS)
    office.clock.set(2027, 2, 1)
    made = await customer.made("subscriptions", plan_id=plan["id"])
    await office.surely_invoiced(customer)
    office.clock.set(2027, 2, 15)
    for seats in (3, 5):
        await did(customer, made, "change", seats=seats)

    invoice = await office.surely_invoiced(customer)
    assert invoice.breakdown.total == 1000  # four more seats, for half of the month
