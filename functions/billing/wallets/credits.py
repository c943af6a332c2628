"""What happens to credit within a transaction: it is granted, spent, given back, and it expires.

Each of these locks the wallet first, so that the balances that are announced are in order and nothing is spent twice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from billing.fields import MinorUnits
from billing.ledger import bookings
from billing.ledger.bookings import Booking
from billing.wallets.events import (
    CreditExpired,
    CreditGranted,
    CreditLow,
    CreditReclaimed,
    CreditSpent,
    WalletCreated,
)
from billing.wallets.models import BY_MONEY, PAID_FOR, Grant, Priority, Source, Wallet, in_order
from billing.wallets.ports import Grants, Ledger, Wallets
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_data.ports import Events, Transaction
from llmo_messaging.envelope import Event

# What comes back can be spent for some time, however soon it would have expired.
_AT_LEAST = timedelta(days=30)


type Told = Callable[[UUID], Awaitable[None]]
"""Whoever wants to know that an organization has more credit, or less than it had paid for, in the same transaction."""


class NewGrant(Model):
    """What a grant is made of; see billing.wallets.models.Grant."""

    id: UUID
    source: Source
    reference: UUID
    reason: str = ""
    amount: MinorUnits
    priority: Priority = PAID_FOR
    expires_at: datetime | None = None


class Credits:
    """The credit of organizations, with what is booked and announced of it.

    Args:
        told: They are told when there is more of it, and when some is gone that no invoice took.
    """

    def __init__(
        self,
        *,
        wallets: Wallets,
        grants: Grants,
        ledger: Ledger,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
        told: Sequence[Told] = (),
    ) -> None:
        self._told = told
        self._wallets = wallets
        self._grants = grants
        self._ledger = ledger
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def wallet(self, org_id: UUID, currency: Currency) -> Wallet:
        """The wallet in a currency, made where there is none; nobody else changes it before the transaction ends."""
        async with self._transaction(org_id):
            return await self._wallet(org_id, currency, self._clock.now())

    async def grant(self, org_id: UUID, currency: Currency, new: NewGrant, booking: Booking) -> Grant | None:
        """Grant credit, in a wallet that is made where there is none; None where it was granted before."""
        granted = await self.grant_all(org_id, currency, [new], booking)
        return granted[0] if granted else None

    async def grant_all(
        self, org_id: UUID, currency: Currency, new: Sequence[NewGrant], booking: Booking
    ) -> Sequence[Grant]:
        """Grant credit that one booking is about, likewise; nothing where it was granted before."""
        async with self._transaction(org_id):
            now = self._clock.now()
            wallet = await self._wallet(org_id, currency, now)
            if not await self._ledger.book(org_id, booking, at=now):
                return []
            granted: list[Grant] = []
            for each in new:
                granted.append(await self._added(wallet, each, now))
                wallet = wallet.model_copy(update={"balance": wallet.balance + each.amount})
            await self._tell(org_id)
            return granted

    async def spendable(self, org_id: UUID, currency: Currency) -> Sequence[Grant]:
        """What can be spent, in the order in which it is; nobody else spends of it before the transaction ends."""
        async with self._transaction(org_id):
            now = self._clock.now()
            wallet = await self._wallets.locked(org_id, currency, now=now)
            return in_order(await self._grants.left(org_id, wallet.id), now) if wallet is not None else []

    async def spend(
        self, org_id: UUID, currency: Currency, *, invoice_id: UUID, amounts: Mapping[UUID, MinorUnits]
    ) -> Wallet | None:
        """Let an invoice take so much of these grants, once; the wallet afterwards, None where nothing was taken.

        Raises CreditSpentMeanwhile.
        """
        if not amounts:
            return None

        def spent(wallet: Wallet) -> Event:
            shown = {"amount": sum(amounts.values()), "balance": wallet.balance}
            return CreditSpent(wallet_id=wallet.id, invoice_id=invoice_id, currency=currency, **shown)

        booking = bookings.spent(invoice_id, amounts, currency)
        return await self._taken(org_id, currency, amounts, booking, spent)

    async def left_of(self, org_id: UUID, currency: Currency, references: Sequence[UUID]) -> Sequence[Grant]:
        """What is left of the credit that these paid for, the newest first; nobody else spends of it meanwhile."""
        async with self._transaction(org_id):
            wallet = await self._wallets.locked(org_id, currency, now=self._clock.now())
            if wallet is None:
                return []
            found = await self._grants.referring(org_id, wallet.id, references)
            return [grant for grant in found if grant.remaining and grant.source in BY_MONEY]

    async def take_back(
        self, org_id: UUID, currency: Currency, *, reference: UUID, amounts: Mapping[UUID, MinorUnits], booking: Booking
    ) -> None:
        """Let so much of these grants be gone, once, because the money which paid for them goes back.

        `reference` is the refund, or the dispute. Raises CreditSpentMeanwhile.
        """

        def reclaimed(wallet: Wallet) -> Event:
            shown = {"amount": sum(amounts.values()), "balance": wallet.balance}
            return CreditReclaimed(wallet_id=wallet.id, reference=reference, currency=currency, **shown)

        async with self._transaction(org_id):
            if await self._taken(org_id, currency, amounts, booking, reclaimed) is not None:
                await self._tell(org_id)

    async def restore(
        self, org_id: UUID, currency: Currency, *, invoice_id: UUID, amounts: Mapping[UUID, MinorUnits]
    ) -> None:
        """Give back what an invoice took that is void, once: as grants of the same rank, of thirty days at least."""
        if not amounts:
            return
        async with self._transaction(org_id):
            back = await self.back_of(org_id, amounts, reference=invoice_id)
            booking = bookings.restored(invoice_id, {grant.id: grant.amount for grant in back}, currency)
            await self.grant_all(org_id, currency, back, booking)

    async def back_of(self, org_id: UUID, amounts: Mapping[UUID, MinorUnits], *, reference: UUID) -> Sequence[NewGrant]:
        """What was taken of these grants, to be given back: of the same rank, and of thirty days at least."""
        now = self._clock.now()
        return [
            self._given_back(grant, amounts[grant.id], reference, now)
            for grant in await self._grants.named(org_id, list(amounts))
        ]

    async def expire(self, org_id: UUID, currency: Currency) -> MinorUnits:
        """Let nothing be left of what has expired; how much that was."""
        async with self._transaction(org_id):
            now = self._clock.now()
            wallet = await self._wallets.locked(org_id, currency, now=now)
            if wallet is None:
                return 0
            # The balance is without expired credit already: it was more before the first of it expired.
            gone = [grant for grant in await self._grants.left(org_id, wallet.id) if grant.expired(now)]
            for grant in gone:
                await self._expired(wallet, grant, now)
            total = sum(grant.remaining for grant in gone)
            await self._warn(wallet.model_copy(update={"balance": wallet.balance + total}), wallet)
            if gone:
                await self._tell(org_id)
            return total

    async def _taken(
        self,
        org_id: UUID,
        currency: Currency,
        amounts: Mapping[UUID, MinorUnits],
        booking: Booking,
        event: Callable[[Wallet], Event],
    ) -> Wallet | None:
        """The wallet without so much of these grants, of which the event tells; None where that was booked before."""
        async with self._transaction(org_id):
            now = self._clock.now()
            before = await self._wallet(org_id, currency, now)
            if not await self._ledger.book(org_id, booking, at=now):
                return None
            await self._grants.take(org_id, amounts)
            after = before.model_copy(update={"balance": before.balance - sum(amounts.values())})
            await self._events.announce(event(after), org_id=org_id, aggregate_id=after.id)
            await self._warn(before, after)
            return after

    async def _expired(self, wallet: Wallet, grant: Grant, now: datetime) -> None:
        was_free = grant.source is not Source.TOP_UP
        booking = bookings.expired(grant.id, grant.remaining, grant.currency, was_free=was_free)
        await self._ledger.book(grant.org_id, booking, at=now)
        await self._grants.take(grant.org_id, {grant.id: grant.remaining})
        expired = CreditExpired(
            wallet_id=wallet.id,
            grant_id=grant.id,
            currency=grant.currency,
            amount=grant.remaining,
            balance=wallet.balance,
        )
        await self._events.announce(expired, org_id=grant.org_id, aggregate_id=wallet.id)

    async def _wallet(self, org_id: UUID, currency: Currency, now: datetime) -> Wallet:
        """The wallet in a currency, locked; a new one where there is none."""
        wallet = await self._wallets.locked(org_id, currency, now=now)
        if wallet is not None:
            return wallet
        new = Wallet(id=self._new_id(), org_id=org_id, currency=currency, name=f"Credit in {currency}", created_at=now)
        if await self._wallets.add(new):
            created = WalletCreated(wallet_id=new.id, currency=currency, created_by=None)
            await self._events.announce(created, org_id=org_id, aggregate_id=new.id)
        return await self._wallet(org_id, currency, now)

    async def _added(self, wallet: Wallet, new: NewGrant, now: datetime) -> Grant:
        grant = Grant(
            **dict(new),
            org_id=wallet.org_id,
            wallet_id=wallet.id,
            currency=wallet.currency,
            remaining=new.amount,
            created_at=now,
        )
        await self._grants.add(grant)
        granted = CreditGranted(
            wallet_id=wallet.id,
            grant_id=grant.id,
            source=grant.source,
            currency=grant.currency,
            amount=grant.amount,
            balance=wallet.balance + grant.amount,
            expires_at=grant.expires_at,
        )
        await self._events.announce(granted, org_id=wallet.org_id, aggregate_id=wallet.id)
        return grant

    def _given_back(self, grant: Grant, amount: MinorUnits, reference: UUID, now: datetime) -> NewGrant:
        return NewGrant(
            id=self._new_id(),
            source=Source.RESTORED,
            reference=reference,
            amount=amount,
            priority=grant.priority,
            expires_at=max(grant.expires_at, now + _AT_LEAST) if grant.expires_at is not None else None,
        )

    async def _tell(self, org_id: UUID) -> None:
        for told in self._told:
            await told(org_id)

    async def _warn(self, before: Wallet, after: Wallet) -> None:
        if after.low_balance is None or before.is_low or not after.is_low:
            return
        low = CreditLow(wallet_id=after.id, **after.model_dump(include={"currency", "balance", "low_balance"}))
        await self._events.announce(low, org_id=after.org_id, aggregate_id=after.id)
