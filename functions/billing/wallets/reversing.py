"""What becomes of credit, and is booked, when the money that paid for something goes back.

Money that goes back first takes with it what is left of the credit that it had paid for. The rest is gone for nothing,
as the account `refunds` of the ledger says, until a credit note accounts for it.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from billing.fields import MinorUnits
from billing.ledger import bookings
from billing.ledger.bookings import Account, Entry
from billing.payments.models import Dispute, Payment, Refund
from billing.payments.ports import Refunds
from billing.payments.provider import RefundStatus
from billing.wallets.credits import Credits, NewGrant
from billing.wallets.models import Source
from billing.wallets.ports import Ledger
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_core.observability import logger


class Backing(Model):
    """What a payment has become.

    Attributes:
        references: What the credit of it refers to.
        earned: So much of it is none, and can be given back as well, in minor units.
        source: Where credit comes from that has to be given because a refund failed.
        reference: What that refers to.
    """

    references: tuple[UUID, ...]
    earned: MinorUnits
    source: Source
    reference: UUID


class Backings(Protocol):
    """Knows what payments have become."""

    async def of(self, payment: Payment) -> Backing:
        """What a payment has become, which nobody else changes before the transaction under way ends."""
        ...


class TopUpBackings:
    """A top-up has become credit, all of it."""

    async def of(self, payment: Payment) -> Backing:
        """What a payment for a top-up has become."""
        top_up_id = payment.purpose.id
        return Backing(references=(top_up_id,), earned=0, source=Source.TOP_UP, reference=top_up_id)


class Reversal:
    """See the port `billing.payments.ports.Reversal`."""

    def __init__(
        self, *, backings: Backings, credits_: Credits, ledger: Ledger, refunds: Refunds, clock: Clock, new_id: NewId
    ) -> None:
        self._backings = backings
        self._credits = credits_
        self._ledger = ledger
        self._refunds = refunds
        self._clock = clock
        self._new_id = new_id

    async def refundable(self, payment: Payment) -> MinorUnits:
        """What can go back without anything that was spent being given away."""
        backing = await self._backings.of(payment)
        left = await self._credits.left_of(payment.org_id, payment.currency, backing.references)
        return backing.earned + sum(grant.remaining for grant in left)

    async def begun(self, payment: Payment, refund: Refund) -> None:
        """Take the credit back that the money had paid for, as far as it is left."""
        await self._reclaim(payment, refund.id, refund.amount)

    async def refunded(self, payment: Payment, refund: Refund) -> None:
        """Book the money that went back."""
        booking = bookings.refunded(refund.id, payment.purpose.id, refund.amount, refund.currency)
        await self._ledger.book(payment.org_id, booking, at=self._clock.now())

    async def failed(self, payment: Payment, refund: Refund, *, after_success: bool) -> None:
        """Book the money that came again, and give as credit what the customer should have had of it.

        That is credit which was taken back for the refund, and what a credit note had promised.
        """
        org_id, paid_for, currency = payment.org_id, payment.purpose.id, refund.currency
        now = self._clock.now()
        if after_success:
            booking = bookings.refund_failed(refund.id, paid_for, refund.amount, currency)
            await self._ledger.book(org_id, booking, at=now)
        gone = await self._ledger.balance(org_id, Account.REFUNDS, paid_for) + await self._pending(payment)
        if gone >= 0:
            return
        backing = await self._backings.of(payment)
        new = NewGrant(id=self._new_id(), source=backing.source, reference=backing.reference, amount=-gone)
        owed = Entry(account=Account.REFUNDS, subject=paid_for, amount=-gone)
        await self._credits.grant(org_id, currency, new, bookings.returned(refund.id, owed, {new.id: -gone}, currency))

    async def lost(self, payment: Payment, dispute: Dispute) -> None:
        """Take credit back for what the customer's bank took, and book that."""
        if dispute.currency is not payment.currency or not dispute.amount:
            told = {"dispute_id": str(dispute.id), "amount": dispute.amount, "currency": dispute.currency}
            logger().error("a lost dispute is not booked: it is in another currency, or about nothing", extra=told)
            return
        await self._reclaim(payment, dispute.id, dispute.amount)
        booking = bookings.disputed(dispute.id, payment.purpose.id, dispute.amount, dispute.currency)
        await self._ledger.book(payment.org_id, booking, at=self._clock.now())

    async def _reclaim(self, payment: Payment, reference: UUID, amount: MinorUnits) -> None:
        org_id, currency = payment.org_id, payment.currency
        backing = await self._backings.of(payment)
        amounts: dict[UUID, MinorUnits] = {}
        for grant in await self._credits.left_of(org_id, currency, backing.references):
            if taken := min(grant.remaining, amount - sum(amounts.values())):
                amounts[grant.id] = taken
        if not amounts:
            return
        booking = bookings.reclaimed(reference, payment.purpose.id, amounts, currency)
        await self._credits.take_back(org_id, currency, reference=reference, amounts=amounts, booking=booking)

    async def _pending(self, payment: Payment) -> MinorUnits:
        """What will be booked of refunds that are under way."""
        kept: Sequence[Refund] = await self._refunds.of_payment(payment.org_id, payment.id)
        return sum(refund.amount for refund in kept if refund.status is RefundStatus.PENDING)
