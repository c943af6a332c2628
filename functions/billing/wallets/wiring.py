"""The use cases of wallets with their adapters."""

from billing import wiring as shared
from billing.ledger.repository import PostgresLedger
from billing.payments.repository import PostgresRefunds
from billing.payments.wiring import charging
from billing.wallets.buying import BuyingService
from billing.wallets.credits import Credits, Told
from billing.wallets.expiry import ExpiryService
from billing.wallets.repository import PostgresGrants, PostgresTopUps, PostgresWallets
from billing.wallets.reversing import Backings, Reversal, TopUpBackings
from billing.wallets.settlement import TopUpSettlement
from billing.wallets.top_ups import TopUpService
from billing.wallets.wallets import WalletService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id

_TOLD: list[Told] = []


async def wallet_service() -> WalletService:
    """The use cases of wallets."""
    return WalletService(
        wallets=PostgresWallets(shared.database()),
        grants=PostgresGrants(shared.database()),
        credits_=organizations_credit(),
        operator=shared.operator(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def top_up_service() -> TopUpService:
    """The use cases of top-ups."""
    return _top_ups()


def _top_ups() -> TopUpService:
    return TopUpService(
        wallets=PostgresWallets(shared.database()),
        top_ups=PostgresTopUps(shared.database()),
        credits_=organizations_credit(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def buying_service() -> BuyingService:
    """The use case of credit that is bought."""
    return BuyingService(
        wallets=PostgresWallets(shared.database()),
        top_ups=_top_ups(),
        charges=await charging(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


def top_up_settlement() -> TopUpSettlement:
    """What comes of payments for top-ups."""
    return TopUpSettlement(_top_ups())


def top_up_reversal() -> Reversal:
    """What comes of money that goes back which paid for top-ups."""
    return reversal_of(TopUpBackings())


def reversal_of(backings: Backings) -> Reversal:
    """What comes of money that goes back, of payments that have become this."""
    return Reversal(
        backings=backings,
        credits_=organizations_credit(),
        ledger=PostgresLedger(shared.database(), new_id),
        refunds=PostgresRefunds(shared.database()),
        clock=SystemClock(),
        new_id=new_id,
    )


def expiry_service() -> ExpiryService:
    """The use case of credit that expires."""
    return ExpiryService(grants=PostgresGrants(shared.database()), credits_=organizations_credit(), clock=SystemClock())


def tell(told: Told) -> None:
    """Have somebody told of organizations whose credit changes without an invoice; once for each process."""
    if told not in _TOLD:
        _TOLD.append(told)


def organizations_credit() -> Credits:
    """What happens to credit."""
    return Credits(
        wallets=PostgresWallets(shared.database()),
        grants=PostgresGrants(shared.database()),
        ledger=PostgresLedger(shared.database(), new_id),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
        told=_TOLD,
    )
