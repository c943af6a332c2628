"""A refund is followed until it is final, by its state machine, with the real tasks and Stripe's real SDK."""

import asyncio

from billing.flows.models import Flow
from billing.payments.events import RefundFailed, RefundRequested, RefundSucceeded
from billing.payments.models import Refund, RefundReason
from llmo_core.ids import new_id
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Event
from tests.integration.billing.calling import Caller
from tests.integration.billing.flows.machines import Machines
from tests.integration.billing.invoices.dunnery import GOOD, Dunnery


class Refunds:
    """Refunds of a customer's payment of 20 dollars."""

    def __init__(self, operator: Caller, dunnery: Dunnery, machines: Machines) -> None:
        self.operator = operator
        self.paying = dunnery.paying
        self.office = dunnery.office
        self.machines = machines
        self.following = machines.following(dunnery.paying.database)
        self.paying.operator = operator.org

    async def asked(self, customer: Caller, dunnery: Dunnery) -> Refund:
        """A refund of everything."""
        invoice = await dunnery.invoiced(customer, GOOD)
        [payment] = await dunnery.payments(invoice)
        refunding = await self.paying.refunding()
        return await refunding.refund(
            self.operator.principal, payment.id, amount=None, reason=RefundReason.REQUESTED_BY_CUSTOMER
        )

    async def told[E: Event](self, refund: Refund, event: type[E]) -> Delivery[E]:
        """An event about it, as the consumer gets it."""
        announced = await self.office.catalogue.announced(refund.org_id)
        [told] = [each for each in announced if each.type == event.event_type]
        return Delivery(told, event.model_validate(told.data))

    async def begun(self, refund: Refund) -> str:
        """Its execution, which its event starts once."""
        delivery = await self.told(refund, RefundRequested)
        for _ in range(2):
            await self.following.refund([delivery])
        return self.machines.arn(Flow.REFUND, f"refund-{refund.id}")

    async def until_waiting(self) -> None:
        async with asyncio.timeout(20):
            while True:
                if "await_refund" in self.machines.host.asked:
                    return
                await asyncio.sleep(0.05)

    async def ends(self, refund: Refund, status: str, **others: str) -> None:
        """What a bank does with it, as a webhook tells."""
        assert refund.stripe_id is not None
        await self.paying.stripe.happens(f"refunds/{refund.stripe_id}", status=status, **others)
        await self.paying.refund_recording().record(await self.paying.provider.refund_state(refund.stripe_id))


async def test_a_refund_that_succeeds_at_once_needs_no_waiting(
    customer: Caller, operator: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    refunds = Refunds(operator, dunnery, machines)
    ended = await machines.ended(await refunds.begun(await refunds.asked(customer, dunnery)))
    assert (ended["status"], machines.host.asked) == ("SUCCEEDED", ["check_refund"])


async def test_a_refund_that_takes_its_time_is_told_by_its_event(
    customer: Caller, operator: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    refunds = Refunds(operator, dunnery, machines)
    dunnery.paying.stripe.fails("/v1/refunds", method="POST", pending=True)
    refund = await refunds.asked(customer, dunnery)
    execution = await refunds.begun(refund)
    await refunds.until_waiting()
    await refunds.ends(refund, "succeeded")
    delivery = await refunds.told(refund, RefundSucceeded)
    for _ in range(2):
        await refunds.following.refunded([delivery])

    assert (await machines.ended(execution))["status"] == "SUCCEEDED"


async def test_a_refund_that_a_bank_sends_back_fails_by_name(
    customer: Caller, operator: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    refunds = Refunds(operator, dunnery, machines)
    dunnery.paying.stripe.fails("/v1/refunds", method="POST", pending=True)
    refund = await refunds.asked(customer, dunnery)
    execution = await refunds.begun(refund)
    await refunds.until_waiting()
    await refunds.ends(refund, "failed", failure_reason="expired_or_canceled_card")
    await refunds.following.not_refunded([await refunds.told(refund, RefundFailed)])

    ended = await machines.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "RefundFailed")


async def test_a_refund_that_nobody_has_fails_by_name(customer: Caller, machines: Machines) -> None:
    nobodys = str(new_id())
    given = {"org_id": str(customer.org.org_id), "id": nobodys}
    ended = await machines.ended(await machines.begin(Flow.REFUND, f"refund-{nobodys}", **given))
    assert (ended["status"], ended["error"]) == ("FAILED", "NoSuchRefund")
