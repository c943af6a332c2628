"""What is left of features that meters count, of what was really used."""

from datetime import UTC, datetime
from decimal import Decimal

from billing.entitlements.service import EntitlementService
from tests.integration.billing.calling import Caller
from tests.integration.billing.subscribing import Subscribing, offered, subscribed
from tests.integration.billing.using import Using, call

CALLS = {"code": "calls", "name": "Calls", "limit": "2", "meter": "calls"}


async def test_calls_of_the_current_period_count_against_the_limit(
    operator: Caller, customer: Caller, subscribing: Subscribing, using: Using
) -> None:
    await operator.meter()
    await subscribed(customer, await offered(operator, "team", "20", features=[CALLS]))
    org_id = customer.org.org_id
    entitlements = EntitlementService(subscriptions=await subscribing.subscriptions(), usage=using.counted())
    using.clock.moment = datetime(2027, 2, 1, tzinfo=UTC)

    async def used(*days: datetime) -> tuple[bool, Decimal | None, Decimal | None]:
        assert await using.record(*(call(org_id, started_at=day.isoformat()) for day in days)) == []
        found = await entitlements.to(org_id, "calls")
        return found.allowed, found.used, found.remaining

    assert await used() == (True, Decimal(0), Decimal(2))
    assert await used(datetime(2027, 1, 30, 23, tzinfo=UTC), datetime(2027, 1, 31, tzinfo=UTC)) == (
        True,
        Decimal(1),
        Decimal(1),
    )
    assert await used(datetime(2027, 1, 31, 23, tzinfo=UTC)) == (False, Decimal(2), Decimal(0))
    subscribing.clock.set(2027, 2, 28)
    assert await used() == (True, Decimal(0), Decimal(2))
