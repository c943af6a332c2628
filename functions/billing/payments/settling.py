"""Who is told of a payment that is final: the use case of what it pays for."""

from collections.abc import Mapping

from billing.payments.models import Payment, PurposeKind
from billing.payments.ports import Settlement


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
