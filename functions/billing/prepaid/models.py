"""What an organization that pays in advance may spend, and what is announced of it."""

from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Annotated, Final, NamedTuple
from uuid import UUID

from pydantic import Field

from billing.exact import decimal_of, total
from billing.fields import MOST_DECIMALS, MinorUnits, UnitPrice
from billing.models import ChangedMeanwhile
from llmo_core.errors import Invalid
from llmo_core.fields import Moment
from llmo_core.model import Model
from llmo_messaging.envelope import Event

MOST_DOLLARS: Final = Decimal(9_000_000)
_CENTS: Final = 100

type LimitInDollars = Annotated[UnitPrice, Field(le=MOST_DOLLARS)]
"""As much as the gateway's counters take: pico-dollars in 64 bits."""


class Owed(NamedTuple):
    """What an organization owes that no invoice has taken of its credit yet, in cents.

    Attributes:
        amount: What it comes to, with taxes, rounded line by line.
        slack: By how much more it could come to without another call, because lines are rounded.
        factor: What a dollar that a call costs adds to it: markup, and taxes on top; 1 where costs are not passed on.
        in_dollars: Whether it is in US dollars at all.
    """

    amount: MinorUnits = 0
    slack: MinorUnits = 0
    factor: Decimal = Decimal(1)
    in_dollars: bool = True


class Prepaid(Model):
    """Whether an organization pays in advance.

    Attributes:
        since: From when on calls count; None where it does not.
        counted_usd: What the calls that started since then have cost, as far as they are known.
        limit_usd: What they may cost together, as it was announced the last time.
        announced: How often it was.
        revision: 1, and one more whenever the operator decides otherwise.
    """

    org_id: UUID
    since: Moment | None = None
    counted_usd: Decimal = Decimal(0)
    limit_usd: LimitInDollars | None = None
    announced: int = 0
    revision: int = 1

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile

    def limit(self, balance: MinorUnits, owed: Owed) -> Decimal:
        """What calls may cost together, as `counted_usd` is counted: what they did, and what is left of the credit.

        All three are of one snapshot. What a call costs more is then owed more by as much, so that it makes no
        difference whether it is known already.
        """
        left = max(balance - owed.amount - owed.slack, 0) if owed.in_dollars else 0
        dollars = floor(Fraction(left, _CENTS) / Fraction(owed.factor) * 10**MOST_DECIMALS)
        return min(total((self.counted_usd, decimal_of(dollars, MOST_DECIMALS))), MOST_DOLLARS)


class PrepaidLimitChanged(Event, name="llmo.billing.prepaid_limit.changed"):
    """What an organization's calls since a moment may cost together; null when it does not pay in advance any more.

    Of two, the one with the higher revision is in force.
    """

    revision: int
    limit_usd: LimitInDollars | None
    since: Moment | None


class PrepaidInDollarsOnly(Invalid):
    """Who pays in advance is billed in US dollars, as calls cost: the subscription is in another currency."""
