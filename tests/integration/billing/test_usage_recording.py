"""LLM calls are kept and counted once, whatever happens to them on the way."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from psycopg import sql

from billing.periods import Period
from billing.pricing.metered import UnknownMeter
from billing.usage.slots import BetweenSlots
from llmo_core.ids import new_id
from tests.integration.billing.calling import Caller
from tests.integration.billing.using import MONTH, NOW, Using, call
from tests.integration.organizations import MakeOrg
from tests.integration.stores import Postgres, administrator


async def test_a_call_is_kept_with_what_can_be_counted_of_it_and_counted_by_every_meter(
    using: Using, customer: Caller
) -> None:
    org_id = customer.org.org_id
    await using.make()
    await using.make(code="tokens", aggregation="sum", fields=["input_tokens", "output_tokens"])
    await using.make(code="cost", aggregation="sum", fields=["cost_usd"])
    await using.make(code="peak", aggregation="max", fields=["output_tokens"])
    await using.make(code="users", aggregation="unique", fields=["end_user"])
    await using.make(code="claude", filters=[{"field": "model", "values": ["claude"]}])
    await using.make(code="pages", event="page.rendered")

    calls = [call(org_id, end_user=user, audio_seconds=0.1, tags={"team": "a"}) for user in ("ann", "bob", "ann", None)]
    assert await using.record(*calls) == []

    counted = await using.counted().quantities(
        org_id, ["calls", "tokens", "cost", "peak", "users", "claude", "pages"], MONTH
    )
    assert counted == {
        "calls": 4,
        "tokens": 256,
        "cost": Decimal("0.000078"),
        "peak": 22,
        "users": 2,
        "claude": 0,
        "pages": 0,
    }
    kept = (await using.kept(org_id))[0]
    assert (kept["name"], kept["occurred_at"], kept["received_at"]) == ("llm.call", NOW, NOW)
    assert (
        kept["fields"].items()
        >= {
            "cost_usd": "0.0000195",
            "audio_seconds": 0.1,
            "stream": False,
            "project_id": str(org_id),
            "tags": {"team": "a"},
        }.items()
    )
    assert "request_id" not in kept["fields"]


async def test_a_call_that_comes_again_is_counted_once(using: Using, customer: Caller) -> None:
    org_id = customer.org.org_id
    await using.make()
    first, second, third = (call(org_id) for _ in range(3))

    await using.record(first, second, first)
    await using.record(second, third)
    await using.record(third)

    assert await using.quantity(org_id) == 3
    assert len(await using.kept(org_id)) == 3


async def test_consumers_that_get_the_same_calls_at_the_same_time_count_them_once(
    using: Using, customer: Caller
) -> None:
    org_id = customer.org.org_id
    await using.make()
    await using.make(code="users", aggregation="unique", fields=["end_user"])
    calls = [
        call(org_id, end_user=f"u{number % 7}", started_at=(NOW - timedelta(minutes=20 * number)).isoformat())
        for number in range(40)
    ]

    await asyncio.gather(
        using.record(*calls), using.record(*calls[::-1]), using.record(*calls[10:]), using.record(*calls[:30][::-1])
    )

    assert await using.quantity(org_id) == 40
    assert await using.quantity(org_id, "users") == 7


async def test_a_meter_counts_what_is_received_once_it_is_there(using: Using, customer: Caller) -> None:
    org_id = customer.org.org_id
    recording = using.recording()
    using.recording = lambda: recording  # type: ignore[method-assign]  # one process goes on
    await using.record(call(org_id))
    await using.make()
    await using.record(call(org_id))
    await using.make(code="later")
    await using.record(call(org_id))

    assert await using.quantity(org_id) == 2
    assert await using.quantity(org_id, "later") == 1


async def test_without_an_operator_calls_are_kept_and_nothing_counts_them(using: Using, customer: Caller) -> None:
    using.operator_id = None
    await using.record(call(customer.org.org_id))

    assert len(await using.kept(customer.org.org_id)) == 1
    with pytest.raises(UnknownMeter):
        await using.quantity(customer.org.org_id)


async def test_a_batch_is_of_any_organizations_also_of_those_that_nobody_knows(
    using: Using, customer: Caller, make_org: MakeOrg
) -> None:
    await using.make()
    others = [(await make_org()).org_id, new_id()]
    batch = [call(org_id) for org_id in (customer.org.org_id, *others, others[0])]

    assert await using.record(*batch) == []

    assert [await using.quantity(org_id) for org_id in (customer.org.org_id, *others)] == [1, 2, 1]


@pytest.mark.parametrize("orgid", [None, UUID(int=5)])
async def test_a_call_is_whose_it_says_itself(using: Using, customer: Caller, orgid: UUID | None) -> None:
    await using.make()
    envelope = call(customer.org.org_id).model_copy(update={"orgid": orgid})

    assert await using.record(envelope, envelope) == []

    assert await using.quantity(customer.org.org_id) == 1


@pytest.mark.parametrize("started_at", ["1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "9997-12-31T23:59:59Z"])
async def test_a_call_of_a_month_that_was_not_made_is_kept_and_counted(
    using: Using, customer: Caller, started_at: str
) -> None:
    org_id = customer.org.org_id
    await using.make()
    await using.make(code="users", aggregation="unique", fields=["end_user"])
    await using.record(call(org_id, started_at=started_at, end_user="ann"))

    year = int(started_at[:4])
    far = Period(start=datetime(year, 1, 1, tzinfo=UTC), end=datetime(year + 1, 1, 1, tzinfo=UTC))
    assert await using.quantity(org_id, period=far) == await using.quantity(org_id, "users", far) == 1


async def test_names_that_a_database_cannot_hold_are_no_reason_not_to_be_paid(using: Using, customer: Caller) -> None:
    org_id = customer.org.org_id
    await using.make()
    await using.make(code="users", aggregation="unique", fields=["end_user"])
    odd = call(org_id, end_user="a\0b", tags={"te\0am": "x\0"}, model="𝛌" * 300)

    assert await using.record(odd, call(org_id, end_user="é" * 300)) == []

    assert await using.quantity(org_id) == await using.quantity(org_id, "users") == 2


async def test_one_call_that_cannot_be_kept_holds_up_no_other(
    using: Using, customer: Caller, make_org: MakeOrg, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the reason: here the table itself refuses it."""
    await using.make()
    org_id, other_id = customer.org.org_id, (await make_org()).org_id
    poisoned = call(org_id, model="poison")
    batch = [*(call(org_id) for _ in range(6)), poisoned, call(org_id), call(other_id)]
    constraint = sql.SQL(
        "ALTER TABLE billing.usage_events ADD CONSTRAINT healthy CHECK (fields ->> 'model' <> 'poison')"
    )
    async with administrator(postgres.admin) as admin:
        await admin.execute(constraint)
        try:
            assert await using.record(*batch) == [poisoned.id]
        finally:
            await admin.execute("ALTER TABLE billing.usage_events DROP CONSTRAINT healthy")

    assert await using.quantity(org_id) == 7
    assert await using.quantity(other_id) == 1
    assert "usage not recorded" in caplog.text
    assert await using.record(*batch) == []
    assert await using.quantity(org_id) == 8


