"""Buy credit."""

from uuid import UUID

from billing.payments.models import Purpose, PurposeKind
from billing.payments.ports import Charges
from billing.wallets.models import PositiveAmount, TopUp
from billing.wallets.top_ups import TopUpService
from llmo_auth.principal import Principal
from llmo_data.ports import Transaction


class BuyingService:
    """Requests top-ups and has them paid for."""

    def __init__(self, *, top_ups: TopUpService, charges: Charges, transaction: Transaction) -> None:
        self._top_ups = top_ups
        self._charges = charges
        self._transaction = transaction

    async def buy(
        self, principal: Principal, wallet_id: UUID, amount: PositiveAmount, *, method_id: UUID | None
    ) -> TopUp:
        """Ask for credit and charge for it, by the default payment method unless another is named.

        It is pending: it is charged once this is committed, and what comes of that makes credit of it.
        Raises UnknownWallet, UnchargeableAmount, NoPaymentMethod, UnknownMethod, AmountNotChargeable.
        """
        async with self._transaction(principal.org_id):
            top_up = await self._top_ups.request(principal, wallet_id, amount)
            purpose = Purpose(kind=PurposeKind.TOP_UP, id=top_up.id)
            await self._charges.charge(
                principal.org_id, purpose, amount=amount, currency=top_up.currency, method_id=method_id
            )
        return top_up
