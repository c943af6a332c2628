"""Revenue, month by month. Amounts are in minor units of one currency, months those of UTC."""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from billing.fields import MinorUnits
from billing.ledger.bookings import Account, Kind
from llmo_core.currencies import Currency
from llmo_core.errors import Invalid
from llmo_core.model import Model

MOST_MONTHS: Final = 36
"""How many are shown at once."""

_EARNED: Final = {Account.REVENUE, Account.BREAKAGE, Account.REFUNDS}
_BACK: Final = {Kind.REFUNDED, Kind.REFUND_FAILED, Kind.DISPUTED}


class TooManyMonths(Invalid):
    """So many months are not shown at once, or the last one comes before the first."""


class Movement(Model):
    """What recurs at a month's end, and how that came of what did at its beginning.

    Attributes:
        recurring: Per month, of customers of whom something recurs: MRR.
        new: Of customers who had none before.
        reactivated: Of those who had some once, and none at the beginning.
        expanded: What became more, of customers who had some.
        contracted: What became less; a positive number, as is `churned`.
        churned: Of those who have none any more.
    """

    customers: int = 0
    new_customers: int = 0
    reactivated_customers: int = 0
    churned_customers: int = 0
    recurring: MinorUnits = 0
    new: MinorUnits = 0
    reactivated: MinorUnits = 0
    expanded: MinorUnits = 0
    contracted: MinorUnits = 0
    churned: MinorUnits = 0

    @property
    def customers_before(self) -> int:
        """How many there were at the beginning."""
        return self.customers - self.new_customers - self.reactivated_customers + self.churned_customers

    @property
    def recurring_before(self) -> MinorUnits:
        """What recurred at the beginning."""
        return self.recurring - self.new - self.reactivated - self.expanded + self.contracted + self.churned


class Booked(NamedTuple):
    """What was booked of a kind in an account until the end of a month, and in that month alone."""

    kind: Kind
    account: Account
    until_then: MinorUnits
    in_month: MinorUnits

    @property
    def went_back(self) -> bool:
        """Whether it is about money that goes back to customers, or comes again because their bank did not take it."""
        return self.kind in _BACK


class Month(Model):
    """A month's revenue in a currency.

    Attributes:
        until: What is known of it; its end, or the present.
        complete: Whether it has ended.
    """

    month: date
    until: datetime
    complete: bool
    currency: Currency
    movement: Movement
    booked: tuple[Booked, ...] = ()

    @property
    def annual(self) -> MinorUnits:
        """What would recur in a year: ARR."""
        return 12 * self.movement.recurring

    @property
    def per_customer(self) -> MinorUnits | None:
        """What recurs of a customer on average, half-even: ARPA; None without customers."""
        if not self.movement.customers:
            return None
        average = Decimal(self.movement.recurring) / self.movement.customers
        return int(average.to_integral_value(ROUND_HALF_EVEN))

    @property
    def customer_churn(self) -> Decimal | None:
        """How many of a hundred customers were lost of those at the beginning; None where there were none."""
        return _percent(self.movement.churned_customers, self.movement.customers_before)

    @property
    def revenue_churn(self) -> Decimal | None:
        """How much of a hundred of what recurred at the beginning was lost, by whoever left or has less now."""
        return _percent(self.movement.churned + self.movement.contracted, self.movement.recurring_before)

    @property
    def earned(self) -> MinorUnits:
        """What was invoiced in the month, without taxes, less what was credited; and credit that nobody spent.

        Money that went back for nothing, by a refund or dispute that no credit note and no credit accounts for, lessens
        it by all of it: its taxes are still owed.
        """
        return -sum(booked.in_month for booked in self.booked if booked.account in _EARNED)

    @property
    def taxes(self) -> MinorUnits:
        """What was invoiced of taxes, less what was credited."""
        return -sum(booked.in_month for booked in self.booked if booked.account is Account.TAXES)

    @property
    def collected(self) -> MinorUnits:
        """Money that came."""
        return sum(booked.in_month for booked in self.booked if booked.account is Account.CASH and not booked.went_back)

    @property
    def returned(self) -> MinorUnits:
        """Money that went back, less what of that came again."""
        return -sum(booked.in_month for booked in self.booked if booked.account is Account.CASH and booked.went_back)

    @property
    def written_off(self) -> MinorUnits:
        """What was given up, less what came of that after all."""
        return sum(booked.in_month for booked in self.booked if booked.account is Account.BAD_DEBT)

    @property
    def outstanding(self) -> MinorUnits:
        """What was owed at the end."""
        return sum(booked.until_then for booked in self.booked if booked.account is Account.RECEIVABLE)

    @property
    def prepaid(self) -> MinorUnits:
        """Credit that customers had at the end, what was given away as well."""
        return -sum(booked.until_then for booked in self.booked if booked.account is Account.CREDIT)


def _percent(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(100 * part) / whole).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
