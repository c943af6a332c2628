"""What wallets announce."""

from uuid import UUID

from pydantic import AwareDatetime

from billing.fields import MinorUnits
from billing.wallets.models import Source
from llmo_core.currencies import Currency
from llmo_messaging.envelope import Event


class WalletCreated(Event, name="llmo.billing.wallet.created"):
    """There is a wallet in another currency."""

    wallet_id: UUID
    currency: Currency
    created_by: UUID | None


class WalletChanged(Event, name="llmo.billing.wallet.changed"):
    """Its name, its low balance or its automatic top-up are other ones."""

    wallet_id: UUID
    changed_by: UUID


class CreditGranted(Event, name="llmo.billing.credit.granted"):
    """There is more credit; `balance` includes it. Amounts are in minor units."""

    wallet_id: UUID
    grant_id: UUID
    source: Source
    currency: Currency
    amount: MinorUnits
    balance: MinorUnits
    expires_at: AwareDatetime | None


class CreditSpent(Event, name="llmo.billing.credit.spent"):
    """An invoice was paid by credit, or a part of it; `balance` is what is left, in minor units."""

    wallet_id: UUID
    invoice_id: UUID
    currency: Currency
    amount: MinorUnits
    balance: MinorUnits


class CreditReclaimed(Event, name="llmo.billing.credit.reclaimed"):
    """The money that paid for credit went back, by a refund or a dispute (`reference`); `balance` is what is left."""

    wallet_id: UUID
    reference: UUID
    currency: Currency
    amount: MinorUnits
    balance: MinorUnits


class CreditExpired(Event, name="llmo.billing.credit.expired"):
    """What was left of a grant can be spent no more; `balance` is without it, in minor units."""

    wallet_id: UUID
    grant_id: UUID
    currency: Currency
    amount: MinorUnits
    balance: MinorUnits


class CreditLow(Event, name="llmo.billing.credit.low"):
    """The balance fell below the one that somebody wants to be told of; both in minor units."""

    wallet_id: UUID
    currency: Currency
    balance: MinorUnits
    low_balance: MinorUnits


class TopUpRequested(Event, name="llmo.billing.top_up.requested"):
    """Credit is to be paid for."""

    wallet_id: UUID
    top_up_id: UUID
    currency: Currency
    amount: MinorUnits
    automatic: bool


class TopUpFailed(Event, name="llmo.billing.top_up.failed"):
    """Credit was not paid for."""

    wallet_id: UUID
    top_up_id: UUID
    currency: Currency
    amount: MinorUnits
    automatic: bool
    failure: str
