"""What invoices announce. Amounts are in minor units."""

from uuid import UUID

from pydantic import AwareDatetime

from billing.fields import MinorUnits
from llmo_core.currencies import Currency
from llmo_messaging.envelope import Event


class InvoiceDrafted(Event, name="llmo.billing.invoice.drafted"):
    """There is an invoice, which has no number yet."""

    invoice_id: UUID
    subscription_id: UUID | None
    currency: Currency
    total: MinorUnits


class InvoiceFinalized(Event, name="llmo.billing.invoice.finalized"):
    """An invoice has its number, and does not change any more."""

    invoice_id: UUID
    number: str
    currency: Currency
    total: MinorUnits
    amount_due: MinorUnits
    due_at: AwareDatetime


class InvoicePaid(Event, name="llmo.billing.invoice.paid"):
    """Nothing is left to pay."""

    invoice_id: UUID
    number: str
    currency: Currency
    total: MinorUnits


class InvoiceVoided(Event, name="llmo.billing.invoice.voided"):
    """Nothing has to be paid after all; credit that it took was given back."""

    invoice_id: UUID
    number: str
    currency: Currency
    total: MinorUnits


class InvoiceUncollectible(Event, name="llmo.billing.invoice.uncollectible"):
    """What is left to pay is not expected to come any more."""

    invoice_id: UUID
    number: str
    currency: Currency
    amount_remaining: MinorUnits


class InvoiceOverdue(Event, name="llmo.billing.invoice.overdue"):
    """Nobody paid an invoice in time."""

    invoice_id: UUID
    number: str
    currency: Currency
    amount_remaining: MinorUnits
    due_at: AwareDatetime


class InvoicePaymentFailed(Event, name="llmo.billing.invoice.payment_failed"):
    """An invoice could not be collected; `attempt` is the how manyth it was, `failure` Stripe's code."""

    invoice_id: UUID
    payment_id: UUID
    currency: Currency
    amount: MinorUnits
    attempt: int
    failure: str
