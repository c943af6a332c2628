"""Somebody who has only the breakdown of an invoice finds the same total, to the cent."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.exact import total
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.computing import ComputedInvoice, Credit, compute
from billing.invoicing.items import adjustments, advance, change, usage
from billing.invoicing.recomputing import UnknownVersion, recompute
from billing.pricing.plans import Basis, Charge, PlanVersion
from billing.pricing.prices import Graduated, Volume
from billing.proration import Subscribed
from billing.taxes import UNTAXED
from llmo_core.currencies import Currency
from tests.unit.billing.strategies import (
    PERIOD,
    allowances,
    counts_of,
    currencies,
    decimal,
    plans,
    quantities,
    shares,
    taxations,
    tiers,
)

seat_counts = st.one_of(st.integers(0, 300).map(Decimal), quantities)


@st.composite
def invoices(draw: st.DrawFn) -> ComputedInvoice:
    """Of everything that can be on one, with taxes and credits of any kind."""
    currency = draw(currencies)
    old, new = (Subscribed(plan=draw(plans(currency)), seats=draw(seat_counts)) for _ in range(2))
    billed, counted = draw(counts_of(old.plan)), draw(counts_of(old.plan))
    items = [
        *usage(old.plan.for_usage, counted, PERIOD, draw(taxations()), share=draw(shares())),
        *adjustments(old.plan.for_usage, billed, counted, PERIOD, draw(taxations()), share=draw(shares())),
        *change(old, new, PERIOD, draw(shares()), draw(taxations())),
        *advance(new, PERIOD, draw(taxations()), share=draw(shares())),
    ]
    available = draw(st.lists(st.integers(0, 10**9), max_size=3))
    credits_ = [Credit(id=f"grant {number}", available=left) for number, left in enumerate(available)]
    return compute(currency, items, credits_)


def as_json(invoice: ComputedInvoice) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Breakdown.of(invoice).model_dump_json())
    return document


def without_results(breakdown: dict[str, Any]) -> dict[str, Any]:
    """The breakdown with every result taken out of it."""
    results = {"amount", "net", "taxes", "gross", "components", "billed_components"}
    lines = [{name: value for name, value in line.items() if name not in results} for line in breakdown["lines"]]
    kept = {name: breakdown[name] for name in ("version", "exponent", "increment", "credits")}
    return {**kept, "lines": lines}


@given(invoices())
def test_a_breakdown_recomputes_to_the_cent_from_nothing_but_what_was_used_and_what_it_costs(
    invoice: ComputedInvoice,
) -> None:
    recomputed = recompute(without_results(as_json(invoice)))

    assert recomputed.subtotal == invoice.subtotal
    assert recomputed.tax == sum(tax.amount for tax in invoice.taxes)
    assert recomputed.total == invoice.total == sum(line.gross for line in invoice.lines)
    assert recomputed.amount_due == invoice.amount_due


@given(invoices())
def test_every_amount_can_be_charged(invoice: ComputedInvoice) -> None:
    increment = invoice.currency.increment

    assert all(line.gross % increment == 0 for line in invoice.lines)
    assert invoice.amount_due % increment == 0
    assert invoice.amount_due >= 0
    assert invoice.amount_due - invoice.owed == invoice.total - sum(credit.amount for credit in invoice.credits)


@given(invoices())
def test_a_breakdown_is_json_that_reads_back_the_same(invoice: ComputedInvoice) -> None:
    breakdown = Breakdown.of(invoice)

    assert Breakdown.model_validate_json(breakdown.model_dump_json()) == breakdown


@given(plans(currency=Currency.USD), st.data())
def test_ones_own_count_may_be_put_in(version: PlanVersion, data: st.DataObject) -> None:
    theirs, mine = data.draw(counts_of(version)), data.draw(counts_of(version))
    breakdown = as_json(compute(version.currency, usage(version.for_usage, theirs, PERIOD, UNTAXED)))
    for line in breakdown["lines"]:
        line["quantity"] = f"{mine[line['meter']]:f}"

    expected = compute(version.currency, usage(version.for_usage, mine, PERIOD, UNTAXED)).total

    assert recompute(breakdown).total == expected


@given(st.one_of(st.builds(Graduated, tiers=tiers()), st.builds(Volume, tiers=tiers())), allowances, st.data())
def test_where_a_tier_ends_and_the_next_begins_both_computations_agree(
    price: Graduated | Volume, included: Decimal, data: st.DataObject
) -> None:
    ends = [tier.up_to for tier in price.tiers if tier.up_to is not None]
    assume(ends)
    nudge = decimal(data.draw(st.integers(-1, 1)), 12)
    quantity = total((included, data.draw(st.sampled_from(ends)), nudge))
    charge = Charge(code="it", name="It", basis=Basis.USAGE, meter="it", price=price, included=included)
    invoice = compute(Currency.USD, usage([charge], {"it": quantity}, PERIOD, UNTAXED))

    assert recompute(as_json(invoice)).total == invoice.total


def test_a_breakdown_says_how_amounts_are_rounded() -> None:
    breakdown = as_json(compute(Currency.KWD, []))

    assert breakdown == {
        "version": 1,
        "currency": "KWD",
        "exponent": 3,
        "increment": 10,
        "rounding": "half_even",
        "lines": [],
        "subtotal": 0,
        "taxes": [],
        "total": 0,
        "credits": [],
        "amount_due": 0,
        "owed": 0,
    }


def test_a_breakdown_of_a_later_version_is_not_guessed_at() -> None:
    with pytest.raises(UnknownVersion):
        recompute({**as_json(compute(Currency.USD, [])), "version": 2})
