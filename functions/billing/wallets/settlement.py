"""What comes of payments for top-ups."""

from billing.payments.models import Payment, PaymentStatus
from billing.wallets.top_ups import TopUpService


class TopUpSettlement:
    """Makes credit of top-ups that are paid."""

    def __init__(self, top_ups: TopUpService) -> None:
        self._top_ups = top_ups

    async def settled(self, payment: Payment) -> None:
        """In the transaction that made the payment final."""
        if payment.status is PaymentStatus.SUCCEEDED:
            await self._top_ups.paid(payment.org_id, payment.purpose.id)
        else:
            await self._top_ups.failed(payment.org_id, payment.purpose.id, payment.failure_code or payment.status.value)
