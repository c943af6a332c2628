"""Collect what an invoice leaves to pay, and take what was collected."""

from enum import StrEnum
from uuid import UUID

from billing.invoices.events import InvoicePaymentFailed
from billing.invoices.models import InvoiceStatus, NothingToPay, UnknownInvoice
from billing.invoices.ports import Invoices
from billing.invoices.settling import SettlingService
from billing.payments.errors import AlreadyPaid, AmountNotChargeable, NoPaymentMethod, PaymentUnderWay
from billing.payments.models import Payment, PaymentStatus, Purpose, PurposeKind
from billing.payments.ports import Charges
from llmo_data.ports import Events


class Collected(StrEnum):
    """What came of it. `under_way` is settled later; without a payment method nothing was tried."""

    NOTHING_DUE = "nothing_due"
    PAID = "paid"
    UNDER_WAY = "under_way"
    FAILED = "failed"
    NO_PAYMENT_METHOD = "no_payment_method"
    NOT_CHARGEABLE = "not_chargeable"


class CollectingService:
    """Charges payment methods for invoices."""

    def __init__(self, *, invoices: Invoices, charging: Charges) -> None:
        self._invoices = invoices
        self._charging = charging

    async def pay(self, org_id: UUID, invoice_id: UUID, *, method_id: UUID | None = None) -> Payment:
        """Charge what is left to pay, by the default payment method unless another is named; the payment as it is then.

        In a transaction of the caller's it is charged after its end, and pending here. Safe to repeat; what failed is
        tried anew. Raises UnknownInvoice, NothingToPay, and what Charges.charge raises.
        """
        invoice = await self._invoices.find(org_id, invoice_id)
        if invoice is None or invoice.status is InvoiceStatus.DRAFT:
            raise UnknownInvoice
        if not invoice.remaining:
            raise NothingToPay
        purpose = Purpose(kind=PurposeKind.INVOICE, id=invoice.id)
        return await self._charging.charge(
            org_id, purpose, amount=invoice.remaining, currency=invoice.currency, method_id=method_id
        )

    async def collect(self, org_id: UUID, invoice_id: UUID, *, method_id: UUID | None = None) -> Collected:
        """The same, and what came of it. Raises UnknownInvoice, UnknownMethod."""
        try:
            payment = await self.pay(org_id, invoice_id, method_id=method_id)
        except NothingToPay:
            return Collected.NOTHING_DUE
        except NoPaymentMethod:
            return Collected.NO_PAYMENT_METHOD
        except AmountNotChargeable:
            return Collected.NOT_CHARGEABLE
        except (PaymentUnderWay, AlreadyPaid):
            return Collected.UNDER_WAY
        if payment.status is PaymentStatus.SUCCEEDED:
            return Collected.PAID
        return Collected.FAILED if payment.status.final else Collected.UNDER_WAY


class InvoiceSettlement:
    """What comes of payments for invoices."""

    def __init__(self, *, settling: SettlingService, events: Events) -> None:
        self._settling = settling
        self._events = events

    async def settled(self, payment: Payment) -> None:
        """Take a payment that succeeded, and announce one that did not and is still owed.

        It is called in the transaction that made it so.
        """
        if payment.status is PaymentStatus.SUCCEEDED:
            await self._settling.paid(payment.org_id, payment.purpose.id, payment_id=payment.id, amount=payment.amount)
            return
        if not await self._settling.is_owed(payment.org_id, payment.purpose.id):
            return
        failed = InvoicePaymentFailed(
            invoice_id=payment.purpose.id,
            payment_id=payment.id,
            currency=payment.currency,
            amount=payment.amount,
            attempt=payment.attempt,
            failure=payment.failure_code or payment.status.value,
        )
        await self._events.announce(failed, org_id=payment.org_id, aggregate_id=payment.purpose.id)
