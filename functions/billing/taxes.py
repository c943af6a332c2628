"""Taxes on a line: every rate by itself, rounded half to even where the line is.

Lines are taxed one by one, as https://support.stripe.com/questions/rounding-rules-for-stripe-fees shows, so that the
taxes of an invoice are the sum of what its lines say and a line can be credited with the tax it had.
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field, model_validator

from billing.exact import nearest
from billing.fields import Code, MinorUnits, Percent
from llmo_core.currencies import Currency
from llmo_core.fields import Name
from llmo_core.model import Model

MOST_RATES = 5  # as on a line of Stripe's: https://docs.stripe.com/invoicing/taxes/tax-rates
_HUNDRED = 100


class TaxBehavior(StrEnum):
    """Whether taxes come on top of prices (`exclusive`), or are part of them (`inclusive`)."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


class TaxRate(Model):
    """A tax, as a percentage of the net amount."""

    code: Code
    name: Name
    percent: Percent


class Taxation(Model):
    """How a line is taxed; without rates it is not."""

    behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    rates: Annotated[tuple[TaxRate, ...], Field(max_length=MOST_RATES)] = ()

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        if len({rate.code for rate in self.rates}) < len(self.rates):
            raise ValueError("each rate is on a line once")
        return self


UNTAXED = Taxation()


class TaxAmount(Model):
    """What a tax is of a net amount, in minor units."""

    code: str
    name: str
    percent: Percent
    amount: MinorUnits


class TaxedAmount(Model):
    """An amount with its taxes, in minor units: `net` and the taxes are exactly `gross`."""

    net: MinorUnits
    taxes: Sequence[TaxAmount]
    gross: MinorUnits


def taxed(amount: MinorUnits, taxation: Taxation, currency: Currency) -> TaxedAmount:
    """Tax an amount, negative ones of credits as well: the taxes of an amount and of its credit add up to nothing."""
    fractions = [Fraction(rate.percent) / _HUNDRED for rate in taxation.rates]
    if taxation.behavior is TaxBehavior.EXCLUSIVE:
        net = amount
        amounts = [_rounded(net * fraction, currency) for fraction in fractions]
    else:
        exact_net = amount / (1 + sum(fractions, Fraction()))
        net = _rounded(exact_net, currency)
        amounts = _apportioned(amount - net, [exact_net * fraction for fraction in fractions], currency)
    taxes = [
        TaxAmount(code=rate.code, name=rate.name, percent=rate.percent, amount=part)
        for rate, part in zip(taxation.rates, amounts, strict=True)
    ]
    return TaxedAmount(net=net, taxes=taxes, gross=net + sum(amounts))


def _apportioned(whole: int, exact: Sequence[Fraction], currency: Currency) -> list[int]:
    """Parts that add up to the whole: each rounded toward zero, and what is left to those that lost the most by it.

    The first of equals gets it first.
    """
    sign = -1 if whole < 0 else 1
    step = currency.increment
    parts = [abs(part) // step * step for part in exact]
    lost = sorted(range(len(exact)), key=lambda index: parts[index] - abs(exact[index]))
    for index in lost[: (abs(whole) - sum(parts)) // step]:
        parts[index] += step
    return [sign * part for part in parts]


def _rounded(amount: Fraction, currency: Currency) -> int:
    return nearest(amount.numerator, amount.denominator, currency)
