"""Buy credit."""

from uuid import UUID

from billing.payments.errors import NoPaymentMethod
from billing.payments.models import Purpose, PurposeKind
from billing.payments.ports import Charges
from billing.wallets.models import PositiveAmount, TopUp
from billing.wallets.ports import Wallets
from billing.wallets.top_ups import TopUpService
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.currencies import Currency
from llmo_data.ports import Transaction


class BuyingService:
    """Requests top-ups and has them paid for."""

    def __init__(
        self, *, wallets: Wallets, top_ups: TopUpService, charges: Charges, transaction: Transaction, clock: Clock
    ) -> None:
        self._wallets = wallets
        self._top_ups = top_ups
        self._charges = charges
        self._transaction = transaction
        self._clock = clock

    async def buy(
        self, principal: Principal, wallet_id: UUID, amount: PositiveAmount, *, method_id: UUID | None
    ) -> TopUp:
        """Ask for credit and charge for it, by the default payment method unless another is named.

        It is pending: it is charged once this is committed, and what comes of that makes credit of it.
        Raises UnknownWallet, UnchargeableAmount, NoPaymentMethod, UnknownMethod, AmountNotChargeable.
        """
        async with self._transaction(principal.org_id):
            top_up = await self._top_ups.request(principal, wallet_id, amount)
            await self._charge(top_up, method_id)
        return top_up

    async def buy_if_low(self, org_id: UUID, currency: Currency) -> TopUp | None:
        """The same by itself, where little is left in a wallet that is to be topped up then; None where it is not.

        Without a payment method it fails at once. Safe to repeat while one is under way.
        """
        async with self._transaction(org_id):
            wallet = await self._wallets.locked(org_id, currency, now=self._clock.now())
            top_up = await self._top_ups.request_if_low(wallet) if wallet is not None else None
            if top_up is None:
                return None
            try:
                await self._charge(top_up, None)
            except NoPaymentMethod as error:
                await self._top_ups.failed(org_id, top_up.id, error.code)
        return top_up

    async def _charge(self, top_up: TopUp, method_id: UUID | None) -> None:
        purpose = Purpose(kind=PurposeKind.TOP_UP, id=top_up.id)
        await self._charges.charge(
            top_up.org_id, purpose, amount=top_up.amount, currency=top_up.currency, method_id=method_id
        )
