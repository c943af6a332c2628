"""What one can do with wallets."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from billing.ledger.bookings import promoted
from billing.models import Operator
from billing.wallets.credits import Credits, NewGrant
from billing.wallets.events import WalletChanged, WalletCreated
from billing.wallets.models import (
    ExpiryInThePast,
    Grant,
    GrantDiffers,
    PositiveAmount,
    Priority,
    Source,
    UnknownWallet,
    Wallet,
    WalletExists,
    WalletSettings,
)
from billing.wallets.ports import Grants, Wallets
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_core.ids import NewId
from llmo_core.model import Model
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction


class Promotion(Model):
    """Credit that is given away; amounts are in minor units.

    Attributes:
        id: Of the grant, when the operator has chosen one: it is given once.
    """

    id: UUID | None
    currency: Currency
    amount: PositiveAmount
    reason: str
    priority: Priority
    expires_at: datetime | None


class WalletService:
    """Makes, changes and shows wallets, and gives credit away."""

    def __init__(
        self,
        *,
        wallets: Wallets,
        grants: Grants,
        credits_: Credits,
        operator: Operator,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._wallets = wallets
        self._grants = grants
        self._credits = credits_
        self._operator = operator
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, *, before: UUID | None, limit: int) -> Page[Wallet]:
        """The organization's wallets, the newest first."""
        now = self._clock.now()
        return Page.of(await self._wallets.page(principal.org_id, now=now, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, wallet_id: UUID) -> Wallet:
        """A wallet with its balance. Raises UnknownWallet."""
        found = await self._wallets.find(principal.org_id, wallet_id, now=self._clock.now())
        if found is None:
            raise UnknownWallet
        return found

    async def grants(self, principal: Principal, wallet_id: UUID, *, before: UUID | None, limit: int) -> Page[Grant]:
        """A wallet's grants, the newest first, also those that are spent. Raises UnknownWallet."""
        await self.find(principal, wallet_id)
        return Page.of(await self._grants.page(principal.org_id, wallet_id, before=before, limit=limit + 1), limit)

    async def create(self, principal: Principal, currency: Currency, settings: WalletSettings) -> Wallet:
        """Make an empty wallet. Raises WalletExists, UnchargeableAmount."""
        settings.require_chargeable(currency)
        wallet = Wallet(
            id=self._new_id(), org_id=principal.org_id, currency=currency, name="", created_at=self._clock.now()
        )
        wallet = wallet.set_to(settings).model_copy(update={"revision": 1})
        created = WalletCreated(wallet_id=wallet.id, currency=currency, created_by=principal.actor_id)
        async with self._transaction(principal.org_id):
            if not await self._wallets.add(wallet):
                raise WalletExists(f"There is a wallet in {currency} already.")
            await self._events.announce(created, org_id=wallet.org_id, aggregate_id=wallet.id)
        return wallet

    async def change(
        self, principal: Principal, wallet_id: UUID, settings: WalletSettings, *, expected: Collection[int] | None
    ) -> Wallet:
        """Set a wallet up anew, if it has one of the expected revisions.

        Raises UnknownWallet, WalletChangedMeanwhile, UnchargeableAmount.
        """
        async with self._transaction(principal.org_id):
            found = await self.find(principal, wallet_id)
            before = await self._wallets.locked(principal.org_id, found.currency, now=self._clock.now())
            if before is None:
                raise UnknownWallet
            before.require_revision(expected)
            settings.require_chargeable(before.currency)
            after = before.set_to(settings)
            await self._wallets.change(after)
            changed = WalletChanged(wallet_id=wallet_id, changed_by=principal.actor_id)
            await self._events.announce(changed, org_id=after.org_id, aggregate_id=wallet_id)
        return after

    async def give(self, principal: Principal, org_id: UUID, promotion: Promotion) -> Grant:
        """Give an organization credit. Safe to retry when the operator has chosen the id of the grant.

        Raises NotTheOperator, ExpiryInThePast, GrantDiffers.
        """
        self._operator.require(principal)
        if promotion.expires_at is not None and promotion.expires_at <= self._clock.now():
            raise ExpiryInThePast
        grant_id = promotion.id or self._new_id()
        new = NewGrant(
            id=grant_id,
            source=Source.PROMOTION,
            reference=grant_id,
            **promotion.model_dump(include={"reason", "amount", "priority", "expires_at"}),
        )
        booking = promoted(grant_id, promotion.amount, promotion.currency)
        granted = await self._credits.grant(org_id, promotion.currency, new, booking)
        return granted or await self._given_before(org_id, new, promotion.currency)

    async def _given_before(self, org_id: UUID, new: NewGrant, currency: Currency) -> Grant:
        [before] = await self._grants.named(org_id, [new.id])
        if (before.amount, before.currency) != (new.amount, currency):
            raise GrantDiffers
        return before
