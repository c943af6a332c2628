"""The invoice run finds what is due of all organizations, and nothing else."""

import asyncio
from uuid import UUID

import pytest

from billing.invoices.drafting import DraftingService
from billing.invoices.models import InvoiceStatus
from llmo_core.errors import Unavailable
from tests.integration.billing.calling import Caller
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered
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
