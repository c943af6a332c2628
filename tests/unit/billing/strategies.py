"""Random plans, usage, periods and taxes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast
from uuid import UUID
from zoneinfo import available_timezones

from hypothesis import strategies as st

from billing.metering.folding import UsageEvent
from billing.metering.meters import LLM_CALL
from billing.periods import BillingCycle, Cadence, Interval, Period
from billing.pricing.plans import Basis, Charge, PlanVersion
from billing.pricing.prices import Flat, Graduated, Package, PassThrough, Percentage, PerUnit, Price, Volume
from billing.pricing.tiers import PriceTier
from billing.proration import Share
from billing.taxes import Taxation, TaxBehavior, TaxRate
from llmo_core.currencies import Currency

PERIOD = Period(start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))


def decimal(integer: int, places: int) -> Decimal:
    """An integer's digits behind the point, whatever the context."""
    return Decimal(f"{integer}E-{places}")


def decimals(largest: int, *, least: int = 0) -> st.SearchStrategy[Decimal]:
    """Numbers up to the largest with up to twelve decimal places, often few; `least` is how many of the last place."""
    return st.integers(0, 12).flatmap(
        lambda places: st.integers(least, largest * 10**places).map(lambda digits: decimal(digits, places))
    )


currencies = st.sampled_from(Currency)
unit_prices = decimals(10_000)
few = st.integers(1, 12).map(Decimal)
"""Where tiers end, and what is used up to exactly there."""
quantities = st.one_of(st.just(Decimal(0)), few, st.integers(0, 300).map(Decimal), decimals(1_000_000))
allowances = st.one_of(st.just(Decimal(0)), quantities)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[PriceTier, ...]:
    """Ascending, the last without end; their bounds are near the quantities."""
    ends = sorted(draw(st.sets(st.one_of(few, decimals(1_000, least=1)), max_size=4)))
    return tuple(
        PriceTier(up_to=end, unit_price=draw(unit_prices), flat_fee=draw(st.one_of(st.just(Decimal(0)), unit_prices)))
        for end in [*ends, None]
    )


@st.composite
def percentages(draw: st.DrawFn) -> Percentage:
    minimum = draw(decimals(100))
    above = draw(st.none() | decimals(10_000))
    cap = None if above is None else max(above, minimum)
    return Percentage(percent=draw(decimals(100)), fixed_fee=draw(decimals(10)), minimum=minimum, cap=cap)


sizes = st.integers(1, 1_000).map(Decimal)
flats = st.builds(Flat, amount=unit_prices)
counted: st.SearchStrategy[Price] = st.one_of(
    st.builds(PerUnit, unit_price=unit_prices),
    st.builds(Package, size=st.one_of(sizes, sizes.map(lambda size: decimal(int(size), 2))), package_price=unit_prices),
    st.builds(Graduated, tiers=tiers()),
    st.builds(Volume, tiers=tiers()),
)


def passed_through(currency: Currency) -> st.SearchStrategy[PassThrough]:
    rates = st.none() if currency is Currency.USD else decimals(30_000, least=1)
    return st.builds(PassThrough, markup_percent=decimals(200), usd_rate=rates)


def prices(currency: Currency = Currency.USD) -> st.SearchStrategy[Price]:
    """Of every kind that quantities are counted for."""
    return st.one_of(counted, percentages(), passed_through(currency))


@st.composite
def charges(draw: st.DrawFn, currency: Currency, number: int) -> Charge:
    basis = draw(st.sampled_from(Basis))
    price: Price
    match basis:
        case Basis.RECURRING:
            price = draw(flats)
        case Basis.SEATS:
            price = draw(counted)
        case Basis.USAGE:
            price = draw(prices(currency))
    return Charge(
        code=f"charge_{number}",
        name=f"Charge {number}",
        basis=basis,
        price=price,
        meter=f"meter_{number}" if basis is Basis.USAGE else None,
        included=Decimal(0) if basis is Basis.RECURRING else draw(allowances),
    )


cadences = st.builds(Cadence, interval=st.sampled_from(Interval), count=st.integers(1, 36))


@st.composite
def plans(draw: st.DrawFn, currency: Currency | None = None) -> PlanVersion:
    chosen = draw(currencies) if currency is None else currency
    numbers = range(draw(st.integers(1, 4)))
    return PlanVersion(
        currency=chosen,
        cadence=draw(cadences),
        charges=tuple(draw(charges(chosen, number)) for number in numbers),
    )


@st.composite
def counts_of(draw: st.DrawFn, plan: PlanVersion) -> dict[str, Decimal]:
    """What the meters of a plan have counted."""
    return {cast("str", charge.meter): draw(quantities) for charge in plan.for_usage}


@st.composite
def shares(draw: st.DrawFn) -> Share:
    whole = draw(st.integers(1, 366))
    return Share(days=draw(st.integers(0, whole)), of=whole)


@st.composite
def taxations(draw: st.DrawFn) -> Taxation:
    percents = draw(st.lists(st.one_of(st.integers(0, 30).map(Decimal), decimals(30)), max_size=3))
    rates = tuple(TaxRate(code=f"tax_{number}", name="Tax", percent=rate) for number, rate in enumerate(percents))
    return Taxation(behavior=draw(st.sampled_from(TaxBehavior)), rates=rates)


cycles = st.builds(
    BillingCycle,
    starts_on=st.dates(date(2000, 1, 1), date(2060, 12, 31)),
    time_zone=st.sampled_from(sorted(available_timezones() - {"localtime"})),
    cadence=cadences,
    trial_days=st.one_of(st.just(0), st.integers(1, 60)),
)


calls = st.builds(
    lambda model, project, tokens, cost, seconds, user: UsageEvent(
        name=LLM_CALL,
        fields={
            "model": model,
            "project_id": UUID(int=project),
            "input_tokens": tokens,
            "output_tokens": tokens // 3,
            "cost_usd": f"{decimal(cost, 12):f}",
            "audio_seconds": seconds,
            "end_user": user,
            "tags": {"team": model[:1]},
        },
    ),
    model=st.sampled_from(["gpt-5", "claude", "gemini"]),
    project=st.integers(1, 3),
    tokens=st.integers(0, 10**6),
    cost=st.integers(0, 10**13),
    seconds=st.floats(0, 10**4),
    user=st.none() | st.sampled_from(["ann", "bob", "eve"]),
)
