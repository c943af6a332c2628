"""Who is told of what becomes of payments: the use cases of what they pay for."""

from collections.abc import Mapping

from billing.fields import MinorUnits
from billing.payments.models import Dispute, Payment, PaymentStatus, PurposeKind, Refund
from billing.payments.ports import Reversal, Settlement


class Settlements:
    """Settles payments by the kind of their purpose.

    Args:
        by_kind: What settles each kind. Of the others the payment's event tells whoever listens.
    """

    def __init__(self, by_kind: Mapping[PurposeKind, Settlement]) -> None:
        self._by_kind = by_kind

    async def settled(self, payment: Payment) -> None:
        """See the port."""
        settlement = self._by_kind.get(payment.purpose.kind)
        if settlement is not None:
            await settlement.settled(payment)


class Reversals:
    """Reverses payments by the kind of their purpose; see the port for each.

    Args:
        by_kind: What reverses each kind. Of the others everything is refundable, and nothing comes of it: neither does
            of payments that we know to have failed, whatever Stripe says, because they were never booked.
    """

    def __init__(self, by_kind: Mapping[PurposeKind, Reversal]) -> None:
        self._by_kind = by_kind

    async def refundable(self, payment: Payment) -> MinorUnits:
        """How much can go back."""
        reversal = self._of(payment)
        return await reversal.refundable(payment) if reversal is not None else payment.amount

    async def begun(self, payment: Payment, refund: Refund) -> None:
        """There is a refund."""
        if reversal := self._of(payment):
            await reversal.begun(payment, refund)

    async def refunded(self, payment: Payment, refund: Refund) -> None:
        """A refund has succeeded."""
        if reversal := self._of(payment):
            await reversal.refunded(payment, refund)

    async def failed(self, payment: Payment, refund: Refund, *, after_success: bool) -> None:
        """A refund has failed."""
        if reversal := self._of(payment):
            await reversal.failed(payment, refund, after_success=after_success)

    async def lost(self, payment: Payment, dispute: Dispute) -> None:
        """The customer's bank keeps what it took back."""
        if reversal := self._of(payment):
            await reversal.lost(payment, dispute)

    def _of(self, payment: Payment) -> Reversal | None:
        return self._by_kind.get(payment.purpose.kind) if payment.status is PaymentStatus.SUCCEEDED else None
