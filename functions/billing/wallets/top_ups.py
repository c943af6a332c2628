"""Credit that is paid for: on request, or because little is left."""

from uuid import UUID

from billing.ledger.bookings import topped_up
from billing.wallets.credits import Credits, NewGrant
from billing.wallets.events import TopUpFailed, TopUpRequested
from billing.wallets.models import (
    PositiveAmount,
    Source,
    TopUp,
    TopUpStatus,
    UnknownTopUp,
    UnknownWallet,
    Wallet,
    require_chargeable,
)
from billing.wallets.ports import TopUps, Wallets
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Events, Transaction


class TopUpService:
    """Requests top-ups, and makes credit of those that are paid."""

    def __init__(
        self,
        *,
        wallets: Wallets,
        top_ups: TopUps,
        credits_: Credits,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._wallets = wallets
        self._top_ups = top_ups
        self._credits = credits_
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def page(self, principal: Principal, wallet_id: UUID, *, before: UUID | None, limit: int) -> Page[TopUp]:
        """A wallet's top-ups, the newest first. Raises UnknownWallet."""
        await self._wallet(principal, wallet_id)
        return Page.of(await self._top_ups.page(principal.org_id, wallet_id, before=before, limit=limit + 1), limit)

    async def find(self, principal: Principal, wallet_id: UUID, top_up_id: UUID) -> TopUp:
        """A wallet's top-up. Raises UnknownTopUp."""
        found = await self._top_ups.find(principal.org_id, top_up_id)
        if found is None or found.wallet_id != wallet_id:
            raise UnknownTopUp
        return found

    async def request(self, principal: Principal, wallet_id: UUID, amount: PositiveAmount) -> TopUp:
        """Ask for credit, which is granted once it is paid. Raises UnknownWallet, UnchargeableAmount."""
        wallet = await self._wallet(principal, wallet_id)
        require_chargeable(amount, wallet.currency)
        top_up = self._new(wallet, amount, created_by=principal.actor_id)
        async with self._transaction(principal.org_id):
            await self._top_ups.add(top_up)
            await self._requested(top_up)
        return top_up

    async def request_for(self, org_id: UUID, currency: Currency, amount: PositiveAmount, *, by: UUID) -> TopUp:
        """Ask for credit for something that takes it once it is paid, whether or not there is a wallet yet.

        Raises UnchargeableAmount.
        """
        require_chargeable(amount, currency)
        async with self._transaction(org_id):
            top_up = self._new(await self._credits.wallet(org_id, currency), amount, created_by=by)
            await self._top_ups.add(top_up)
            await self._requested(top_up)
        return top_up

    async def request_if_low(self, wallet: Wallet) -> TopUp | None:
        """Ask for credit by itself where a wallet wants that and none is under way; None where it does not."""
        if wallet.automatic_top_up is None or not wallet.wants_top_up:
            return None
        top_up = self._new(wallet, wallet.automatic_top_up.amount, created_by=None)
        async with self._transaction(wallet.org_id):
            if not await self._top_ups.add(top_up):
                return None
            await self._requested(top_up)
        return top_up

    async def paid(self, org_id: UUID, top_up_id: UUID) -> None:
        """Make credit of a top-up, once, also when its payment had failed before. Raises UnknownTopUp."""
        async with self._transaction(org_id):
            top_up = await self._locked(org_id, top_up_id)
            if top_up.status is TopUpStatus.SUCCEEDED:
                return
            await self._top_ups.settle(self._settled(top_up, TopUpStatus.SUCCEEDED))
            grant_id = self._new_id()
            new = NewGrant(id=grant_id, source=Source.TOP_UP, reference=top_up_id, amount=top_up.amount)
            booking = topped_up(top_up_id, grant_id, top_up.amount, top_up.currency)
            await self._credits.grant(org_id, top_up.currency, new, booking)

    async def failed(self, org_id: UUID, top_up_id: UUID, failure: str) -> None:
        """Say that a top-up was not paid, and why; what was paid stays so. Raises UnknownTopUp."""
        async with self._transaction(org_id):
            top_up = await self._locked(org_id, top_up_id)
            if top_up.status is not TopUpStatus.PENDING:
                return
            await self._top_ups.settle(self._settled(top_up, TopUpStatus.FAILED, failure))
            shown = top_up.model_dump(include={"wallet_id", "currency", "amount", "automatic"})
            told = TopUpFailed(**shown, top_up_id=top_up_id, failure=failure)
            await self._events.announce(told, org_id=org_id, aggregate_id=top_up.wallet_id)

    def _new(self, wallet: Wallet, amount: PositiveAmount, *, created_by: UUID | None) -> TopUp:
        return TopUp(
            id=self._new_id(),
            org_id=wallet.org_id,
            wallet_id=wallet.id,
            currency=wallet.currency,
            amount=amount,
            automatic=created_by is None,
            created_by=created_by,
            created_at=self._clock.now(),
        )

    def _settled(self, top_up: TopUp, status: TopUpStatus, failure: str | None = None) -> TopUp:
        return top_up.model_copy(update={"status": status, "failure": failure, "settled_at": self._clock.now()})

    async def _requested(self, top_up: TopUp) -> None:
        shown = top_up.model_dump(include={"wallet_id", "currency", "amount", "automatic"})
        requested = TopUpRequested(**shown, top_up_id=top_up.id)
        await self._events.announce(requested, org_id=top_up.org_id, aggregate_id=top_up.wallet_id)

    async def _wallet(self, principal: Principal, wallet_id: UUID) -> Wallet:
        found = await self._wallets.find(principal.org_id, wallet_id, now=self._clock.now())
        if found is None:
            raise UnknownWallet
        return found

    async def _locked(self, org_id: UUID, top_up_id: UUID) -> TopUp:
        found = await self._top_ups.locked(org_id, top_up_id)
        if found is None:
            raise UnknownTopUp
        return found
