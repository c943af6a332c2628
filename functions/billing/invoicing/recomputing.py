"""Recompute an invoice from its breakdown, without anything of what computed it.

It is meant to be read and run by those who doubt an invoice: plain fractions, one formula for each kind of price, no
import besides the standard library's, and nothing taken from the breakdown that is a result (components, taxes, totals)
except the credits that were applied. A quantity may be replaced by one's own count of it.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

_VERSION = 1


class UnknownVersion(ValueError):
    """The breakdown is of a version that came after this."""


class Recomputed(NamedTuple):
    """What an invoice comes to, in minor units; `tax` is what all taxes come to."""

    subtotal: int
    tax: int
    total: int
    amount_due: int


def recompute(breakdown: Mapping[str, Any]) -> Recomputed:
    """What the breakdown of an invoice, as its JSON is read, comes to. Raises UnknownVersion."""
    if breakdown["version"] != _VERSION:
        raise UnknownVersion
    subtotal = tax = 0
    for line in breakdown["lines"]:
        net, line_tax = _line(line, breakdown["exponent"], breakdown["increment"])
        subtotal += net
        tax += line_tax
    total = subtotal + tax
    paid = sum(credit["amount"] for credit in breakdown["credits"])
    return Recomputed(subtotal, tax, total, max(total, 0) - paid)


def _line(line: Mapping[str, Any], exponent: int, increment: int) -> tuple[int, int]:
    share = Fraction(line["share"]["days"], line["share"]["of"]) * 10**exponent

    def amount_of(quantity: str) -> int:
        return _to_increment(_price(line["price"], Fraction(quantity), Fraction(line["included"])) * share, increment)

    amount = amount_of(line["quantity"])
    if line["kind"] == "adjustment":
        amount -= amount_of(line["billed_quantity"])
    if line["kind"] == "unused":
        amount = -amount
    return _net_and_tax(amount, line["taxation"], increment)


def _net_and_tax(amount: int, taxation: Mapping[str, Any], increment: int) -> tuple[int, int]:
    rates = [Fraction(rate["percent"]) / 100 for rate in taxation["rates"]]
    if taxation["behavior"] == "inclusive":
        net = _to_increment(Fraction(amount) / (1 + sum(rates)), increment)
        return net, amount - net
    return amount, sum(_to_increment(amount * rate, increment) for rate in rates)


def _to_increment(amount: Fraction, increment: int) -> int:
    """Python rounds fractions half to even."""
    return round(amount / increment) * increment


def _price(price: Mapping[str, Any], quantity: Fraction, included: Fraction) -> Fraction:
    if price["kind"] == "flat":
        return Fraction(price["amount"])
    units = quantity - included
    return _FORMULAS[price["kind"]](price, units) if units > 0 else Fraction(0)


def _per_unit(price: Mapping[str, Any], units: Fraction) -> Fraction:
    return units * Fraction(price["unit_price"])


def _package(price: Mapping[str, Any], units: Fraction) -> Fraction:
    return ceil(units / Fraction(price["size"])) * Fraction(price["package_price"])


def _pass_through(price: Mapping[str, Any], units: Fraction) -> Fraction:
    rate = Fraction(1) if price["usd_rate"] is None else Fraction(price["usd_rate"])
    return units * (100 + Fraction(price["markup_percent"])) / 100 * rate


def _graduated(price: Mapping[str, Any], units: Fraction) -> Fraction:
    """Fill one tier after the other until no units are left."""
    cost, filled = Fraction(0), Fraction(0)
    for tier in price["tiers"]:
        if units <= filled:
            break
        end = units if tier["up_to"] is None else min(units, Fraction(tier["up_to"]))
        cost += (end - filled) * Fraction(tier["unit_price"]) + Fraction(tier["flat_fee"])
        filled = end
    return cost


def _volume(price: Mapping[str, Any], units: Fraction) -> Fraction:
    """The last tier that begins below the units."""
    tiers = price["tiers"]
    begins = [Fraction(0), *(Fraction(tier["up_to"]) for tier in tiers[:-1])]
    tier = [tier for tier, begin in zip(tiers, begins, strict=True) if begin < units][-1]
    return units * Fraction(tier["unit_price"]) + Fraction(tier["flat_fee"])


def _percentage(price: Mapping[str, Any], units: Fraction) -> Fraction:
    cost = units * Fraction(price["percent"]) / 100 + Fraction(price["fixed_fee"])
    cost = max(cost, Fraction(price["minimum"]))
    return cost if price["cap"] is None else min(cost, Fraction(price["cap"]))


_FORMULAS = {
    "per_unit": _per_unit,
    "package": _package,
    "graduated": _graduated,
    "volume": _volume,
    "percentage": _percentage,
    "pass_through": _pass_through,
}
