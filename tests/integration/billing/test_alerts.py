"""Alerts: told once for each period and value, whatever is looked at, and whoever looks."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.accounts.repository import PostgresAccounts
from billing.alerts import wiring
from billing.alerts.readings import KnownSpending
from billing.alerts.repository import PostgresAlerts, PostgresCrossings
from billing.alerts.service import AlertService
from billing.alerts.watching import AlertWatch
from billing.api import app
from billing.current_usage.open_periods import SubscribedPeriods
from billing.current_usage.service import CurrentUsageService
from billing.ledger.bookings import promoted
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import every
from llmo_messaging.envelope import Envelope
from tests.integration.api_caller import problem
from tests.integration.auth.announcements import BusDown
from tests.integration.billing.calling import Caller, Catalogue, Json, usage
from tests.integration.billing.credit.bank import USD, Bank
from tests.integration.billing.subscribing import Subscribing, offered, subscribed
from tests.integration.billing.using import Using, call
from tests.integration.organizations import MakeOrg
from tests.integration.statements import run

NOVEMBER_10 = datetime(2026, 11, 10, 12, tzinfo=UTC)
HALF: Json = {"kind": "per_unit", "unit_price": "0.5"}


class NoLimits:
    """Nobody pays in advance."""

    async def refresh(self, org_id: UUID) -> None:
        """There is nothing to announce."""


class Watched:
    """Alerts over a real database, at moments that the test chooses."""

    def __init__(self, subscribing: Subscribing, using: Using) -> None:
        self.subscribing = subscribing
        self.using = using
        self.database = using.database
        self.bank = Bank(using.database, using.operator_id, subscribing.clock)
        self.outbox = Outbox(
            database=self.database, schema="billing", bus=BusDown, clock=subscribing.clock, new_id=new_id
        )

    def readings(self) -> KnownSpending:
        clock = self.subscribing.clock
        periods = SubscribedPeriods(subscriptions=self.subscribing.kept, accounts=PostgresAccounts(self.database))
        counted = self.using.counted()
        current = CurrentUsageService(periods=periods, counted=counted, clock=clock)
        return KnownSpending(current_usage=current, counted=counted, wallets=self.bank.wallets, clock=clock)

    async def service(self) -> AlertService:
        return AlertService(
            alerts=PostgresAlerts(self.database),
            readings=self.readings(),
            transaction=self.database.transaction,
            clock=self.subscribing.clock,
            new_id=new_id,
        )

    def watch(self) -> AlertWatch:
        return AlertWatch(
            crossings=PostgresCrossings(self.database),
            readings=self.readings(),
            limits=NoLimits(),
            events=self.outbox,
            clock=self.subscribing.clock,
            new_id=new_id,
        )

    async def due(self, org_id: UUID) -> bool:
        found = await PostgresCrossings(self.database).due(now=self.subscribing.clock.now(), besides=(), limit=10_000)
        return org_id in found

    async def used(self, caller: Caller, calls: int) -> None:
        now = self.subscribing.clock.now()
        self.using.clock.moment = now
        made = [call(caller.org.org_id, started_at=now.isoformat()) for _ in range(calls)]
        assert await self.using.record(*made) == []

    async def told(self, caller: Caller) -> Sequence[tuple[int | None, str, str]]:
        """Percent, threshold and value of what was told, in order."""
        found = [event.data for event in await self.events(caller)]
        return [(each["percent"], each["threshold"], each["value"]) for each in found]

    async def events(self, caller: Caller) -> Sequence[Any]:
        async with self.database.transaction(caller.org.org_id) as connection:
            rows = await run(connection, "SELECT envelope FROM {} ORDER BY position", "billing", "outbox")
        envelopes = [Envelope.model_validate_json(row["envelope"]) for row in rows]
        return [each for each in envelopes if each.type == "llmo.billing.alert.crossed"]


@pytest.fixture
def watched(subscribing: Subscribing, using: Using, monkeypatch: pytest.MonkeyPatch) -> Watched:
    subscribing.clock.moment = NOVEMBER_10
    made = Watched(subscribing, using)
    monkeypatch.setitem(app.dependency_overrides, wiring.alert_service, made.service)
    return made


async def alert(caller: Caller, **body: Any) -> Json:
    return await caller.made("alerts", **{"name": "It", **body})


async def paying(operator: Caller, customer: Caller) -> None:
    """The customer pays 10 dollars a month, and half a dollar for each call."""
    await operator.meter()
    await subscribed(customer, await offered(operator, "team", "10", usage(HALF)))


async def test_spending_is_told_of_once_for_each_percentage_and_period(
    operator: Caller, customer: Caller, watched: Watched
) -> None:
    await paying(operator, customer)
    made = await alert(customer, kind="spend", currency="USD", limit="2000", thresholds=["1100"])
    assert made["percentages"] == [50, 80, 95, 100]
    watch = watched.watch()
    await watch.look(customer.org.org_id)
    assert await watched.told(customer) == [(50, "1000", "1000")]

    await watched.used(customer, 4)
    for _ in range(2):
        await watch.look(customer.org.org_id)
    assert (await watched.told(customer))[1:] == [(None, "1100", "1200")]

    await watched.used(customer, 30)
    await watch.look(customer.org.org_id)
    assert sorted((await watched.told(customer))[2:], key=str) == [
        (100, "2000", "2700"),
        (80, "1600", "2700"),
        (95, "1900", "2700"),
    ]
    data = (await watched.events(customer))[0].data
    assert (data["name"], data["kind"], data["currency"], data["limit"]) == ("It", "spend", "USD", "2000")
    assert data["period_start"] < data["crossed_at"] < data["period_end"]
    shown = (await customer("GET", f"alerts/{made['id']}")).json()
    assert len(shown["crossings"]) == 5
    assert shown["crossings"][-1]["threshold"] == "1000"

    watched.subscribing.clock.moment = NOVEMBER_10 + timedelta(days=31)
    await watch.look(customer.org.org_id)
    assert (await watched.told(customer))[5:] == [(50, "1000", "1000")]


async def test_usage_and_the_projected_bill_are_told_of(operator: Caller, customer: Caller, watched: Watched) -> None:
    await paying(operator, customer)
    await alert(customer, kind="usage", meter="calls", thresholds=["3"])
    await alert(customer, kind="projected", currency="USD", thresholds=["3000"])
    watched.subscribing.clock.moment = NOVEMBER_10 + timedelta(days=10)
    await watched.used(customer, 2)
    await watched.watch().look(customer.org.org_id)
    assert await watched.told(customer) == []

    await watched.used(customer, 18)  # 10 dollars in a third of the period
    await watched.watch().look(customer.org.org_id)

    told = {event.data["kind"]: event.data for event in await watched.events(customer)}
    assert (told["usage"]["meter"], told["usage"]["value"], told["usage"]["currency"]) == ("calls", "20", None)
    assert Decimal(told["projected"]["value"]) > 3000


async def test_a_balance_is_told_of_when_it_falls_and_again_when_it_has_been_above(
    customer: Caller, watched: Watched
) -> None:
    bank, org_id = watched.bank, customer.org.org_id

    async def give(amount: int) -> UUID:
        grant = await bank.given(org_id, amount, promoted(new_id(), amount, USD))
        return grant.id

    async def spend(amounts: dict[UUID, int]) -> None:
        await bank.credits.spend(org_id, USD, invoice_id=new_id(), amounts=amounts)
        await watched.watch().look(org_id)

    first = await give(1000)
    wallet = await bank.wallet(org_id)
    made = await alert(customer, kind="credit_balance", wallet_id=str(wallet.id), limit="1000", thresholds=["100"])
    assert made["currency"] == "USD"
    await spend({first: 499})
    assert await watched.told(customer) == []

    await spend({first: 401})
    assert await watched.told(customer) == [(50, "500", "100"), (80, "200", "100"), (None, "100", "100")]

    second = await give(900)
    await watched.watch().look(org_id)
    await spend({first: 100, second: 900})
    told = (await watched.told(customer))[3:]
    assert told == [(50, "500", "0"), (80, "200", "0"), (95, "50", "0"), (100, "0", "0"), (None, "100", "0")]
    shown = (await customer("GET", f"alerts/{made['id']}")).json()
    assert {each["recovered_at"] is None for each in shown["crossings"]} == {True, False}
    assert {each["period_start"] for each in shown["crossings"]} == {None}


async def test_runs_at_once_tell_once(operator: Caller, customer: Caller, watched: Watched) -> None:
    await paying(operator, customer)
    await alert(customer, kind="spend", currency="USD", thresholds=["1"])

    await asyncio.gather(*(watched.watch().look(customer.org.org_id) for _ in range(5)))

    assert len(await watched.told(customer)) == 1


async def test_only_those_are_looked_at_whose_spending_has_changed_and_all_after_an_hour(
    operator: Caller, customer: Caller, watched: Watched, make_org: MakeOrg
) -> None:
    watched.subscribing.clock.moment = now = datetime.now(UTC)
    await paying(operator, customer)
    org_id = customer.org.org_id
    assert not await watched.due(org_id)  # it has no alerts
    await alert(customer, kind="spend", currency="USD", thresholds=["100000"])
    assert await watched.due(org_id)
    await watched.watch().run(lambda: timedelta(minutes=1))
    assert not await watched.due(org_id)

    await watched.used(customer, 1)
    assert await watched.due(org_id)
    await watched.watch().look(org_id)
    assert not await watched.due(org_id)

    watched.subscribing.clock.moment = now + timedelta(hours=1)
    assert await watched.due(org_id)
    async with watched.database.transaction((await make_org()).org_id) as connection:
        assert await every(connection, "SELECT * FROM billing.changed_spending") == []


async def test_alerts_are_changed_and_removed(operator: Caller, customer: Caller, watched: Watched) -> None:
    await paying(operator, customer)
    made = await alert(customer, kind="spend", currency="USD", limit="100000")
    path = f"alerts/{made['id']}"
    changed = await customer("PATCH", path, json={"limit": "2000"}, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["limit"]) == (200, '"2"', "2000")
    assert problem(await customer("PATCH", path, json={"name": "x"}, headers={"if-match": '"1"'}))[0] == 412
    assert problem(await customer("PATCH", path, json={"limit": None})) == (400, "unfitting_levels")
    assert problem(await customer("PATCH", path, json={"limit": "333"})) == (400, "unfitting_levels")
    await watched.watch().look(customer.org.org_id)
    assert await watched.told(customer) == [(50, "1000", "1000")]

    assert (await customer("DELETE", path)).status_code == 204
    assert problem(await customer("GET", path)) == (404, "unknown_alert")
    await watched.used(customer, 50)
    await watched.watch().look(customer.org.org_id)
    assert len(await watched.told(customer)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "spend", "currency": "USD"},
        {"kind": "spend", "currency": "USD", "percentages": [50]},
        {"kind": "spend", "currency": "USD", "limit": "100", "percentages": [50, 50]},
        {"kind": "spend", "currency": "USD", "limit": "100", "percentages": [50], "thresholds": ["50.0"]},
        {"kind": "spend", "currency": "USD", "thresholds": ["-1"]},
        {"kind": "spend", "currency": "USD", "thresholds": [str(value) for value in range(11)]},
        {"kind": "spend", "currency": "XXX", "thresholds": ["1"]},
        {"kind": "spend", "meter": "calls", "thresholds": ["1"]},
        {"kind": "usage", "currency": "USD", "thresholds": ["1"]},
        {"kind": "credit_balance", "thresholds": ["1"]},
        {"kind": "mood", "thresholds": ["1"]},
        {"kind": "spend", "currency": "USD", "thresholds": [0.5]},
    ],
)
async def test_what_is_no_alert_is_refused(customer: Caller, watched: Watched, body: Json) -> None:
    answer = await customer("POST", "alerts", json={"name": "It", **body})
    assert answer.status_code == 422, (watched, answer.text)


async def test_what_does_not_fit_what_there_is_is_refused(operator: Caller, customer: Caller, watched: Watched) -> None:
    await paying(operator, customer)

    async def refused(**body: Any) -> tuple[int, str]:
        return problem(await customer("POST", "alerts", json={"name": "It", **body}))

    assert await refused(kind="usage", meter="nothing", thresholds=["1"]) == (404, "unknown_meter")
    assert await refused(kind="spend", currency="EUR", thresholds=["1"]) == (400, "currency_mismatch")
    assert await refused(kind="spend", currency="USD", thresholds=["1.5"]) == (400, "unfitting_levels")
    wallet = {"kind": "credit_balance", "wallet_id": str(new_id())}
    assert await refused(**wallet, thresholds=["1"]) == (404, "unknown_wallet")
    assert await watched.told(customer) == []


async def test_nobody_has_more_alerts_than_fifty(customer: Caller, watched: Watched) -> None:
    for number in range(50):
        await alert(customer, kind="spend", currency="USD", thresholds=[str(number)])
    last = await customer(
        "POST", "alerts", json={"name": "It", "kind": "spend", "currency": "USD", "thresholds": ["1"]}
    )
    assert problem(last) == (409, "too_many_alerts")
    assert len(await customer.listed("alerts")) == 50
    await watched.watch().look(customer.org.org_id)  # nothing is open, and nothing is told
    assert await watched.told(customer) == []


async def test_alerts_are_their_organizations_and_readers_only_read(
    operator: Caller, customer: Caller, reader: Caller, watched: Watched, make_org: MakeOrg, catalogue: Catalogue
) -> None:
    await paying(operator, customer)
    made = await alert(customer, kind="spend", currency="USD", thresholds=["1"])
    await watched.watch().look(customer.org.org_id)
    stranger, path = Caller(await make_org()), f"alerts/{made['id']}"
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert problem(await stranger(method, path, json=body)) == (404, "unknown_alert")
    assert await stranger.listed("alerts") == []
    assert [each["id"] for each in await reader.listed("alerts")] == [made["id"]]
    for method, where, body in (("POST", "alerts", {}), ("PATCH", path, {"name": "x"}), ("DELETE", path, None)):
        assert problem(await reader(method, where, json=body)) == (403, "missing_permission")
    async with catalogue.database.transaction(stranger.org.org_id) as connection:
        for table in ("alerts", "alert_crossings", "changed_spending"):
            assert await run(connection, "SELECT * FROM {}", "billing", table) == []
