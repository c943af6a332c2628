"""Subscriptions over a real database, on days that the test chooses."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.accounts import wiring as account_wiring
from billing.accounts.repository import PostgresAccounts
from billing.accounts.service import AccountService
from billing.entitlements import wiring as entitlement_wiring
from billing.entitlements.service import EntitlementService
from billing.invoicing.items import Item
from billing.models import Operator
from billing.paid_changes import wiring as paid_wiring
from billing.paid_changes.repository import PostgresPaidChanges
from billing.paid_changes.requesting import PaidChangeService
from billing.periods import Period
from billing.subscriptions import wiring
from billing.subscriptions.closing import Closing, OrganizationClosed
from billing.subscriptions.keeping import Keeping
from billing.subscriptions.models import Subscription
from billing.subscriptions.repository import PostgresArrivals, PostgresSubscriptions, PostgresTurns
from billing.subscriptions.service import SubscriptionService
from billing.subscriptions.turning import TurningService
from billing.wallets.models import Grant
from llmo_core.clock import SystemClock
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_messaging.consumer import Delivery
from llmo_messaging.envelope import Envelope
from tests.clocks import MovableClock
from tests.integration.auth.announcements import BusDown
from tests.integration.billing.calling import FEE, Caller, Catalogue, Json, version

SEATS: Json = {
    "code": "seats",
    "name": "Seats",
    "basis": "seats",
    "price": {"kind": "per_unit", "unit_price": "5"},
}


LAST_OF_JANUARY = datetime(2027, 1, 31, 12, tzinfo=UTC)


class NothingDue:
    """Makes no invoices, and has no credit."""

    async def due(self, _subscription: Subscription, _now: datetime) -> Sequence[Item]:
        return []

    async def spendable(self, _org_id: UUID, _currency: Currency) -> Sequence[Grant]:
        return []


class FixedUsage:
    """Has counted what a test says, in whatever period.

    Attributes:
        asked: For which periods.
    """

    def __init__(self) -> None:
        self.counted: dict[str, Decimal] = {}
        self.asked: list[Period] = []

    async def quantities(self, _org_id: UUID, codes: Collection[str], period: Period) -> Mapping[str, Decimal]:
        self.asked.append(period)
        return {code: self.counted.get(code, Decimal(0)) for code in codes}


class Subscribing:
    """The use cases of accounts, subscriptions and entitlements, for the customers of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.clock = MovableClock(LAST_OF_JANUARY)
        database = catalogue.database
        self.events = Outbox(database=database, schema="billing", bus=BusDown, clock=SystemClock(), new_id=new_id)
        self.kept = PostgresSubscriptions(database)
        self.keeping = Keeping(subscriptions=self.kept, events=self.events)
        self.usage = FixedUsage()

    async def accounts(self) -> AccountService:
        return AccountService(
            accounts=PostgresAccounts(self.catalogue.database),
            operator=Operator(self.catalogue.operator_id),
            events=self.events,
            transaction=self.catalogue.database.transaction,
            clock=self.clock,
        )

    async def subscriptions(self) -> SubscriptionService:
        return SubscriptionService(
            subscriptions=self.kept,
            plans=await self.catalogue.plans(),
            accounts=await self.accounts(),
            events=self.events,
            transaction=self.catalogue.database.transaction,
            clock=self.clock,
            new_id=new_id,
        )

    async def paid_changes(self) -> PaidChangeService:
        return PaidChangeService(
            changes=PostgresPaidChanges(self.catalogue.database),
            subscriptions=await self.subscriptions(),
            billing=NothingDue(),
            credits_=NothingDue(),
            events=self.events,
            transaction=self.catalogue.database.transaction,
            clock=self.clock,
            new_id=new_id,
            within=timedelta(hours=1),
        )

    async def entitlements(self) -> EntitlementService:
        return EntitlementService(subscriptions=await self.subscriptions(), usage=self.usage)

    def turning(self) -> TurningService:
        turns = PostgresTurns(self.catalogue.database, self.kept)
        return TurningService(turns=turns, keeping=self.keeping, clock=self.clock)

    async def turn(self) -> int:
        """How many subscriptions a run turns that has a minute."""
        return await self.turning().turn(lambda: timedelta(minutes=1))

    def closing(self) -> Closing:
        return Closing(
            arrivals=PostgresArrivals(self.catalogue.database, Inbox(schema="billing", consumer="subscriptions")),
            subscriptions=self.kept,
            keeping=self.keeping,
            transaction=self.catalogue.database.transaction,
            clock=self.clock,
        )

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            account_wiring.account_service: self.accounts,
            wiring.subscription_service: self.subscriptions,
            paid_wiring.paid_change_service: self.paid_changes,
            entitlement_wiring.entitlement_service: self.entitlements,
        }

    async def told(self, caller: Caller) -> Sequence[str]:
        """What was announced of an organization's subscriptions, in order."""
        announced = await self.catalogue.announced(caller.org.org_id)
        prefix = "llmo.billing.subscription."
        return [event.type.removeprefix(prefix) for event in announced if event.type.startswith(prefix)]


async def offered(operator: Caller, code: str, fee: str, *charges: Json, **others: Any) -> Json:
    """A plan that everybody can subscribe to, of a monthly fee unless it says otherwise."""
    base = {**FEE, "price": {"kind": "flat", "amount": fee}}
    return await operator.made("plans", code=code, name=code, offered=True, version=version(base, *charges, **others))


async def subscribed(caller: Caller, plan: Json, **body: Any) -> Json:
    """A subscription of the caller's organization."""
    return await caller.made("subscriptions", plan_id=plan["id"], **body)


async def did(caller: Caller, subscription: Json, what: str, **body: Any) -> Json:
    """What has become of a subscription that somebody did something to."""
    answer = await caller("POST", f"subscriptions/{subscription['id']}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["revision"]}"'
    done: Json = answer.json()
    return done


def closed(org_id: UUID) -> Delivery[OrganizationClosed]:
    """That an organization is no more."""
    event = OrganizationClosed(org_id=org_id)
    envelope = Envelope(
        id=new_id(),
        source="llmo.auth",
        type=OrganizationClosed.event_type,
        time=datetime(2027, 2, 5, 10, tzinfo=UTC),
        orgid=org_id,
        data=event.model_dump(mode="json"),
    )
    return Delivery(envelope, event)
