"""Payments over a real database, with Stripe's real SDK and a stand-in behind it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from billing import wiring as shared
from billing.models import Operator
from billing.payments import wiring
from billing.payments.applying import Applying
from billing.payments.charging import Charging
from billing.payments.customers import CustomerRegistry
from billing.payments.disputing import Disputing
from billing.payments.method_repository import PostgresCustomers, PostgresMethods
from billing.payments.models import Payment, PaymentMethod, Purpose, PurposeKind
from billing.payments.notice_repository import PostgresNotices
from billing.payments.notices import Notice
from billing.payments.ports import Reversal, Settlement
from billing.payments.recording import Recording
from billing.payments.refund_recording import RefundRecording
from billing.payments.refunding import Refunding
from billing.payments.repository import PostgresDisputes, PostgresPayments, PostgresRefunds
from billing.payments.saved_methods import MethodService
from billing.payments.settling import Reversals
from billing.payments.showing import HostedPages, PaymentService
from billing.payments.stripe_provider import StripeProvider
from llmo_auth.idempotent_route import RepeatedRequests
from llmo_core.clock import SystemClock
from llmo_core.currencies import Currency
from llmo_core.ids import new_id
from llmo_data.idempotency import IdempotencyRecords
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.fakes.stripe import API_KEY, FakeStripe
from tests.integration.auth.announcements import BusDown
from tests.integration.organizations import PEPPER, Org
from tests.integration.statements import run

type Json = dict[str, Any]


class ClockAhead:
    """The machine's clock, which tests put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Settled:
    """What was settled, and what is wrong about settling."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        self.wrong: Exception | None = None

    async def settled(self, payment: Payment) -> None:
        if self.wrong is not None:
            raise self.wrong
        self.payments.append(payment)


class Paying:
    """The use cases of payments, for the organization that operates the deployment and all others."""

    def __init__(self, database: Database, stripe: FakeStripe, operator: Org | None = None) -> None:
        self.database = database
        self.stripe = stripe
        self.clock = ClockAhead()
        self.settled = Settled()
        self.settlement: Settlement = self.settled
        self.reversal: Reversal = Reversals({})
        self.portal: str | None = ""
        self.operator = operator
        self.provider = StripeProvider(API_KEY, base_url=stripe.url, timeout_seconds=4, retries=0)
        self.payments, self.methods = PostgresPayments(database), PostgresMethods(database)
        self.customers, self.refunds = PostgresCustomers(database), PostgresRefunds(database)
        self.disputes = PostgresDisputes(database)
        outbox = Outbox(database=database, schema="billing", bus=BusDown, clock=SystemClock(), new_id=new_id)
        self._common: Json = {"events": outbox, "transaction": database.transaction, "clock": self.clock}

    def recording(self) -> Recording:
        return Recording(payments=self.payments, provider=self.provider, settlement=self.settlement, **self._common)

    async def charging(self) -> Charging:
        return self.charges()

    def charges(self) -> Charging:
        return Charging(
            payments=self.payments,
            methods=self.methods,
            customers=self.customers,
            provider=self.provider,
            recording=self.recording(),
            transaction=self.database.transaction,
            after_commit=self.database.after_commit,
            clock=self.clock,
            new_id=new_id,
        )

    async def method_service(self) -> MethodService:
        registry = CustomerRegistry(customers=self.customers, provider=self.provider, clock=self.clock)
        return MethodService(
            methods=self.methods,
            customers=self.customers,
            registry=registry,
            provider=self.provider,
            new_id=new_id,
            **self._common,
        )

    async def payment_service(self) -> PaymentService:
        return PaymentService(
            payments=self.payments, refunds=self.refunds, disputes=self.disputes, provider=self.provider
        )

    def refund_recording(self) -> RefundRecording:
        return RefundRecording(
            refunds=self.refunds,
            disputes=self.disputes,
            payments=self.payments,
            customers=self.customers,
            provider=self.provider,
            reversal=self.reversal,
            new_id=new_id,
            **self._common,
        )

    async def refunding(self) -> Refunding:
        return Refunding(
            refunds=self.refunds,
            payments=self.payments,
            provider=self.provider,
            recording=self.refund_recording(),
            operator=Operator(self.operator.org_id if self.operator is not None else None),
            transaction=self.database.transaction,
            after_commit=self.database.after_commit,
            clock=self.clock,
            new_id=new_id,
        )

    async def hosted_pages(self) -> HostedPages:
        registry = CustomerRegistry(customers=self.customers, provider=self.provider, clock=self.clock)
        return HostedPages(
            customers=self.customers,
            registry=registry,
            provider=self.provider,
            portal=self.portal,
            clock=self.clock,
            new_id=new_id,
        )

    async def applying(self) -> Applying:
        disputing = Disputing(
            disputes=self.disputes,
            payments=self.payments,
            customers=self.customers,
            provider=self.provider,
            reversal=self.reversal,
            new_id=new_id,
            **self._common,
        )
        return Applying(
            notices=PostgresNotices(self.database),
            customers=self.customers,
            provider=self.provider,
            recording=self.recording(),
            methods=await self.method_service(),
            refunds=self.refund_recording(),
            disputing=disputing,
            clock=self.clock,
        )

    async def publishable_key(self) -> str | None:
        return "pk_test_standin"

    async def repeated_requests(self) -> RepeatedRequests:
        records = IdempotencyRecords("billing")
        return RepeatedRequests(database=self.database, records=records, secret=PEPPER.encode(), clock=SystemClock())

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.method_service: self.method_service,
            wiring.payment_service: self.payment_service,
            wiring.refunding: self.refunding,
            wiring.hosted_pages: self.hosted_pages,
            wiring.publishable_key: self.publishable_key,
            shared.repeated_requests: self.repeated_requests,
        }

    async def told(self, *types: str) -> None:
        """Apply what happened at Stripe, in order; of these types, or all."""
        applying = await self.applying()
        for event in self.stripe.events(*types):
            await applying.apply(notice_of(event))

    async def card(self, org_id: UUID, number: str) -> PaymentMethod:
        """Save a card for an organization, whose default it is when it is the first."""
        registry = CustomerRegistry(customers=self.customers, provider=self.provider, clock=self.clock)
        setup = await self.provider.create_setup(await registry.ensure(org_id), key=f"{new_id()}-setup")
        done = await self.stripe.save_card({"id": setup.stripe_id, "client_secret": setup.client_secret}, number)
        assert done.get("status") == "succeeded", done
        await (await self.method_service()).record(await self.provider.method(done["payment_method"]))
        saved = await self.methods.page(org_id, before=None, limit=1)
        return saved[0]

    async def charge(self, org_id: UUID, purpose: Purpose | None = None, **options: Any) -> Payment:
        """Charge an organization, 49 dollars for an invoice unless it says otherwise."""
        wanted = {"amount": 4900, "currency": Currency.USD, **options}
        return await (await self.charging()).charge(org_id, purpose or invoice(), **wanted)

    async def found(self, payment: Payment) -> Payment:
        """A payment as it is now."""
        found = await self.payments.find(payment.org_id, payment.id)
        assert found is not None
        return found

    async def announced(self, org_id: UUID) -> Sequence[Envelope]:
        """What was announced of an organization's payments, in order; not of its cards."""
        async with self.database.transaction(org_id) as connection:
            rows = await run(connection, "SELECT envelope FROM {} ORDER BY position", "billing", "outbox")
        every = [Envelope.model_validate_json(row["envelope"]) for row in rows]
        return [each for each in every if "payment_method" not in each.type]


def invoice() -> Purpose:
    """An invoice that nobody has paid."""
    return Purpose(kind=PurposeKind.INVOICE, id=new_id())


def notice_of(event: Json) -> Notice:
    """What we keep of an event."""
    return Notice(id=event["id"], type=event["type"], object_id=event["data"]["object"]["id"])
