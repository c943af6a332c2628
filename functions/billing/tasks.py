"""Entry point of what state machines do of billing: each task is one use case, and safe to repeat.

`{"task": "expire"}`, `{"task": "due", "limit": 500}`, `{"task": "draft", "org_id": "…", "subscription_id": "…"}`,
`{"task": "finalize", "org_id": "…", "invoice_id": "…"}`, `{"task": "collect", "org_id": "…", "invoice_id": "…"}`.
The tasks of the other flows are in `billing.flows.tasks`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from billing import settlements
from billing.flows import tasks as flow_tasks
from billing.invoices import wiring
from billing.invoices.models import Invoice
from billing.payments.errors import PaymentsNotConfigured
from billing.wallets.wiring import buying_service, expiry_service
from llmo_core.cold_starts import Counting
from llmo_core.loop import run
from llmo_core.model import Model

settlements.connect()


class Expire(Model):
    """Let credit expire whose time has come."""

    task: Literal["expire"]


class Due(Model):
    """Finish what another run left, announce what is overdue, and say which subscriptions may have something due."""

    task: Literal["due"]
    limit: Annotated[int, Field(ge=1, le=500)] = 500


class Draft(Model):
    """Draft an invoice of what is due of a subscription."""

    task: Literal["draft"]
    org_id: UUID
    subscription_id: UUID


class Finalize(Model):
    """Give a draft its number."""

    task: Literal["finalize"]
    org_id: UUID
    invoice_id: UUID


class Collect(Model):
    """Charge what an invoice leaves to pay."""

    task: Literal["collect"]
    org_id: UUID
    invoice_id: UUID


type Task = Annotated[Expire | Due | Draft | Finalize | Collect | flow_tasks.FlowTask, Field(discriminator="task")]
_TASK: TypeAdapter[Task] = TypeAdapter(Task)


@Counting
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Do a task; errors keep their names, by which state machines tell them apart."""
    return run(do(event))


async def do(event: Mapping[str, Any]) -> dict[str, Any]:
    """The same on the event loop under way."""
    task = _TASK.validate_python(dict(event))
    match task:
        case Expire():
            return {"wallets": await expiry_service().run()}
        case Due():
            await wiring.invoice_run().finish()
            await wiring.overdue_invoices().announce()
            due = await wiring.invoice_run().due(limit=task.limit)
            return {"due": [{"org_id": str(one.org_id), "subscription_id": str(one.subscription_id)} for one in due]}
        case Draft():
            draft = await wiring.drafting_service().draft(task.org_id, task.subscription_id)
            return {"invoice_id": str(draft.id) if draft is not None else None}
        case Finalize():
            invoice = await wiring.finalizing_service().finalize(task.org_id, task.invoice_id)
            await _top_up(invoice)
            return {"status": invoice.status.value, "amount_remaining": invoice.remaining}
        case Collect():
            collected = await (await wiring.collecting_service()).collect(task.org_id, task.invoice_id)
            return {"collected": collected.value}
        case _:
            return await flow_tasks.do(task)


async def _top_up(invoice: Invoice) -> None:
    """Top the wallet up that an invoice has taken of, where it wants that; nobody pays where Stripe is not set up."""
    if not invoice.taken_credit:
        return
    try:
        buying = await buying_service()
    except PaymentsNotConfigured:
        return
    await buying.buy_if_low(invoice.org_id, invoice.currency)
