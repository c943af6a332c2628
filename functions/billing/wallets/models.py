"""Wallets, grants and top-ups, and what can go wrong with them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from billing.exact import MOST_MINOR_UNITS
from billing.fields import MinorUnits
from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, Invalid, NotFound, Stale
from llmo_core.model import Model

type PositiveAmount = Annotated[MinorUnits, Field(gt=0, le=MOST_MINOR_UNITS)]
"""More than nothing, in minor units of a currency."""

type Priority = Annotated[int, Field(ge=1, le=100)]
"""1 is spent first."""

GIVEN: Priority = 10
PAID_FOR: Priority = 50


class AutomaticTopUp(Model):
    """A wallet with less than `below` is topped up with `amount`, from the default payment method."""

    below: PositiveAmount
    amount: PositiveAmount


class WalletSettings(Model):
    """What the organization decides of its wallet.

    Attributes:
        low_balance: Whoever has less than this is told, once until it is more again.
    """

    name: str
    low_balance: PositiveAmount | None = None
    automatic_top_up: AutomaticTopUp | None = None

    def require_chargeable(self, currency: Currency) -> None:
        """Raise UnchargeableAmount where it could not be topped up by itself in this currency."""
        if self.automatic_top_up is not None:
            require_chargeable(self.automatic_top_up.amount, currency)


class Wallet(WalletSettings):
    """An organization's prepaid credit in one currency.

    Attributes:
        balance: What is left of all grants that have not expired, in minor units.
        revision: 1, and one more with each change of the settings.
    """

    id: UUID
    org_id: UUID
    currency: Currency
    balance: MinorUnits = 0
    revision: int = 1
    created_at: AwareDatetime

    @property
    def is_low(self) -> bool:
        """Whether somebody wants to be told of the balance."""
        return self.low_balance is not None and self.balance < self.low_balance

    @property
    def wants_top_up(self) -> bool:
        """Whether it is to be topped up by itself."""
        return self.automatic_top_up is not None and self.balance < self.automatic_top_up.below

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise WalletChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise WalletChangedMeanwhile

    def set_to(self, settings: WalletSettings) -> Self:
        """The same with other settings."""
        return self.model_copy(update={**dict(settings), "revision": self.revision + 1})


class Source(StrEnum):
    """Where the credit of a grant comes from.

    It was paid for, given away, left over of an invoice or its payment, given back because an invoice had taken it, or
    a credit note gives it for what money had paid.
    """

    TOP_UP = "top_up"
    PROMOTION = "promotion"
    OVERPAYMENT = "overpayment"
    RESTORED = "restored"
    CREDIT_NOTE = "credit_note"


BY_MONEY: Final = frozenset({Source.TOP_UP, Source.OVERPAYMENT, Source.CREDIT_NOTE})
"""Where credit comes from that somebody paid for."""


class Grant(Model):
    """Credit.

    Attributes:
        reference: The top-up, invoice, payment or credit note it comes of; the grant itself where it is given away.
        reason: Why it is given away.
        expires_at: Nothing of it can be spent from then on; None: never.
    """

    id: UUID
    org_id: UUID
    wallet_id: UUID
    currency: Currency
    source: Source
    reference: UUID
    reason: str = ""
    amount: PositiveAmount
    remaining: MinorUnits
    priority: Priority
    expires_at: AwareDatetime | None = None
    created_at: AwareDatetime

    def expired(self, now: datetime) -> bool:
        """Whether it can be spent no more."""
        return self.expires_at is not None and self.expires_at <= now


class TopUpStatus(StrEnum):
    """How far a top-up is."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TopUp(Model):
    """Credit that is being paid for.

    Attributes:
        failure: Why it was not paid.
        created_by: None where it was made because the balance was low.
    """

    id: UUID
    org_id: UUID
    wallet_id: UUID
    currency: Currency
    amount: PositiveAmount
    automatic: bool
    status: TopUpStatus = TopUpStatus.PENDING
    failure: str | None = None
    created_by: UUID | None
    created_at: AwareDatetime
    settled_at: AwareDatetime | None = None


def in_order(grants: Iterable[Grant], now: datetime) -> Sequence[Grant]:
    """What can be spent, in the order in which it is: by priority, then what expires first, then the oldest."""

    def rank(grant: Grant) -> tuple[Any, ...]:
        lasting = grant.expires_at is None
        return grant.priority, lasting, now if lasting else grant.expires_at, grant.id

    return sorted((grant for grant in grants if grant.remaining and not grant.expired(now)), key=rank)


def require_chargeable(amount: MinorUnits, currency: Currency) -> None:
    """Raise UnchargeableAmount for what no card can be charged with in this currency."""
    if amount % currency.increment:
        raise UnchargeableAmount(f"In {currency} amounts are multiples of {currency.increment} minor units.")


class UnknownWallet(NotFound):
    """There is no wallet with this id."""


class UnknownTopUp(NotFound):
    """There is no top-up with this id."""


class WalletExists(Conflict):
    """There is a wallet in this currency already."""


class WalletChangedMeanwhile(Stale):
    """The wallet has another revision by now: read it again, and decide anew."""


class UnchargeableAmount(Invalid):
    """No card can be charged with this amount."""


class ExpiryInThePast(Invalid):
    """Credit expires in the future."""


class GrantDiffers(Conflict):
    """Other credit was given under this id."""


class CreditSpentMeanwhile(Conflict):
    """Less is left of the grants than was to be taken: compute the invoice again."""
