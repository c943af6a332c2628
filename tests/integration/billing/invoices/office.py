"""The use cases of invoices, by one clock with those of subscriptions, usage and credit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from billing.accounts.repository import PostgresAccounts
from billing.dunning.closing import DunningClosing
from billing.dunning.repository import PostgresDunnings, PostgresServices
from billing.dunning.serving import Serving
from billing.invoices import wiring
from billing.invoices.archive import Archive, InvoiceArchive
from billing.invoices.collecting import InvoiceSettlement
from billing.invoices.drafting import DraftingService
from billing.invoices.finalizing import FinalizingService
from billing.invoices.models import Invoice
from billing.invoices.operating import InvoiceOperations
from billing.invoices.overdue import OverdueInvoices
from billing.invoices.rating import Rating
from billing.invoices.reading import InvoiceReader
from billing.invoices.repository import PostgresClaims, PostgresInvoices
from billing.invoices.running import InvoiceRun
from billing.invoices.schedule_repository import PostgresSchedule
from billing.invoices.settling import SettlingService
from billing.invoices.withdrawing import WithdrawingService
from billing.models import Operator
from billing.payments.models import PurposeKind
from billing.payments.settling import Settlements
from billing.subscriptions.repository import PostgresSubscriptions
from billing.wallets.settlement import TopUpSettlement
from llmo_core.ids import new_id
from llmo_data.objects import Objects
from tests.integration.billing.calling import Caller, Catalogue, Json
from tests.integration.billing.credit.bank import Bank
from tests.integration.billing.subscribing import Subscribing
from tests.integration.billing.using import Using, call

BUCKET = "llmo-test-invoices"
GRACE = timedelta(hours=1)
PER_CALL: Json = {
    "code": "calls",
    "name": "Calls",
    "basis": "usage",
    "meter": "calls",
    "price": {"kind": "per_unit", "unit_price": "0.25"},
    "included": "2",
}


class Withdrawn:
    """Invoices whose charges were withdrawn; by a service, where a test charges cards."""

    def __init__(self) -> None:
        self.invoices: list[UUID] = []
        self.service: WithdrawingService | None = None

    async def withdraw(self, org_id: UUID, invoice_id: UUID) -> None:
        self.invoices.append(invoice_id)
        if self.service is not None:
            await self.service.withdraw(org_id, invoice_id)


class Office:
    """All of them."""

    def __init__(
        self, catalogue: Catalogue, subscribing: Subscribing, using: Using, bank: Bank, objects: Objects
    ) -> None:
        self.catalogue = catalogue
        self.clock = subscribing.clock
        self.bank = bank
        self.using = using
        self.subscribing = subscribing
        self.events = subscribing.events
        self.archive = Archive(objects)
        self.withdrawals = Withdrawn()
        database = catalogue.database
        self.kept = PostgresInvoices(database)
        self.subscriptions = PostgresSubscriptions(database)
        claimed, schedule, accounts = PostgresClaims(database), PostgresSchedule(database), PostgresAccounts(database)
        shared: dict[str, Any] = {
            "events": self.events,
            "transaction": database.transaction,
            "clock": self.clock,
            "new_id": new_id,
        }
        rating = Rating(accounts=accounts, counted=using.counted(), claimed=claimed, grace=GRACE)
        self.drafting = DraftingService(
            subscriptions=self.subscriptions,
            rating=rating,
            invoices=self.kept,
            claimed=claimed,
            schedule=schedule,
            **shared,
        )
        self.finalizing = FinalizingService(
            invoices=self.kept,
            accounts=accounts,
            credits_=bank.credits,
            ledger=bank.ledger,
            operator_id=catalogue.operator_id,
            terms=timedelta(days=14),
            **shared,
        )
        self.dunnings, self.services = PostgresDunnings(database), PostgresServices(database)
        announcing: dict[str, Any] = {"events": self.events, "clock": self.clock}
        self.serving = Serving(services=self.services, dunnings=self.dunnings, **announcing)
        closing = DunningClosing(dunnings=self.dunnings, serving=self.serving, **announcing)
        self.settling = SettlingService(
            invoices=self.kept,
            credits_=bank.credits,
            ledger=bank.ledger,
            withdrawals=self.withdrawals,
            told=closing,
            after_commit=database.after_commit,
            **shared,
        )
        self.reader = InvoiceReader(
            invoices=self.kept,
            drafting=self.drafting,
            subscriptions=self.subscriptions,
            credits_=bank.credits,
            documents=InvoiceArchive(self.archive),
            clock=self.clock,
        )
        self.operations = InvoiceOperations(
            invoices=self.kept, settling=self.settling, operator=Operator(catalogue.operator_id)
        )
        self.schedule = schedule
        self.overdue = OverdueInvoices(
            schedule=schedule,
            invoices=self.kept,
            events=self.events,
            transaction=database.transaction,
            clock=self.clock,
        )
        self.run = InvoiceRun(schedule=schedule, drafting=self.drafting, finalizing=self.finalizing, clock=self.clock)

    def overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """What stands in for the wiring."""
        return {
            wiring.invoice_reader: lambda: self.reader,
            wiring.invoice_operations: lambda: self.operations,
            **self.bank.overrides(),
        }

    def settlements(self) -> Settlements:
        """What settles payments, as the product is wired."""
        return Settlements(
            {
                PurposeKind.INVOICE: InvoiceSettlement(settling=self.settling, events=self.events),
                PurposeKind.TOP_UP: TopUpSettlement(self.bank.top_ups),
            }
        )

    async def used(self, caller: Caller, calls: int, at: datetime) -> None:
        """Let an organization make LLM calls."""
        await self.using.record(*(call(caller.org.org_id, started_at=at.isoformat()) for _ in range(calls)))

    async def invoiced(self, caller: Caller) -> Invoice | None:
        """Invoice what is due of an organization's newest subscription."""
        subscription = await self.subscriptions.newest(caller.org.org_id)
        assert subscription is not None
        draft = await self.drafting.draft(caller.org.org_id, subscription.id)
        return await self.finalizing.finalize(caller.org.org_id, draft.id) if draft is not None else None

    async def surely_invoiced(self, caller: Caller) -> Invoice:
        """The same, where something is due."""
        invoice = await self.invoiced(caller)
        assert invoice is not None
        return invoice

    async def receivable(self, org_id: UUID, invoice_id: UUID) -> int:
        """What the ledger says is owed for an invoice."""
        return (await self.bank.balances(org_id)).get(("receivable", invoice_id), 0)
