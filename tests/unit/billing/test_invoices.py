"""Invoices as they are computed."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.exact import AmountTooLarge
from billing.invoicing.computing import ComputedInvoice, Credit, compute
from billing.invoicing.items import Item, ItemKind, MissingAggregate, adjustments, advance, change, usage
from billing.pricing.components import UnratableQuantity
from billing.pricing.plans import PlanVersion
from billing.proration import CurrenciesDiffer, Share, Subscribed, share_from
from billing.taxes import UNTAXED, Taxation, TaxBehavior, TaxRate
from llmo_core.currencies import Currency
from tests.unit.billing.strategies import PERIOD, counts_of, plans, quantities, shares, taxations

VAT = Taxation(rates=(TaxRate(code="vat", name="VAT", percent=Decimal(19)),))
WITH_VAT = Taxation(behavior=TaxBehavior.INCLUSIVE, rates=VAT.rates)
CHARGES: list[dict[str, Any]] = [
    {"code": "fee", "name": "Base fee", "basis": "recurring", "price": {"kind": "flat", "amount": "20"}},
    {
        "code": "seats",
        "name": "Seats",
        "basis": "seats",
        "included": "1",
        "price": {"kind": "per_unit", "unit_price": "7.5"},
    },
    {
        "code": "tokens",
        "name": "Tokens",
        "basis": "usage",
        "meter": "tokens",
        "included": "1000000",
        "price": {"kind": "package", "size": "1000000", "package_price": "0.333"},
    },
    {
        "code": "llm",
        "name": "LLM cost",
        "basis": "usage",
        "meter": "cost",
        "price": {"kind": "pass_through", "markup_percent": "15"},
    },
]


def plan(fee: str = "20", currency: str = "USD") -> PlanVersion:
    charges = [{**CHARGES[0], "price": {"kind": "flat", "amount": fee}}, *CHARGES[1:3]]
    return PlanVersion.model_validate(
        {
            "currency": currency,
            "cadence": {"interval": "month"},
            "charges": [*charges, *(CHARGES[3:] if currency == "USD" else [])],
        }
    )


def amounts(invoice: ComputedInvoice) -> Mapping[str, int]:
    return {line.code: line.amount for line in invoice.lines}


def test_an_invoice_has_what_is_due_in_advance_and_what_was_used() -> None:
    subscribed = Subscribed(plan=plan(), seats=Decimal(3))
    counted = {"tokens": Decimal(4_200_000), "cost": Decimal("12.345678901234")}

    invoice = compute(Currency.USD, [*usage(plan().for_usage, counted, PERIOD, VAT), *advance(subscribed, PERIOD, VAT)])

    # 4 packages at 0.333 are 1.332; 12.345678901234 x 1.15 is 14.1975307364191
    assert amounts(invoice) == {"tokens": 133, "llm": 1420, "fee": 2000, "seats": 1500}
    assert invoice.subtotal == 5053
    assert [(tax.code, tax.amount) for tax in invoice.taxes] == [("vat", 25 + 270 + 380 + 285)]
    assert invoice.total == invoice.amount_due == 6013
    assert invoice.owed == 0


def test_a_line_shows_what_it_was_computed_from() -> None:
    (line, _) = compute(
        Currency.USD, usage(plan().for_usage, {"tokens": Decimal(2_000_001), "cost": Decimal(0)}, PERIOD, WITH_VAT)
    ).lines

    assert (line.kind, line.code, line.meter, line.period) == (ItemKind.USAGE, "tokens", "tokens", PERIOD)
    assert [line.quantity, line.included] == [2_000_001, 1_000_000]
    (part,) = line.components
    assert [part.units, part.quantity, part.unit_price] == [1_000_001, 2, Decimal("0.333")]
    assert (line.amount, line.net, [tax.amount for tax in line.taxes], line.gross) == (67, 56, [11], 67)


def test_an_upgrade_credits_what_is_left_and_charges_what_is_had_instead() -> None:
    share = share_from(PERIOD, date(2026, 11, 21), "UTC")
    old, new = Subscribed(plan=plan("20")), Subscribed(plan=plan("50"), seats=Decimal(2))

    invoice = compute(Currency.USD, change(old, new, PERIOD, share, UNTAXED))

    assert [(line.kind, line.code, line.amount) for line in invoice.lines] == [
        (ItemKind.UNUSED, "fee", -667),
        (ItemKind.UNUSED, "seats", 0),
        (ItemKind.REMAINING, "fee", 1667),
        (ItemKind.REMAINING, "seats", 250),
    ]
    assert invoice.total == 1250


@given(plans(), quantities, shares(), taxations())
def test_changing_to_what_one_has_costs_nothing(
    version: PlanVersion, seats: Decimal, share: Share, taxation: Taxation
) -> None:
    subscribed = Subscribed(plan=version, seats=seats)
    invoice = compute(version.currency, change(subscribed, subscribed, PERIOD, share, taxation))

    assert (invoice.subtotal, invoice.total, invoice.amount_due, invoice.owed) == (0, 0, 0, 0)
    assert all(tax.amount == 0 for tax in invoice.taxes)


@given(plans(), st.lists(st.tuples(quantities, st.integers(0, 30)), max_size=5), taxations())
def test_a_chain_of_changes_and_back_again_costs_what_it_would_have_without(
    version: PlanVersion, steps: list[tuple[Decimal, int]], taxation: Taxation
) -> None:
    """On one day, whatever one changes to and however often: only the last counts."""
    share = Share(days=17, of=30)
    chain = [Subscribed(plan=version, seats=seats) for seats, _ in [(Decimal(1), 0), *steps]]
    items = [item for old, new in pairwise(chain) for item in change(old, new, PERIOD, share, taxation)]

    at_once = compute(version.currency, change(chain[0], chain[-1], PERIOD, share, taxation))

    assert compute(version.currency, items).total == at_once.total


@given(
    st.lists(plans(currency=Currency.USD), min_size=1, max_size=4),
    st.lists(st.integers(1, 30), min_size=3, max_size=3).map(lambda left: sorted(left, reverse=True)),
)
def test_any_chain_of_changes_costs_each_plan_for_its_days_but_for_the_rounding_of_each_line(
    versions: list[PlanVersion], days_left: list[int]
) -> None:
    chain = [Subscribed(plan=version) for version in versions]
    items = [*advance(chain[0], PERIOD, UNTAXED)]
    for (old, new), left in zip(pairwise(chain), days_left, strict=False):
        items += change(old, new, PERIOD, Share(days=left, of=30), UNTAXED)

    ends = [*days_left[: len(chain) - 1], 0]
    exact = sum(
        (
            Fraction(subscribed.in_advance) * (start - end) / 30
            for subscribed, start, end in zip(chain, [30, *ends], ends, strict=False)
        ),
        Fraction(),
    )

    assert abs(compute(Currency.USD, items).total - 100 * exact) * 2 <= len(items)


def test_more_credited_than_charged_is_owed_to_the_customer() -> None:
    share = Share(days=1, of=2)
    invoice = compute(
        Currency.USD,
        change(Subscribed(plan=plan("50")), Subscribed(plan=plan("20")), PERIOD, share, VAT),
        [Credit(id="grant", available=500)],
    )

    assert (invoice.total, invoice.amount_due, invoice.owed, invoice.credits) == (-1785, 0, 1785, ())


def test_credits_are_taken_in_the_order_they_are_offered_and_no_more_than_is_due() -> None:
    items = advance(Subscribed(plan=plan()), PERIOD, UNTAXED)
    offered = [Credit(id=name, available=left) for name, left in [("a", 500), ("b", 0), ("c", 2000), ("d", 1)]]

    invoice = compute(Currency.USD, items, offered)

    assert [(credit.id, credit.amount) for credit in invoice.credits] == [("a", 500), ("c", 1500)]
    assert invoice.amount_due == 0
    assert compute(Currency.USD, items, offered[:2]).amount_due == 1500


def test_credits_leave_an_amount_that_can_be_charged() -> None:
    items = advance(Subscribed(plan=plan("1", "KWD")), PERIOD, UNTAXED)

    invoice = compute(Currency.KWD, items, [Credit(id="odd", available=125)])

    assert (invoice.total, invoice.credits[0].amount, invoice.amount_due) == (1000, 120, 880)


@given(plans(), st.data(), taxations())
def test_usage_that_comes_late_in_any_number_of_parts_costs_what_it_would_have_cost_at_once(
    version: PlanVersion, data: st.DataObject, taxation: Taxation
) -> None:
    untaxed = Taxation(behavior=taxation.behavior)
    known = data.draw(st.lists(counts_of(version), min_size=1, max_size=4))
    items: list[Item] = [*usage(version.for_usage, known[0], PERIOD, untaxed)]
    for before, after in pairwise(known):
        items += adjustments(version.for_usage, before, after, PERIOD, untaxed)

    at_once = compute(version.currency, usage(version.for_usage, known[-1], PERIOD, untaxed))

    assert compute(version.currency, items).total == at_once.total


def test_a_stretch_of_a_period_has_its_share_of_what_is_included() -> None:
    counted = {"tokens": Decimal(1_000_000), "cost": Decimal(0)}
    third = Share(days=10, of=30)

    (late, _) = usage(plan().for_usage, counted, PERIOD, UNTAXED, share=third)
    (adjusted,) = adjustments(
        plan().for_usage, {**counted, "tokens": Decimal(0)}, counted, PERIOD, UNTAXED, share=third
    )

    assert late.included == adjusted.included == Decimal("333333.333333333334")
    assert [line.amount for line in compute(Currency.USD, [late, adjusted]).lines] == [33, 33]


def test_an_adjustment_is_only_for_what_has_changed() -> None:
    billed = {"tokens": Decimal(1_500_000), "cost": Decimal(3)}

    items = adjustments(plan().for_usage, billed, {**billed, "cost": Decimal(5)}, PERIOD, UNTAXED)

    (line,) = compute(Currency.USD, items).lines
    assert (line.kind, line.code, line.amount) == (ItemKind.ADJUSTMENT, "llm", 230)
    assert [line.quantity, line.billed_quantity] == [5, 3]


def test_what_nobody_has_counted_is_not_nothing() -> None:
    with pytest.raises(MissingAggregate, match="`cost`"):
        usage(plan().for_usage, {"tokens": Decimal(0)}, PERIOD, UNTAXED)
    with pytest.raises(MissingAggregate, match="`tokens`"):
        adjustments(plan().for_usage, {}, {"tokens": Decimal(0), "cost": Decimal(0)}, PERIOD, UNTAXED)


@pytest.mark.parametrize("counted", [Decimal(-1), Decimal(10**18 + 1)])
def test_a_quantity_that_nobody_can_have_used_is_refused(counted: Decimal) -> None:
    items = usage(plan().for_usage, {"tokens": counted, "cost": Decimal(0)}, PERIOD, UNTAXED)

    with pytest.raises(UnratableQuantity):
        compute(Currency.USD, items)


def test_an_amount_that_nobody_can_pay_is_refused() -> None:
    items = usage(plan().for_usage, {"tokens": Decimal(0), "cost": Decimal(10**18)}, PERIOD, UNTAXED)

    with pytest.raises(AmountTooLarge):
        compute(Currency.USD, items)


def test_a_change_stays_in_one_currency() -> None:
    with pytest.raises(CurrenciesDiffer):
        change(Subscribed(plan=plan()), Subscribed(plan=plan(currency="EUR")), PERIOD, Share(days=1, of=2), UNTAXED)


def test_an_invoice_without_lines_comes_to_nothing() -> None:
    assert compute(Currency.USD, []).total == 0
