"""The dunning's state machine runs in moto, with the real tasks, a real database and Stripe's real SDK."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from billing.dunning.models import Dunning, Outcome, Standing
from billing.flows.models import Execution, Flow, FlowsUnavailable
from billing.flows.step_functions import StepFunctions
from billing.invoices.events import InvoicePaymentFailed
from billing.invoices.models import Invoice
from llmo_core.aws import JsonService
from llmo_core.ids import new_id
from llmo_data.postgres import DatabaseUnavailable
from llmo_messaging.consumer import Delivery, HandledInPart
from local.process import free_port
from tests.integration.billing.calling import Caller
from tests.integration.billing.flows.machines import Machines
from tests.integration.billing.invoices.dunnery import DECLINED, GOOD, Dunnery


def name_of(invoice: Invoice) -> str:
    return f"dunning-{invoice.id}"


async def payment_failed(dunnery: Dunnery, invoice: Invoice) -> Delivery[InvoicePaymentFailed]:
    """The event that says so, as the consumer gets it."""
    kind = InvoicePaymentFailed.event_type
    [told, *_] = [each for each in await dunnery.office.catalogue.announced(invoice.org_id) if each.type == kind]
    return Delivery(told, InvoicePaymentFailed.model_validate(told.data))


async def kept(dunnery: Dunnery, invoice: Invoice) -> Dunning:
    found = await dunnery.office.dunnings.find(invoice.org_id, invoice.id)
    assert found is not None
    return found


async def until_step(dunnery: Dunnery, invoice: Invoice, step: int) -> Dunning:
    async with asyncio.timeout(20):
        while True:
            found = await dunnery.office.dunnings.find(invoice.org_id, invoice.id)
            if found is not None and found.step >= step:
                return found
            await asyncio.sleep(0.05)


async def test_a_failed_payment_starts_one_dunning_which_runs_to_suspension(
    customer: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    following = machines.following(dunnery.paying.database)
    delivery = await payment_failed(dunnery, invoice)
    for _ in range(2):
        await following.dun([delivery])

    ended = await machines.ended(machines.arn(Flow.DUNNING, name_of(invoice)))
    await following.dun([delivery])

    assert ended["status"] == "SUCCEEDED"
    assert (await machines.started(Flow.DUNNING)).count(name_of(invoice)) == 1
    assert (await dunnery.served(invoice)).standing is Standing.SUSPENDED
    assert len(await dunnery.payments(invoice)) == 5
    assert (await kept(dunnery, invoice)).over


async def test_a_retry_that_succeeds_ends_it(customer: Caller, dunnery: Dunnery, machines: Machines) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    execution = await machines.begin(Flow.DUNNING, name_of(invoice), org_id=str(invoice.org_id), id=str(invoice.id))
    await until_step(dunnery, invoice, 1)
    better = await dunnery.paying.card(invoice.org_id, GOOD)
    await (await dunnery.paying.method_service()).make_default(customer.principal, better.id)

    assert (await machines.ended(execution))["status"] == "SUCCEEDED"
    assert (await kept(dunnery, invoice)).outcome is Outcome.PAID
    assert (await dunnery.served(invoice)).standing is Standing.GOOD


async def test_what_is_settled_in_the_middle_of_a_wait_is_not_charged_any_more(
    customer: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    execution = await machines.begin(Flow.DUNNING, name_of(invoice), org_id=str(invoice.org_id), id=str(invoice.id))
    await until_step(dunnery, invoice, 1)
    await dunnery.office.settling.void(invoice.org_id, invoice.id)

    assert (await machines.ended(execution))["status"] == "SUCCEEDED"
    assert len(await dunnery.payments(invoice)) == 2
    assert (await kept(dunnery, invoice)).outcome is Outcome.VOID


async def test_a_database_that_is_away_for_a_moment_is_waited_for(
    customer: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    machines.host.failures["dun"] = [DatabaseUnavailable()]
    execution = await machines.begin(Flow.DUNNING, name_of(invoice), org_id=str(invoice.org_id), id=str(invoice.id))

    await until_step(dunnery, invoice, 1)
    await dunnery.office.settling.void(invoice.org_id, invoice.id)

    assert (await machines.ended(execution))["status"] == "SUCCEEDED"
    assert machines.host.asked[:2] == ["dun", "dun"]


async def test_a_step_that_fails_fails_by_name_and_a_second_execution_goes_on_where_the_first_one_was(
    customer: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    given = {"org_id": str(invoice.org_id), "id": str(invoice.id)}
    machines.host.failures["dunning_step"] = [ZeroDivisionError("a mistake")]
    first = await machines.ended(await machines.begin(Flow.DUNNING, name_of(invoice), **given))
    assert (first["status"], first["error"]) == ("FAILED", "ZeroDivisionError")

    second = await machines.ended(await machines.begin(Flow.DUNNING, f"{name_of(invoice)}-again", **given))

    assert second["status"] == "SUCCEEDED"
    assert len(await dunnery.payments(invoice)) == 5
    assert (await dunnery.served(invoice)).revision == 2


async def test_a_step_that_is_put_off_during_a_wait_comes_then(
    customer: Caller, operator: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    execution = await machines.begin(Flow.DUNNING, name_of(invoice), org_id=str(invoice.org_id), id=str(invoice.id))
    await until_step(dunnery, invoice, 1)
    until = datetime.now(UTC) + timedelta(seconds=4)
    await dunnery.service.delay(operator.principal, invoice.org_id, invoice.id, until)

    await until_step(dunnery, invoice, 2)
    assert datetime.now(UTC) >= until
    await dunnery.office.settling.give_up(invoice.org_id, invoice.id)
    assert (await machines.ended(execution))["status"] == "SUCCEEDED"


async def test_an_invoice_that_nobody_has_fails_by_name(customer: Caller, machines: Machines) -> None:
    nobodys = str(new_id())
    given = {"org_id": str(customer.org.org_id), "id": nobodys}
    ended = await machines.ended(await machines.begin(Flow.DUNNING, f"dunning-{nobodys}", **given))
    assert (ended["status"], ended["error"]) == ("FAILED", "NoSuchInvoice")


async def test_where_step_functions_does_not_answer_the_event_comes_again(
    customer: Caller, dunnery: Dunnery, machines: Machines
) -> None:
    invoice = await dunnery.invoiced(customer, DECLINED)
    delivery = await payment_failed(dunnery, invoice)
    away = Machines(f"http://127.0.0.1:{free_port()}", machines.host, machines.arns)
    with pytest.raises(HandledInPart) as refused:
        await away.following(dunnery.paying.database).dun([delivery])
    assert refused.value.failed == [delivery]
    gone = {Flow.DUNNING: machines.arns[Flow.DUNNING] + "-gone"}
    service = JsonService("states", "AWSStepFunctions", "eu-west-1", machines.url, "1.0")
    with pytest.raises(FlowsUnavailable, match="StateMachineDoesNotExist"):
        await StepFunctions(service, gone).start(Execution(flow=Flow.DUNNING, key=invoice.id, org_id=invoice.org_id))
