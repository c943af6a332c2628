"""What state machines do beside invoicing: dunning, changes that are paid for first, and refunds.

`{"task": "dun", "org_id": "…", "invoice_id": "…"}` and so on, as the models say.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from billing.dunning.models import Dunning
from billing.dunning.wiring import dunning_steps
from billing.flows.following import payment_failed, refund_failed
from billing.flows.models import Ending, Subject, SubjectKind
from billing.flows.wiring import waiting
from billing.paid_changes.applying import NOT_CONFIRMED
from billing.paid_changes.models import PaidChange
from billing.paid_changes.wiring import paid_change_steps
from billing.payments.models import Refund
from billing.payments.provider import RefundStatus
from billing.payments.wiring import refunding
from billing.wallets.models import TopUpStatus
from llmo_core.clock import SystemClock
from llmo_core.model import Model

_LOOKED_AFTER: Final = timedelta(minutes=5)
"""How long a flow waits to be told before it looks for itself: what tells it may have been lost."""


class Dun(Model):
    """Begin to do something about an invoice that could not be collected."""

    task: Literal["dun"]
    org_id: UUID
    invoice_id: UUID


class DunningStep(Model):
    """Do the next step about it, if it is due."""

    task: Literal["dunning_step"]
    org_id: UUID
    invoice_id: UUID


class ChargeChange(Model):
    """Charge for a change."""

    task: Literal["charge_change"]
    org_id: UUID
    change_id: UUID


class AwaitChange(Model):
    """Have a task wait until a change is paid."""

    task: Literal["await_change"]
    org_id: UUID
    change_id: UUID
    token: Annotated[str, Field(min_length=1, max_length=2_048)]


class ApplyChange(Model):
    """Let a change take effect."""

    task: Literal["apply_change"]
    org_id: UUID
    change_id: UUID


class RollBackChange(Model):
    """Let a change have no effect, because of an error."""

    task: Literal["roll_back_change"]
    org_id: UUID
    change_id: UUID
    error: str


class CheckRefund(Model):
    """Find out what became of a refund."""

    task: Literal["check_refund"]
    org_id: UUID
    refund_id: UUID


class AwaitRefund(Model):
    """Have a task wait until a refund is final."""

    task: Literal["await_refund"]
    org_id: UUID
    refund_id: UUID
    token: Annotated[str, Field(min_length=1, max_length=2_048)]


type ChangeTask = ChargeChange | AwaitChange | ApplyChange | RollBackChange
type FlowTask = Dun | DunningStep | ChangeTask | CheckRefund | AwaitRefund


async def do(task: FlowTask) -> dict[str, Any]:
    """Do a task."""
    match task:
        case Dun() | DunningStep():
            return await _dunned(task)
        case CheckRefund() | AwaitRefund():
            return await _refund(task)
        case _:
            return await _changed(task)


async def _dunned(task: Dun | DunningStep) -> dict[str, Any]:
    steps = await dunning_steps()
    do_next = steps.open if isinstance(task, Dun) else steps.step
    return _coming(await do_next(task.org_id, task.invoice_id))


def _coming(dunning: Dunning | None) -> dict[str, Any]:
    """What the state machine goes by: whether something is to come, and when, in whole seconds that are not before."""
    if dunning is None or dunning.next_at is None:
        return {"over": True, "outcome": dunning.outcome if dunning is not None else None}
    at = dunning.next_at + timedelta(microseconds=-dunning.next_at.microsecond % 1_000_000)
    return {"over": False, "next_at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


async def _changed(task: ChangeTask) -> dict[str, Any]:
    steps = await paid_change_steps()
    match task:
        case AwaitChange():
            subject, ended = await _payment_of(task.org_id, task.change_id)
            await waiting().wait(task.org_id, subject, task.token, ended)
            return {}
        case ChargeChange():
            return _shown(await steps.charge(task.org_id, task.change_id))
        case ApplyChange():
            return _shown(await steps.apply(task.org_id, task.change_id))
        case RollBackChange():
            return _shown(await steps.roll_back(task.org_id, task.change_id, task.error))


async def _payment_of(org_id: UUID, change_id: UUID) -> tuple[Subject, Any]:
    """What a change's flow waits for, and how that has ended."""
    steps = await paid_change_steps()
    _, bought = await steps.top_up(org_id, change_id)

    async def ended(_org_id: UUID, _top_up_id: UUID) -> Ending | None:
        change, top_up = await steps.top_up(org_id, change_id)
        if top_up.status is TopUpStatus.SUCCEEDED:
            return Ending()
        if top_up.status is TopUpStatus.FAILED:
            return payment_failed(top_up.failure or "failed")
        expired = change.expires_at <= SystemClock().now()
        return Ending(failure=NOT_CONFIRMED, cause="It was not paid in time.") if expired else None

    return Subject(kind=SubjectKind.TOP_UP, id=bought.id), ended


def _shown(change: PaidChange) -> dict[str, Any]:
    return {
        "status": change.status.value,
        "subscription_id": str(change.subscription_id),
        "waits": change.top_up_id is not None,
        "look_after_seconds": _seconds_until(change.expires_at),
    }


def _seconds_until(moment: datetime) -> int:
    """Until a flow looks for itself: some time, or when the moment is over."""
    left = (moment - SystemClock().now()).total_seconds()
    return max(1, min(int(left) + 1, int(_LOOKED_AFTER.total_seconds())))


async def _refund(task: CheckRefund | AwaitRefund) -> dict[str, Any]:
    refunds = await refunding()

    async def ended(org_id: UUID, refund_id: UUID) -> Ending | None:
        return _ending(await refunds.reconcile(org_id, refund_id))

    if isinstance(task, AwaitRefund):
        subject = Subject(kind=SubjectKind.REFUND, id=task.refund_id)
        await waiting().wait(task.org_id, subject, task.token, ended)
        return {}
    refund = await refunds.reconcile(task.org_id, task.refund_id)
    return {"status": refund.status.value}


def _ending(refund: Refund) -> Ending | None:
    match refund.status:
        case RefundStatus.SUCCEEDED:
            return Ending()
        case RefundStatus.PENDING:
            return None
        case _:
            return refund_failed(refund.failure_code)
