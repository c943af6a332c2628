"""Whatever is used, however often it is told and however late: the invoices are what a brute-force rating says."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.invoicing.items import ItemKind
from llmo_messaging.envelope import Envelope
from tests.integration.billing.calling import Caller
from tests.integration.billing.invoices.office import Office
from tests.integration.billing.subscribing import offered
from tests.integration.billing.using import call
from tests.integration.organizations import MakeOrg

START = datetime(2027, 1, 1, tzinfo=UTC)
MONTHS = [datetime(2027, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
TIERS: list[dict[str, Any]] = [
    {"up_to": "100", "unit_price": "0.0125"},
    {"up_to": "1000", "unit_price": "0.0375", "flat_fee": "1"},
    {"up_to": None, "unit_price": "0.00333"},
]
CHARGE = {
    "code": "tokens",
    "name": "Tokens",
    "basis": "usage",
    "meter": "tokens",
    "included": "50",
    "price": {"kind": "graduated", "tiers": TIERS},
}
# When it happened, how many tokens it took, how often it is delivered, and whether only a month later.
EVENTS = st.lists(
    st.tuples(st.integers(0, 89 * 24), st.integers(0, 700), st.integers(1, 2), st.booleans()), max_size=12
)


def month_of(moment: datetime) -> int:
    return max(number for number, begins in enumerate(MONTHS) if begins <= moment)


def brute_force(tokens: Sequence[int]) -> int:
    """What a month's tokens cost in cents, one by one."""
    return round(sum((_nth(token) for token in range(1, sum(tokens) - 50 + 1)), Fraction()) * 100)


def _nth(token: int) -> Fraction:
    if token <= 100:
        return Fraction("0.0125")
    if token <= 1000:
        return Fraction("0.0375") + (1 if token == 101 else 0)
    return Fraction("0.00333")


@settings(max_examples=10)
@given(events=EVENTS)
async def test_invoices_are_what_a_brute_force_rating_says(
    operator: Caller, office: Office, make_org: MakeOrg, events: list[tuple[int, int, int, bool]]
) -> None:
    customer = Caller(await make_org())
    if not await operator.listed("plans"):
        await operator.meter(code="tokens", aggregation="sum", fields=["input_tokens"])
        await offered(operator, "metered", "0", CHARGE)
    [plan] = await operator.listed("plans")
    office.clock.set(2027, 1, 1)
    await customer.made("subscriptions", plan_id=plan["id"])
    arrivals = _arrivals(customer.org.org_id, events)
    billed: dict[int, int] = {}
    for number in (1, 2, 3):
        await office.using.record(*arrivals.get(number - 1, []))
        office.clock.moment = MONTHS[number] + timedelta(days=1)
        invoice = await office.surely_invoiced(customer)
        for line in invoice.breakdown.lines:
            if line.kind is not ItemKind.ADVANCE:
                month = month_of(line.period.start)
                billed[month] = billed.get(month, 0) + line.amount

    tokens: dict[int, list[int]] = {month: [] for month in range(3)}
    for hours, used, _, _ in events:
        tokens[month_of(START + timedelta(hours=hours))].append(used)
    wanted = {month: brute_force(used) for month, used in tokens.items()}
    late = {month_of(START + timedelta(hours=hours)) for hours, _, _, is_late in events if is_late}
    assert {month: amount for month, amount in billed.items() if month != 2} == {0: wanted[0], 1: wanted[1]}
    if 2 not in late:  # what is late for the last month would be on an invoice after it
        assert billed[2] == wanted[2]


def _arrivals(org_id: UUID, events: list[tuple[int, int, int, bool]]) -> dict[int, list[Envelope]]:
    """The deliveries of each month, in which those that are late are of the month before."""
    arrivals: dict[int, list[Envelope]] = {}
    for hours, tokens, times, late in events:
        at = START + timedelta(hours=hours)
        envelope = call(org_id, started_at=at.isoformat(), input_tokens=tokens)
        arrivals.setdefault(month_of(at) + late, []).extend([envelope] * times)
    return arrivals