@pytest.mark.parametrize(
    ("zone_midnight", "before", "at"),
    [
        ("2026-11-09T18:15:00+00:00", "2026-11-09T18:14:59.999999Z", "2026-11-09T18:15:00Z"),  # Kathmandu, +05:45
        ("2026-11-01T04:00:00+00:00", "2026-11-01T03:59:59.999999Z", "2026-11-01T04:00:00Z"),  # New York, DST ends
        ("2026-11-09T10:30:00+00:00", "2026-11-09T10:29:59Z", "2026-11-09T10:30:00.000001Z"),  # Adelaide, +10:30
    ],
)
async def test_what_is_used_belongs_to_the_day_that_it_is_where_the_organization_is(
    using: Using, customer: Caller, zone_midnight: str, before: str, at: str
) -> None:
    org_id = customer.org.org_id
    await using.make()
    midnight = datetime.fromisoformat(zone_midnight)
    await using.record(call(org_id, started_at=before), call(org_id, started_at=at), call(org_id, started_at=at))

    yesterday = Period(start=midnight - timedelta(days=1), end=midnight)
    today = Period(start=midnight, end=midnight + timedelta(days=1))
    assert await using.quantity(org_id, period=yesterday) == 1
    assert await using.quantity(org_id, period=today) == 2


async def test_what_is_counted_by_quarters_of_an_hour_is_not_split_between_them(using: Using, customer: Caller) -> None:
    await using.make()
    for period in (
        Period(start=MONTH.start, end=MONTH.end - timedelta(minutes=1)),
        Period(start=MONTH.start + timedelta(microseconds=1), end=MONTH.end),
    ):
        with pytest.raises(BetweenSlots):
            await using.quantity(customer.org.org_id, period=period)


async def test_an_unknown_meter_has_not_counted_nothing(using: Using, customer: Caller) -> None:
    await using.make()
    with pytest.raises(UnknownMeter, match="`other`"):
        await using.counted().quantities(customer.org.org_id, ["calls", "other"], MONTH)
    assert await using.counted().quantities(customer.org.org_id, [], MONTH) == {}


@pytest.mark.parametrize(
    ("field", "largest", "small", "sum_of_both"),
    [
        ("input_tokens", 10**18, 1, "1000000000000000001"),
        ("cost_usd", "1E+18", "0.000000000001", "1000000000000000000.000000000001"),
    ],
)
async def test_the_largest_quantities_add_up_exactly(
    using: Using, customer: Caller, field: str, largest: object, small: object, sum_of_both: str
) -> None:
    org_id = customer.org.org_id
    await using.make(code="sum", aggregation="sum", fields=[field])
    await using.record(call(org_id, **{field: largest}), call(org_id, **{field: small}))

    assert await using.quantity(org_id, "sum") == Decimal(sum_of_both)
